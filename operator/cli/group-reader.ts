import { TidemarkError } from "#base/errors.ts";
import { reasons } from "./client-errors.ts";
import type { ReadRecord } from "./format.ts";
import { Patience, pause } from "./patience.ts";
import { type Start, startIn } from "./start.ts";
import { type Cursor, PATIENCE_MS, type ReadingClient, type TopicReader } from "./topic-reader.ts";

export interface GroupOptions {
  readonly topic: string;
  readonly group: string;
  /** Where nothing is committed, or what is committed is gone. */
  readonly start: Start;
  /** Goes on beyond the ends as of the start. */
  readonly follows: boolean;
}

export interface GroupReadOptions {
  isOver(): boolean;
  /** Takes records of one partition; says up to where, exclusively, they may be committed. */
  onRecords(records: readonly ReadRecord[], next: bigint): Promise<bigint>;
}

/** What we were given in one generation of the group. */
interface Share {
  readonly partitions: readonly number[];
}

const SESSION_MS = 10_000;
const HEARTBEAT_MS = 1000;
const IDLE_LOOK_MS = 100;
/** Kafka's errors that mean that the group goes on without us, until we join again. */
const FENCED = ["REBALANCE_IN_PROGRESS", "ILLEGAL_GENERATION", "UNKNOWN_MEMBER_ID"];
/** Kafka's errors of groups that waiting does not mend, in words. */
const refusals: Readonly<Record<string, string>> = {
  INCONSISTENT_GROUP_PROTOCOL: "its members share partitions in a way that this command does not know",
  INVALID_GROUP_ID: "that is no name of a group",
  GROUP_MAX_SIZE_REACHED: "it has as many members as it may have",
  OFFSET_METADATA_TOO_LARGE: "the brokers take no commit as large as ours",
};

/**
 * Reads as a member of a consumer group (the classic protocol). What `onRecords` took is committed before more of that
 * partition is given to it; when the group changes in between, the next owner of the partition may see it once more.
 */
export class GroupReader {
  readonly #client: ReadingClient;
  readonly #reader: TopicReader;
  readonly #options: GroupOptions;
  readonly #patience = new Patience(PATIENCE_MS);
  #share: Share | null = null;
  #fault: unknown = null;

  constructor(client: ReadingClient, reader: TopicReader, options: GroupOptions) {
    this.#client = client;
    this.#reader = reader;
    this.#options = options;
  }

  /** @throws TidemarkError PEER_UNREACHABLE, BAD_INPUT, REFUSED. */
  async read(options: GroupReadOptions): Promise<void> {
    const bounds = await this.#reader.bounds(null);
    const ends = this.#options.follows ? null : new Map(bounds.map(({ partition, end }) => [partition, end]));
    this.#listen();
    await this.#join();
    while (!options.isOver()) {
      if (this.#fault !== null) await this.#joinAgain();
      const share = this.#share;
      if (share === null) {
        await pause(IDLE_LOOK_MS);
        continue;
      }
      const isOver = (): boolean => options.isOver() || this.#share !== share;
      const cursors = await this.#cursors(share, ends);
      await this.#reader.read(cursors, { isOver, onRecords: (...some) => this.#take(some, share, options) });
      // Everything up to the ends is read; a member without partitions has nothing to read at all.
      if (ends !== null && this.#share === share) return;
      if (ends === null && share.partitions.length === 0) await pause(IDLE_LOOK_MS);
    }
  }

  /** The library heartbeats, and joins again by itself when the group changes. */
  #listen(): void {
    this.#client.on("consumer:group:join", ({ assignments }) => {
      const mine = (assignments ?? []).filter(({ topic }) => topic === this.#options.topic);
      this.#share = { partitions: mine.flatMap(({ partitions }) => partitions) };
    });
    this.#client.on("consumer:group:rebalance", () => {
      this.#share = null;
    });
    // That it could not, it says here, and does nothing more.
    this.#client.on("error", (error: Error) => {
      this.#share = null;
      this.#fault = error;
    });
  }

  #join(): Promise<unknown> {
    const protocols = [
      { name: "range", version: 1 },
      { name: "roundrobin", version: 1 },
    ] as const;
    const wish = { sessionTimeout: SESSION_MS, rebalanceTimeout: SESSION_MS, heartbeatInterval: HEARTBEAT_MS };
    return this.#patiently(() => this.#client.joinGroup({ ...wish, protocols: [...protocols] }));
  }

  async #joinAgain(): Promise<void> {
    const fault = this.#fault;
    this.#fault = null;
    this.#judge(fault, false);
    await this.#join();
  }

  async #cursors({ partitions }: Share, ends: ReadonlyMap<number, bigint> | null): Promise<Cursor[]> {
    if (partitions.length === 0) return [];
    const { topic, start } = this.#options;
    const committed = await this.#patiently(() =>
      this.#client.listCommittedOffsets({ topics: [{ topic, partitions: [...partitions] }] }),
    );
    const bounds = await this.#reader.bounds(partitions);
    return bounds.map(({ partition, beginning, end }) => {
      const offset = committed.get(topic)?.[partition] ?? -1n;
      const isThere = offset >= beginning && offset <= end;
      const next = isThere ? offset : startIn(start, { beginning, end, atTime: end });
      return { partition, next, end: ends === null ? null : (ends.get(partition) ?? end) };
    });
  }

  async #take(
    [records, next]: readonly [readonly ReadRecord[], bigint],
    share: Share,
    options: GroupReadOptions,
  ): Promise<void> {
    // Somebody else may have the partition by now.
    if (this.#share !== share) return;
    const offset = await options.onRecords(records, next);
    const [first] = records;
    if (first === undefined || offset <= first.offset) return;
    const { topic, partition } = first;
    await this.#patiently(() =>
      this.#within(share, () => this.#client.commit({ offsets: [{ topic, partition, offset, leaderEpoch: -1 }] })),
    );
  }

  /** Asks as long as we have that share; that it is ours no more, the answer may be the first to say. */
  async #within(share: Share, ask: () => Promise<void>): Promise<void> {
    if (this.#share !== share) return;
    try {
      await ask();
    } catch (error) {
      if (!reasons(error).some((one) => FENCED.includes(one))) throw error;
      // By now we may have been given another one, which stands.
      if (this.#share === share) this.#share = null;
    }
  }

  #patiently<T>(attempt: () => Promise<T>): Promise<T> {
    return this.#patience.with(attempt, (error, isOver) => this.#judge(error, isOver));
  }

  #judge(error: unknown, isOver: boolean): void {
    const why = reasons(error);
    const { group } = this.#options;
    const refusal = why.find((one) => Object.hasOwn(refusals, one));
    if (refusal !== undefined) {
      throw new TidemarkError("REFUSED", `group ${group}: ${refusals[refusal]} (${refusal})`, { cause: error });
    }
    if (!isOver) return;
    const says = `group ${group} cannot be joined: ${why.at(-1) ?? "no reason given"}; is the cluster running?`;
    throw new TidemarkError("PEER_UNREACHABLE", says, { cause: error });
  }
}
