import { sleep } from "../../base/clock.ts";
import { type BrokerId, NO_EPOCH, type PartitionIndex, type TopicId } from "../../base/ids.ts";
import type { TopicRow } from "../../contract/rows.ts";
import type { BrokerContext } from "../../handlers/context.ts";
import type { Asked } from "../../peers/peer-link.ts";
import type { Peers } from "../../peers/peers.ts";
import { listOffsets } from "../../wire/apis/02-list-offsets.ts";
import { kafkaErrorName } from "../../wire/error-codes.ts";
import { partitionNotFound, type Refusal, tryAgain } from "./refusal.ts";

/** How often it is looked whether a leader that has not answered still leads. */
const LOOK_MS = 250;
const PAUSE_MS = 50;
const LIST_OFFSETS_VERSION = 7;
/** How long offsets are asked for, whoever leads meanwhile. */
const PATIENCE_MS = 10_000;

/** Who leads a partition and has a session; null when nobody does now, "gone" when there is no such partition. */
export function leaderOf(broker: BrokerContext, topic: TopicId, partition: number): BrokerId | null | "gone" {
  if (broker.image.topic(topic) === undefined) return "gone";
  const row = broker.image.partitions(topic)[partition];
  if (row === undefined) return "gone";
  return row.leader >= 0 && broker.image.isAlive(row.leader) ? row.leader : null;
}

/** What a leader answers, or "lost" as soon as another leads: one that is frozen would answer nothing for long. */
export function unlessMoved<T>(
  broker: BrokerContext,
  { topic, partition, leader }: { topic: TopicId; partition: number; leader: BrokerId },
  asking: Promise<Asked<T>>,
): Promise<Asked<T>> {
  if (leader === broker.brokerId) return asking;
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (leaderOf(broker, topic, partition) === leader) deadline = broker.deadlines.after(LOOK_MS, look);
      else resolve({ kind: "lost" });
    };
    let deadline = broker.deadlines.after(LOOK_MS, look);
    asking.then(resolve, reject).finally(() => deadline.cancel());
  });
}

/** The special timestamps of ListOffsets. */
export const LATEST = -1;
export const EARLIEST = -2;

/**
 * Asks the partitions' leaders for the offsets of a timestamp (milliseconds since 1970, or a special one): of the first
 * record that is not older, −1 where there is none. In the order of `partitions`.
 */
export async function offsetsAt(
  { broker, peers }: { broker: BrokerContext; peers: Peers },
  { topic, partitions, timestamp }: { topic: TopicRow; partitions: readonly number[]; timestamp: number },
): Promise<readonly number[] | Refusal> {
  const found = new Map<number, number>();
  const endMs = broker.clock.monotonic() + PATIENCE_MS;
  for (;;) {
    const open = partitions.filter((partition) => !found.has(partition));
    if (open.length === 0) return partitions.map((partition) => found.get(partition)!);
    let why = "a partition has no leader";
    const byLeader = new Map<BrokerId, number[]>();
    for (const partition of open) {
      const leader = leaderOf(broker, topic.topicId, partition);
      if (leader === "gone") return partitionNotFound();
      if (leader !== null) byLeader.set(leader, [...(byLeader.get(leader) ?? []), partition]);
    }
    const asks = [...byLeader].map(async ([leader, asked]) => {
      const problem = await askOne({ broker, peers }, { topic, leader, partitions: asked, timestamp, found });
      if (problem !== null) why = problem;
    });
    await Promise.all(asks);
    if (found.size === partitions.length) continue;
    if (broker.clock.monotonic() >= endMs) return tryAgain(`offsets cannot be told now: ${why}`);
    await sleep(broker.clock, PAUSE_MS);
  }
}

interface ToOne {
  readonly topic: TopicRow;
  readonly leader: BrokerId;
  readonly partitions: readonly number[];
  readonly timestamp: number;
  readonly found: Map<number, number>;
}

/** Puts what one leader knows into `found`; why not all of it is there, or null. */
async function askOne(
  { broker, peers }: { broker: BrokerContext; peers: Peers },
  { topic, leader, partitions, timestamp, found }: ToOne,
): Promise<string | null> {
  const asking = peers.ask(leader, {
    api: listOffsets,
    version: LIST_OFFSETS_VERSION,
    timeoutMs: PATIENCE_MS,
    body: {
      replicaId: -1 as BrokerId,
      isolationLevel: 1,
      topics: [
        {
          name: topic.name,
          partitions: partitions.map((one) => ({
            partitionIndex: one as PartitionIndex,
            currentLeaderEpoch: NO_EPOCH,
            timestamp,
          })),
        },
      ],
      timeoutMs: PATIENCE_MS,
    },
  });
  const at = { topic: topic.topicId, partition: partitions[0]!, leader };
  const asked = await unlessMoved(broker, at, asking);
  if (asked.kind !== "answered") return "a leader does not answer";
  let problem: string | null = null;
  for (const { partitionIndex, errorCode, offset = -1 } of asked.body.topics[0]?.partitions ?? []) {
    if (errorCode === 0) found.set(partitionIndex, offset);
    else problem = kafkaErrorName(errorCode);
  }
  return problem;
}
