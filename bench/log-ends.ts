import type { BrokerId, PartitionIndex } from "../broker/base/ids.ts";
import { listOffsets } from "../broker/wire/apis/02-list-offsets.ts";
import { ask } from "./ask.ts";
import { type Running, type RunningBroker, until, withConnection } from "./system.ts";
import { metadata } from "./requests.ts";

const LATEST = -1;

/** The leaders of a topic's partitions, by partition. @throws Error when one has none */
export async function leadersOf(running: Running, topic: string): Promise<RunningBroker[]> {
  const first = running.brokers[0] as RunningBroker;
  const { partitions } = await withConnection(first, (connection) => metadata(connection, topic));
  const sorted = partitions.toSorted((a, b) => a.partition - b.partition);
  return sorted.map(({ partition, leader }) => {
    const broker = running.brokers.find(({ id }) => id === leader);
    if (broker === undefined) throw new Error(`partition ${partition} of ${topic} has no leader`);
    return broker;
  });
}

/** The next offset of a partition, as consumers see it. @throws Error when this broker does not tell */
async function endOf(leader: RunningBroker, topic: string, partition: number): Promise<number> {
  const asked = { partitionIndex: partition as PartitionIndex, timestamp: LATEST };
  const { topics } = await withConnection(leader, (connection) =>
    ask(connection, listOffsets, 2, {
      replicaId: -1 as BrokerId,
      isolationLevel: 0,
      topics: [{ name: topic, partitions: [asked] }],
    }),
  );
  const found = topics[0]?.partitions[0];
  if (found?.errorCode !== 0) throw new Error(`the end of ${topic}-${partition}: code ${found?.errorCode}`);
  return found.offset;
}

/** How many records consumers can see in a topic from which nothing was deleted: the sum of its log ends. */
export const recordsIn = (running: Running, topic: string): Promise<number> =>
  // A leader that was elected a moment ago refuses to tell at first.
  until(`the ends of ${topic}`, { limitMs: 10_000 }, async () => {
    const leaders = await leadersOf(running, topic);
    const ends = await Promise.all(leaders.map((leader, partition) => endOf(leader, topic, partition)));
    return ends.reduce((sum, end) => sum + end, 0);
  });
