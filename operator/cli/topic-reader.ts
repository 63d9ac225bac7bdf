import type { Consumer } from "@platformatic/kafka";
import { TidemarkError } from "#base/errors.ts";
import { reasons } from "./client-errors.ts";
import type { Start } from "./consume.ts";
import type { ReadRecord } from "./format.ts";

type Client = Consumer<Buffer, Buffer, Buffer, Buffer>;
type FetchResponse = Awaited<ReturnType<Client["fetch"]>>;

export interface ReaderOptions {
  readonly topic: string;
  /** For messages: whom the client asked first. */
  readonly brokers: readonly string[];
  /** null: every partition. */
  readonly partition: number | null;
}

export interface ReadOptions {
  readonly start: Start;
  /** Goes on beyond the end as of the start. */
  readonly follows: boolean;
  /** Records of one partition, in order; false ends the reading. */
  onRecords(records: readonly ReadRecord[]): Promise<boolean>;
}

interface Cursor {
  readonly partition: number;
  next: bigint;
  /** Reading stops here; null = never. */
  readonly end: bigint | null;
}

interface TopicMetadata {
  readonly id: string;
  readonly partitions: readonly { readonly leader: number }[];
}

const EARLIEST = -2n;
const LATEST = -1n;
const PARTITION_BYTES_MAX = 1024 * 1024;
const WAIT_MS = 500;
/** How long a leader may be missing before we give up. */
const PATIENCE_MS = 30_000;
const RETRY_MS = 50;

const pause = (delayMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, delayMs));

/** Reads a topic without a consumer group, from the leaders, over their changes. */
export class TopicReader {
  readonly #client: Client;
  readonly #options: ReaderOptions;
  #isEnded = false;
  #troubleSinceMs: number | null = null;

  constructor(client: Client, options: ReaderOptions) {
    this.#client = client;
    this.#options = options;
    client.topics.track(options.topic);
  }

  /** @throws TidemarkError PEER_UNREACHABLE, BAD_INPUT (no such topic, partition or offset). */
  async read(options: ReadOptions): Promise<void> {
    const cursors = await this.#patiently(() => this.#cursors(options));
    while (!this.#isEnded) {
      const open = cursors.filter((cursor) => cursor.end === null || cursor.next < cursor.end);
      if (open.length === 0) return;
      await this.#patiently(async () => this.#pumpAll(open, await this.#metadata({ isFresh: true }), options));
    }
  }

  /** Tries again while leaders move or brokers come back. */
  async #patiently<T>(attempt: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const result = await attempt();
        this.#troubleSinceMs = null;
        return result;
      } catch (error) {
        this.#troubleSinceMs ??= performance.now();
        const isOver = performance.now() - this.#troubleSinceMs > PATIENCE_MS;
        this.#judge(error, isOver);
        await pause(RETRY_MS);
      }
    }
  }

  /** Throws what will not get better by waiting. */
  #judge(error: unknown, isOver: boolean): void {
    if (Error.isError(error) && error.name === "TidemarkError") throw error;
    const why = reasons(error);
    const { topic, brokers } = this.#options;
    if (why.some((one) => one === "UNKNOWN_TOPIC_OR_PARTITION" || one.startsWith("Unknown topic"))) {
      throw new TidemarkError("BAD_INPUT", `topic ${topic} does not exist; \`tidemark status\` lists the topics`);
    }
    if (why.includes("INVALID_TOPIC_EXCEPTION")) throw new TidemarkError("BAD_INPUT", `${topic} is no name of a topic`);
    if (why.includes("OFFSET_OUT_OF_RANGE")) {
      throw new TidemarkError(
        "BAD_INPUT",
        `topic ${topic} has no record at that offset; --from beginning reads what is there`,
      );
    }
    const isUnreachable = this.#troubleSinceMs !== null && why.some((one) => one.includes("ECONNREFUSED"));
    if (isOver || (isUnreachable && !this.#client.isConnected())) {
      const says = `topic ${topic} cannot be read from ${brokers.join(",")}: ${why.at(-1) ?? "no reason given"}`;
      throw new TidemarkError("PEER_UNREACHABLE", `${says}; is the cluster running?`, { cause: error });
    }
  }

  async #metadata({ isFresh }: { isFresh: boolean }): Promise<TopicMetadata> {
    const { topic } = this.#options;
    const metadata = await this.#client.metadata({ topics: [topic], forceUpdate: isFresh, autocreateTopics: false });
    const found = metadata.topics.get(topic);
    if (found === undefined)
      throw new TidemarkError("BAD_INPUT", `topic ${topic} does not exist; \`tidemark status\` lists the topics`);
    return found;
  }

  async #cursors({ start, follows }: ReadOptions): Promise<Cursor[]> {
    const { topic, partition } = this.#options;
    const { partitions } = await this.#metadata({ isFresh: true });
    if (partition !== null && partition >= partitions.length) {
      throw new TidemarkError(
        "BAD_INPUT",
        `topic ${topic} has partitions 0 to ${partitions.length - 1}, not ${partition}`,
      );
    }
    const wanted = partitions.map((_, index) => index).filter((index) => partition === null || index === partition);
    const list = async (timestamp: bigint): Promise<bigint[]> => {
      const offsets = await this.#client.listOffsets({ topics: [topic], partitions: { [topic]: wanted }, timestamp });
      return offsets.get(topic) ?? [];
    };
    const [earliest, latest] = [await list(EARLIEST), await list(LATEST)];
    return wanted.map((index) => {
      const [least, most] = [earliest[index] ?? 0n, latest[index] ?? 0n];
      const wished = start === "beginning" ? least : start === "end" ? most : start;
      return { partition: index, next: wished < least ? least : wished, end: follows ? null : most };
    });
  }

  /** One loop of fetches for each leader, until one of them fails or all are at their end. */
  async #pumpAll(cursors: readonly Cursor[], metadata: TopicMetadata, options: ReadOptions): Promise<void> {
    const byLeader = new Map<number, Cursor[]>();
    for (const cursor of cursors) {
      const leader = metadata.partitions[cursor.partition]?.leader ?? -1;
      if (leader < 0) throw new TransientError(`partition ${cursor.partition} has no leader`);
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), cursor]);
    }
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
    while (!this.#isEnded && !state.hasFailed) {
      const open = cursors.filter((cursor) => cursor.end === null || cursor.next < cursor.end);
      if (open.length === 0) return;
      const response = await this.#client.fetch({
        node,
        maxWaitTime: WAIT_MS,
        minBytes: 1,
        maxBytes: 8 * PARTITION_BYTES_MAX,
        topics: [{ topicId, partitions: open.map(fetchPartition) }],
      });
      this.#troubleSinceMs = null;
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
          if (offset < cursor.next || (cursor.end !== null && offset >= cursor.end)) continue;
          const timestampMs = batch.firstTimestamp + record.timestampDelta;
          const { key, value } = record;
          records.push({ topic: this.#options.topic, partition: cursor.partition, offset, timestampMs, key, value });
        }
        const after = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n;
        if (after > cursor.next) cursor.next = after;
      }
      if (records.length > 0 && !this.#isEnded && !(await options.onRecords(records))) this.#isEnded = true;
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
