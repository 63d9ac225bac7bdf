import type { Clock } from "../base/clock.ts";
import type { Metrics } from "../base/metrics.ts";
import { below, type Random } from "../base/random.ts";
import { FetchSession, type SessionChange, type SessionUser } from "./fetch-session.ts";
import type { FetchedPartition } from "./fetched-partition.ts";

/** A session unused for so long makes room for any other; a younger one is never pushed out by a larger one. */
const PROTECTED_MS = 120_000;
/** Partitions in all sessions together: some 25 MB. */
const PARTITIONS_MAX = 100_000;
const IDS = 0x7fff_ffff;

export interface FetchSessionsOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** `max.incremental.fetch.session.cache.slots`. */
  readonly slots: () => number;
  readonly partitionsMax?: number;
}

/**
 * The fetch sessions of one broker, whatever connections their clients use. A new one that finds no slot takes that of
 * a session unused for two minutes, or else of the smallest one that is older than two minutes and smaller than itself;
 * or it is not opened, and its client goes on with full fetches. Kafka protects its followers' sessions besides; here
 * followers do not fetch. The partitions of all sessions are bounded, too. Source: KIP-227.
 */
export class FetchSessions {
  /** Sessions that had to make room. */
  evictions = 0;
  /** Partitions in all sessions. */
  partitionCount = 0;
  readonly #options: FetchSessionsOptions;
  readonly #partitionsMax: number;
  /** By id; the longest unused first. */
  readonly #sessions = new Map<number, FetchSession>();

  constructor(options: FetchSessionsOptions) {
    this.#options = options;
    this.#partitionsMax = options.partitionsMax ?? PARTITIONS_MAX;
  }

  get size(): number {
    return this.#sessions.size;
  }

  get(id: number): FetchSession | undefined {
    return this.#sessions.get(id);
  }

  /** A session of what a full request fetched; null when there is no room for it. */
  open(partitions: readonly FetchedPartition[], { hasTopicIds }: { hasTopicIds: boolean }): FetchSession | null {
    const nowMs = this.#options.clock.monotonic();
    if (!this.#makeRoom(partitions.length, nowMs)) return null;
    const session = new FetchSession({ id: this.#freeId(), hasTopicIds, nowMs }, partitions);
    this.#sessions.set(session.id, session);
    this.partitionCount += session.size;
    return session;
  }

  /** The session is in use by a request that named its epoch. */
  use(session: FetchSession, user: SessionUser): void {
    this.#sessions.delete(session.id);
    this.#sessions.set(session.id, session);
    session.use(user, this.#options.clock.monotonic());
  }

  /** Changes what the session fetches. It is closed when nothing is left ("empty") or there is no room ("full"). */
  update(session: FetchSession, request: SessionChange): "kept" | "empty" | "full" {
    this.partitionCount -= session.size;
    session.update(request);
    this.partitionCount += session.size;
    const outcome = session.size === 0 ? "empty" : this.partitionCount > this.#partitionsMax ? "full" : "kept";
    if (outcome !== "kept") this.close(session);
    return outcome;
  }

  close(session: FetchSession): void {
    if (!this.#sessions.delete(session.id)) return;
    this.partitionCount -= session.size;
    session.close();
  }

  #makeRoom(size: number, nowMs: number): boolean {
    const slots = this.#options.slots();
    if (slots === 0 || size > this.#partitionsMax) return false;
    while (this.#sessions.size >= slots || this.partitionCount + size > this.#partitionsMax) {
      const evicted = this.#stalest(nowMs) ?? this.#smallest(size, nowMs);
      if (evicted === undefined) return false;
      this.evictions++;
      this.close(evicted);
    }
    return true;
  }

  #stalest(nowMs: number): FetchSession | undefined {
    const [oldest] = this.#sessions.values();
    return oldest !== undefined && nowMs - oldest.lastUsedAtMs > PROTECTED_MS ? oldest : undefined;
  }

  /** The smallest that is not protected by its youth; undefined when none is smaller than `size`. */
  #smallest(size: number, nowMs: number): FetchSession | undefined {
    let smallest: FetchSession | undefined;
    for (const session of this.#sessions.values()) {
      const isEvictable = nowMs - session.createdAtMs > PROTECTED_MS && session.size < (smallest?.size ?? size);
      if (isEvictable) smallest = session;
    }
    return smallest;
  }

  /** Hard to guess for whoever would use another's session, and not taken; 1 to 2^31−1. */
  #freeId(): number {
    let id = below(this.#options.random, IDS);
    while (this.#sessions.has(id + 1)) id = (id + 1) % IDS;
    return id + 1;
  }
}

/** What those who watch see of the sessions. */
export function addFetchSessionMetrics(
  metrics: Metrics,
  sessions: Readonly<Pick<FetchSessions, "size" | "partitionCount" | "evictions">>,
): void {
  const gauge = (name: string, help: string, read: () => number): void =>
    metrics.gauge(name, help, () => [{ labels: {}, value: read() }]);
  gauge("tidemark_fetch_sessions", "Fetch sessions of consumers.", () => sessions.size);
  gauge("tidemark_fetch_session_partitions", "Partitions in fetch sessions.", () => sessions.partitionCount);
  metrics.counterOf(
    "tidemark_fetch_session_evictions_total",
    "Fetch sessions that made room for others: their clients begin anew.",
    () => sessions.evictions,
  );
}
