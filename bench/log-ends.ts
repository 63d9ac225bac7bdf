import type { BrokerId, PartitionIndex } from "../broker/base/ids.ts";
import { listOffsets } from "../broker/wire/apis/02-list-offsets.ts";
import { ask } from "./ask.ts";
import { type Running, type RunningBroker, withConnection } from "./system.ts";
import { metadata } from "./wire-client.ts";

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

/** How many records consumers can see in a topic from which nothing was deleted: the sum of its log ends. */
export async function recordsIn(running: Running, topic: string): Promise<number> {
  const ends = (await leadersOf(running, topic)).map((leader, partition) =>
    withConnection(leader, async (connection) => {
      const asked = { partitionIndex: partition as PartitionIndex, timestamp: LATEST };
      const { topics } = await ask(connection, listOffsets, 2, {
        replicaId: -1 as BrokerId,
        isolationLevel: 0,
        topics: [{ name: topic, partitions: [asked] }],
      });
      const found = topics[0]?.partitions[0];
      if (found?.errorCode !== 0) throw new Error(`the end of ${topic}-${partition}: code ${found?.errorCode}`);
      return Number(found.offset);
    }),
  );
  return (await Promise.all(ends)).reduce((sum, end) => sum + end, 0);
}
