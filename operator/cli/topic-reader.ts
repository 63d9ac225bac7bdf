import type { Consumer } from "@platformatic/kafka";
import { isTidemarkError, TidemarkError } from "#base/errors.ts";
import { EARLIEST, LATEST, noSuchTopic } from "./admin-client.ts";
import { reasons } from "./client-errors.ts";
import type { ReadRecord } from "./format.ts";
import { Patience } from "./patience.ts";
import { type Start, startIn } from "./start.ts";

export type ReadingClient = Consumer<Buffer, Buffer, Buffer, Buffer>;
type FetchResponse = Awaited<ReturnType<ReadingClient["fetch"]>>;

export interface ReaderOptions {
  readonly topic: string;
  /** Whom it is read from, for messages. */
  readonly from: string;
}

/** How far one partition is read. */
export interface Cursor {
  readonly partition: number;
  next: bigint;
  /** Reading stops here; null = never. */
  readonly end: bigint | null;
}

export interface ReadOptions {
  /** Looked at after each answer of a broker. */
  isOver(): boolean;
  /** Records of one partition, in order; the next one's offset is `next`. One call at a time for each partition. */
  onRecords(records: readonly ReadRecord[], next: bigint): Promise<void>;
}

/** One partition as it is now. */
export interface PartitionBounds {
  readonly partition: number;
  readonly beginning: bigint;
  readonly end: bigint;
}

interface TopicMetadata {
  readonly id: string;
  readonly partitions: readonly { readonly leader: number }[];
}

const PARTITION_BYTES_MAX = 1024 * 1024;
const WAIT_MS = 500;
/** How long a leader may be missing before we give up. */
export const PATIENCE_MS = 30_000;

const isOpen = ({ end, next }: Cursor): boolean => end === null || next < end;

/** Reads a topic from the leaders of its partitions, over their changes. */
export class TopicReader {
  readonly #client: ReadingClient;
  readonly #options: ReaderOptions;
  readonly #patience = new Patience(PATIENCE_MS);

  constructor(client: ReadingClient, options: ReaderOptions) {
    this.#client = client;
    this.#options = options;
    client.topics.track(options.topic);
  }

  /**
   * Where every partition, or those named, begin and end.
   * @throws TidemarkError PEER_UNREACHABLE, BAD_INPUT (no such topic or partition).
   */
  bounds(wanted: readonly number[] | null): Promise<PartitionBounds[]> {
    return this.#patiently(async () => {
      const partitions = await this.#wanted(wanted);
      const [beginnings, ends] = [await this.#list(partitions, EARLIEST), await this.#list(partitions, LATEST)];
      return partitions.map((partition) => ({
        partition,
        beginning: beginnings[partition] ?? 0n,
        end: ends[partition] ?? 0n,
      }));
    });
  }

  /** Cursors for every partition or one of them: to the ends as they are now, or for ever. @throws as `bounds`. */
  async cursors(start: Start, to: { partition: number | null; follows: boolean }): Promise<Cursor[]> {
    const bounds = await this.bounds(to.partition === null ? null : [to.partition]);
    const partitions = bounds.map(({ partition }) => partition);
    const times = start.kind === "time" ? await this.#patiently(() => this.#list(partitions, start.timestampMs)) : [];
    return bounds.map(({ partition, beginning, end }) => {
      const found = times[partition] ?? -1n;
      const next = startIn(start, { beginning, end, atTime: found < 0n ? end : found });
      return { partition, next, end: to.follows ? null : end };
    });
  }

  /** Reads on from cursors, which it moves, until all are at their end. @throws as `bounds`, and no such offset. */
  async read(cursors: readonly Cursor[], options: ReadOptions): Promise<void> {
    while (!options.isOver()) {
      const open = cursors.filter(isOpen);
      if (open.length === 0) return;
      await this.#patiently(async () => this.#pumpAll(open, await this.#metadata(), options));
    }
  }

  async #wanted(wanted: readonly number[] | null): Promise<number[]> {
    const { partitions } = await this.#metadata();
    const unknown = wanted?.find((partition) => partition >= partitions.length);
    if (unknown === undefined) return wanted?.slice() ?? partitions.map((_, index) => index);
    const says = `topic ${this.#options.topic} has partitions 0 to ${partitions.length - 1}, not ${unknown}`;
    throw new TidemarkError("BAD_INPUT", says);
  }

  /** By partition. */
  async #list(partitions: number[], timestamp: bigint): Promise<readonly bigint[]> {
    const { topic } = this.#options;
    const found = await this.#client.listOffsets({ topics: [topic], partitions: { [topic]: partitions }, timestamp });
    return found.get(topic) ?? [];
  }

  #patiently<T>(attempt: () => Promise<T>): Promise<T> {
    return this.#patience.with(attempt, (error, isOver) => this.#judge(error, isOver));
  }

  /** Throws what will not get better by waiting. */
  #judge(error: unknown, isOver: boolean): void {
    if (isTidemarkError(error)) throw error;
    const why = reasons(error);
    const { topic, from } = this.#options;
    if (why.some((one) => one === "UNKNOWN_TOPIC_OR_PARTITION" || one.startsWith("Unknown topic"))) {
      throw noSuchTopic(topic);
    }
    if (why.includes("INVALID_TOPIC_EXCEPTION")) throw new TidemarkError("BAD_INPUT", `${topic} is no name of a topic`);
    if (why.includes("OFFSET_OUT_OF_RANGE")) {
      const says = `topic ${topic} has no record at that offset; --offset beginning reads what is there`;
      throw new TidemarkError("BAD_INPUT", says);
    }
    const isUnreachable = why.some((one) => one.includes("ECONNREFUSED"));
    if (isOver || (isUnreachable && !this.#client.isConnected())) {
      const says = `topic ${topic} cannot be read from ${from}: ${why.at(-1) ?? "no reason given"}`;
      throw new TidemarkError("PEER_UNREACHABLE", `${says}; is the cluster running?`, { cause: error });
    }
  }

  async #metadata(): Promise<TopicMetadata> {
    const { topic } = this.#options;
    const metadata = await this.#client.metadata({ topics: [topic], forceUpdate: true, autocreateTopics: false });
    const found = metadata.topics.get(topic);
    // Of a topic that does not exist brokers say so: this one the library passes over.
    if (found === undefined) {
      throw new TidemarkError("BAD_INPUT", `topic ${topic} is for brokers only; this command cannot read it`);
    }
    return found;
  }

  /** One loop of fetches for each leader, until one of them fails or all are at their end. */
  async #pumpAll(cursors: readonly Cursor[], metadata: TopicMetadata, options: ReadOptions): Promise<void> {
    const byLeader = Map.groupBy(cursors, ({ partition }) => metadata.partitions[partition]?.leader ?? -1);
    const [leaderless] = byLeader.get(-1) ?? [];
    if (leaderless !== undefined) throw new TransientError(`partition ${leaderless.partition} has no leader`);
    const state = { hasFailed: false };
    const pumps = [...byLeader].map(async ([node, mine]) => {
      try {
        await this.#pump({ node, topicId: metadata.id, cursors: mine }, options, state);
      } catch (error) {
        state.hasFailed = true;
        throw error;
      }
    });
    const results = await Promise.allSettled(pumps);
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  async #pump(
    { node, topicId, cursors }: { node: number; topicId: string; cursors: readonly Cursor[] },
    options: ReadOptions,
    state: { hasFailed: boolean },
  ): Promise<void> {
    while (!options.isOver() && !state.hasFailed) {
      const open = cursors.filter(isOpen);
      if (open.length === 0) return;
      const response = await this.#client.fetch({
        node,
        maxWaitTime: WAIT_MS,
        minBytes: 1,
        maxBytes: 8 * PARTITION_BYTES_MAX,
        topics: [{ topicId, partitions: open.map(fetchPartition) }],
      });
      this.#patience.renew();
      await this.#deliver(response, open, options);
    }
  }

  async #deliver(response: FetchResponse, cursors: readonly Cursor[], options: ReadOptions): Promise<void> {
    for (const { partitionIndex, records: batches } of response.responses.flatMap((one) => one.partitions)) {
      const cursor = cursors.find((one) => one.partition === partitionIndex);
      if (cursor === undefined || batches === null || batches === undefined) continue;
      const records: ReadRecord[] = [];
      for (const batch of batches) {
        const isControl = (batch.attributes & 0b10_0000) !== 0;
        for (const record of isControl ? [] : batch.records) {
          const offset = batch.firstOffset + BigInt(record.offsetDelta);
          if (offset < cursor.next || !isOpen({ ...cursor, next: offset })) continue;
          const timestampMs = batch.firstTimestamp + record.timestampDelta;
          const { key, value, headers } = record;
          const { partition } = cursor;
          records.push({ topic: this.#options.topic, partition, offset, timestampMs, key, value, headers });
        }
        const after = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n;
        if (after > cursor.next) cursor.next = after;
      }
      if (records.length > 0 && !options.isOver()) await options.onRecords(records, cursor.next);
    }
  }
}

/** Will pass: tried again. */
class TransientError extends Error {
  override readonly name = "TransientError";
}

const fetchPartition = (cursor: Cursor) => ({
  partition: cursor.partition,
  currentLeaderEpoch: -1,
  fetchOffset: cursor.next,
  lastFetchedEpoch: -1,
  partitionMaxBytes: PARTITION_BYTES_MAX,
});
