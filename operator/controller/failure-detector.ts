import { type Clock, every, sleep, type Timer } from "#base/clock.ts";
import type { BrokerId, Incarnation } from "#base/ids.ts";
import type { Logger } from "#base/logging.ts";
import type { Address, Network } from "#ports/network.ts";
import { expiryOf, isRefusalTrusted, type ProbeVerdict, verdictOf, type Watched } from "./suspicion.ts";

type Entry = { -readonly [K in keyof Watched]: Watched[K] } & {
  readonly http: Address;
  isProbing: boolean;
  /** Given to `onLost`; its commit is on the way. */
  isCondemned: boolean;
};

export interface LostBroker {
  readonly broker: BrokerId;
  readonly incarnation: Incarnation;
  readonly reason: string;
}

const TICK_MS = 250;
/** A tick this late means that this process stood still: what brokers sent meanwhile was not read yet. */
const STANDSTILL_MS = 1000;
const PROBE_TIMEOUT_MS = 300;
const SECOND_PROBE_MS = 50;
/** So many probes after a break follow each other that fast, refused or not. */
const QUICK_PROBES = 3;
/** As long as a stream stays broken and the session lasts. */
const FURTHER_PROBES_MS = 250;

/**
 * Finds out which brokers are dead. A broken stream leads to probes of the process's own address: refused twice, or
 * answered by another process, it is dead now. Silence alone ends a session after its timeout.
 */
export class FailureDetector {
  readonly #clock: Clock;
  readonly #network: Network;
  readonly #logger: Logger;
  readonly #sessionTimeoutMs: number;
  readonly #onLost: (lost: readonly LostBroker[]) => void;
  readonly #entries = new Map<BrokerId, Entry>();
  #ticker: Timer | null = null;
  #tickedAtMs = 0;
  #isJudging = false;

  constructor(
    ports: { clock: Clock; network: Network; logger: Logger },
    options: { sessionTimeoutMs: number; onLost: (lost: readonly LostBroker[]) => void },
  ) {
    this.#clock = ports.clock;
    this.#network = ports.network;
    this.#logger = ports.logger;
    this.#sessionTimeoutMs = options.sessionTimeoutMs;
    this.#onLost = options.onLost;
  }

  start(): void {
    this.#tickedAtMs = this.#clock.monotonic();
    this.#ticker = every(this.#clock, TICK_MS, () => this.#tick());
  }

  stop(): void {
    this.#ticker?.cancel();
    this.#ticker = null;
    this.#entries.clear();
  }

  /** After a takeover: alive until a full session timeout has passed, or a probe proves it dead. */
  presume(process: { broker: BrokerId; incarnation: Incarnation; http: Address }): void {
    const nowMs = this.#clock.monotonic();
    const entry = this.#watch(process, nowMs);
    entry.brokenAtMs = nowMs;
    void this.#probeWhileBroken(entry);
  }

  /** It registered on a stream. */
  connected(process: { broker: BrokerId; incarnation: Incarnation; http: Address }): void {
    this.#watch(process, this.#clock.monotonic());
  }

  heard(broker: BrokerId): void {
    const entry = this.#entries.get(broker);
    if (entry !== undefined) entry.heardAtMs = this.#clock.monotonic();
  }

  /** Its stream broke. */
  disconnected(broker: BrokerId, incarnation: Incarnation): void {
    const entry = this.#entries.get(broker);
    if (entry === undefined || entry.incarnation !== incarnation || entry.brokenAtMs !== null) return;
    entry.brokenAtMs = this.#clock.monotonic();
    entry.hasAnswered = false;
    void this.#probeWhileBroken(entry);
  }

  /** Something else says that its process has ended: one look decides whether that is taken for a broken stream. */
  async suspect(broker: BrokerId): Promise<void> {
    const entry = this.#entries.get(broker);
    if (entry === undefined || entry.brokenAtMs !== null) return;
    const verdict = await this.standing(entry);
    if (verdict === "alive" || this.#entries.get(broker) !== entry) return;
    this.disconnected(broker, entry.incarnation);
  }

  /** Is fenced: nothing is watched any more until it registers. */
  forget(broker: BrokerId): void {
    this.#entries.delete(broker);
  }

  /** Milliseconds since the last sign of life; null when not watched. */
  silenceMs(broker: BrokerId): number | null {
    const entry = this.#entries.get(broker);
    return entry === undefined ? null : this.#clock.monotonic() - entry.heardAtMs;
  }

  /** Asks the process that the registry names whether it lives. */
  async standing(process: { incarnation: Incarnation; http: Address }): Promise<ProbeVerdict> {
    const result = await this.#network.probe(process.http, { timeoutMs: PROBE_TIMEOUT_MS });
    return verdictOf(result, process.incarnation);
  }

  #watch(process: { broker: BrokerId; incarnation: Incarnation; http: Address }, nowMs: number): Entry {
    const { broker, incarnation, http } = process;
    const entry: Entry = {
      broker,
      incarnation,
      http,
      heardAtMs: nowMs,
      brokenAtMs: null,
      hasAnswered: false,
      isProbing: false,
      isCondemned: false,
    };
    this.#entries.set(broker, entry);
    return entry;
  }

  #isBroken(entry: Entry): boolean {
    return this.#entries.get(entry.broker) === entry && entry.brokenAtMs !== null && !entry.isCondemned;
  }

  async #probeWhileBroken(entry: Entry): Promise<void> {
    if (entry.isProbing) return;
    entry.isProbing = true;
    let refusals = 0;
    // A process that was just killed may still take the first connection and drop it: that is no refusal yet.
    let probes = 0;
    while (this.#isBroken(entry)) {
      const verdict = await this.standing(entry);
      if (!this.#isBroken(entry)) break;
      entry.hasAnswered = verdict === "alive";
      refusals = verdict === "refused" ? refusals + 1 : 0;
      if (verdict === "dead") return this.#condemn([entry], "another process answers at its address");
      if (refusals >= 2 && isRefusalTrusted(entry, [...this.#entries.values()])) {
        return this.#condemn([entry], "its address refuses connections");
      }
      probes++;
      const isSoon = refusals === 1 || (verdict !== "alive" && probes <= QUICK_PROBES);
      await sleep(this.#clock, isSoon ? SECOND_PROBE_MS : FURTHER_PROBES_MS);
    }
    entry.isProbing = false;
  }

  #condemn(entries: readonly Entry[], reason: string): void {
    for (const entry of entries) entry.isCondemned = true;
    this.#onLost(entries.map(({ broker, incarnation }) => ({ broker, incarnation, reason })));
  }

  #tick(): void {
    const nowMs = this.#clock.monotonic();
    const passedMs = nowMs - this.#tickedAtMs;
    this.#tickedAtMs = nowMs;
    if (passedMs >= STANDSTILL_MS) {
      this.#logger.warn("the controller stood still; sessions are extended", { forMs: passedMs });
      for (const entry of this.#entries.values()) entry.heardAtMs += passedMs;
      return;
    }
    if (!this.#isJudging && this.#expiry().expired.length > 0) void this.#judge();
  }

  #expiry(): { expired: Entry[]; doubtful: Entry[] } {
    const all = [...this.#entries.values()].filter((entry) => !entry.isCondemned);
    const at = { nowMs: this.#clock.monotonic(), sessionTimeoutMs: this.#sessionTimeoutMs };
    return expiryOf(all, at) as { expired: Entry[]; doubtful: Entry[] };
  }

  /** Sessions that end together are one decision: electing a leader that is about to be lost helps nobody. */
  async #judge(): Promise<void> {
    this.#isJudging = true;
    const { doubtful } = this.#expiry();
    const verdicts = await Promise.all(doubtful.map((entry) => this.standing(entry)));
    this.#isJudging = false;
    // It stood still meanwhile: the next tick extends all sessions before anybody is judged.
    if (this.#clock.monotonic() - this.#tickedAtMs >= STANDSTILL_MS) return;
    const { expired, doubtful: still } = this.#expiry();
    const unanswered = doubtful.filter((entry, index) => still.includes(entry) && verdicts[index] !== "alive");
    const lost = [...expired, ...unanswered];
    if (expired.length > 0) this.#condemn(lost, "its session timed out");
  }
}
