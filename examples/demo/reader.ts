import { Consumer } from "@platformatic/kafka";
import { PLACE_HEADER } from "./lanes.ts";

export interface ReadBack {
  /** −1 when the record has no place header. */
  readonly n: number;
  readonly key: string;
  readonly value: Buffer;
}

interface Cursor {
  readonly partition: number;
  next: bigint;
  readonly end: bigint;
}

const LATEST = -1n;
const EARLIEST = -2n;
const BYTES_MAX = 1024 * 1024;
const ATTEMPTS_MAX = 100;

const pause = (delayMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, delayMs));

/**
 * Reads a whole topic with another client library than the one that wrote it, without a consumer group: every
 * partition from its start to the end that consumers see.
 */
export async function readTopic(
  { bootstrap, topic }: { bootstrap: string; topic: string },
  onRecord: (record: ReadBack) => void,
): Promise<void> {
  const consumer = new Consumer<Buffer, Buffer, Buffer, Buffer>({
    clientId: "demo-reader",
    groupId: "demo-reader",
    bootstrapBrokers: bootstrap.split(","),
    retries: 10,
    retryDelay: 100,
  });
  consumer.topics.track(topic);
  try {
    const ends = (await consumer.listOffsets({ topics: [topic], timestamp: LATEST })).get(topic) ?? [];
    const starts = (await consumer.listOffsets({ topics: [topic], timestamp: EARLIEST })).get(topic) ?? [];
    const cursors = ends.map((end, partition): Cursor => ({ partition, next: starts[partition] ?? 0n, end }));
    for (let attempt = 0; cursors.some(({ next, end }) => next < end); attempt++) {
      if (attempt > ATTEMPTS_MAX) throw new Error("reading back makes no progress");
      if (attempt > 0) await pause(50);
      const { topics } = await consumer.metadata({ topics: [topic], forceUpdate: true });
      const metadata = topics.get(topic);
      const leaders = new Map<number, Cursor[]>();
      for (const cursor of cursors) {
        const leader = metadata?.partitions[cursor.partition]?.leader ?? -1;
        if (leader >= 0 && cursor.next < cursor.end) leaders.set(leader, [...(leaders.get(leader) ?? []), cursor]);
      }
      const reads = [...leaders].map(([node, mine]) =>
        readLeader({ consumer, node, topicId: metadata?.id ?? "" }, mine, onRecord),
      );
      const results = await Promise.allSettled(reads);
      const fault = results.find((result) => result.status === "rejected");
      if (fault !== undefined && attempt === ATTEMPTS_MAX) throw fault.reason;
    }
  } finally {
    await consumer.close(true);
  }
}

async function readLeader(
  { consumer, node, topicId }: { consumer: Consumer<Buffer, Buffer, Buffer, Buffer>; node: number; topicId: string },
  cursors: readonly Cursor[],
  onRecord: (record: ReadBack) => void,
): Promise<void> {
  for (;;) {
    const open = cursors.filter(({ next, end }) => next < end);
    if (open.length === 0) return;
    const partitions = open.map(({ partition, next }) => ({
      partition,
      currentLeaderEpoch: -1,
      fetchOffset: next,
      lastFetchedEpoch: -1,
      partitionMaxBytes: BYTES_MAX,
    }));
    const response = await consumer.fetch({
      node,
      maxWaitTime: 500,
      minBytes: 1,
      maxBytes: 8 * BYTES_MAX,
      topics: [{ topicId, partitions }],
    });
    for (const { partitionIndex, records } of response.responses.flatMap((one) => one.partitions)) {
      const cursor = open.find(({ partition }) => partition === partitionIndex);
      for (const batch of cursor === undefined ? [] : (records ?? [])) deliver(batch, cursor!, onRecord);
    }
  }
}

interface Batch {
  readonly firstOffset: bigint;
  readonly lastOffsetDelta: number;
  readonly records: readonly {
    readonly offsetDelta: number;
    readonly key: Buffer | null;
    readonly value: Buffer | null;
    readonly headers: readonly (readonly [Buffer | null, Buffer | null])[];
  }[];
}

function deliver(batch: Batch, cursor: Cursor, onRecord: (record: ReadBack) => void): void {
  for (const { offsetDelta, key, value, headers } of batch.records) {
    if (batch.firstOffset + BigInt(offsetDelta) < cursor.next) continue;
    const place = headers.find(([name]) => name?.toString() === PLACE_HEADER)?.[1];
    onRecord({
      n: place === undefined || place === null ? -1 : Number(place.toString()),
      key: key?.toString() ?? "",
      value: value ?? Buffer.alloc(0),
    });
  }
  const after = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n;
  if (after > cursor.next) cursor.next = after;
}
