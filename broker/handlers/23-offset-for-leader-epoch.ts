import type { LeaderEpoch, Offset } from "../base/ids.ts";
import {
  offsetForLeaderEpoch,
  type OffsetForLeaderEpochRequest,
  type OffsetForLeaderEpochResponse,
} from "../wire/apis/23-offset-for-leader-epoch.ts";
import type { BrokerContext } from "./context.ts";
import { handler } from "./handler.ts";
import { findLeader, topicByName } from "./leaders.ts";

/*
 * OffsetForLeaderEpoch: 2–4.
 *
 * Behaviour: where an epoch ends in the leader's log (KIP-101, KIP-320): the log end for the latest; for one between,
 * the largest epoch that is not larger and its end; (−1, −1) above the latest. A consumer that was ahead of an
 * election finds out what of its reading still stands.
 */

type Partition = OffsetForLeaderEpochRequest["topics"][number]["partitions"][number];
type PartitionAnswer = OffsetForLeaderEpochResponse["topics"][number]["partitions"][number];

function answerOne(broker: BrokerContext, topic: string, asked: Partition): PartitionAnswer {
  const { partition, currentLeaderEpoch } = asked;
  const found = findLeader(broker, topicByName(broker, topic), { partition, leaderEpoch: currentLeaderEpoch });
  if (found.kind === "refused") {
    return { errorCode: found.errorCode, partition, leaderEpoch: -1 as LeaderEpoch, endOffset: -1 as Offset };
  }
  const end = found.replica.log.endOffsetFor(asked.leaderEpoch);
  return { errorCode: 0, partition, leaderEpoch: end.epoch, endOffset: end.endOffset };
}

export const offsetForLeaderEpochHandler = handler(
  offsetForLeaderEpoch,
  { served: { min: 2, max: 4 } },
  ({ topics }, call, broker) =>
    call.answer({
      throttleTimeMs: 0,
      topics: topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map((asked) => answerOne(broker, topic, asked)),
      })),
    }),
);
