import type { Reassignment } from "../contract/control.ts";
import {
  listPartitionReassignments,
  type ListPartitionReassignmentsRequest,
  type ListPartitionReassignmentsResponse,
} from "../wire/apis/46-list-partition-reassignments.ts";
import { askController } from "./admin-calls.ts";
import type { BrokerContext } from "./context.ts";
import { type Call, handler } from "./handler.ts";

/*
 * ListPartitionReassignments: 0, at any broker; the controller tells what is under way.
 *
 * Behaviour: only partitions that are under way are in the answer, whether they were asked for or all were.
 */

async function list(
  request: ListPartitionReassignmentsRequest,
  call: Call<ListPartitionReassignmentsResponse>,
  broker: BrokerContext,
): Promise<void> {
  const partitions =
    request.topics?.flatMap(({ name: topic, partitionIndexes }) =>
      partitionIndexes.map((partition) => ({ topic, partition })),
    ) ?? null;
  const response = await askController(broker, { kind: "listReassignments", partitions }, request.timeoutMs);
  if (response.kind === "failed") {
    const { errorCode, errorMessage } = response;
    return call.answer({ throttleTimeMs: 0, errorCode, errorMessage, topics: [] });
  }
  call.answer({ throttleTimeMs: 0, errorCode: 0, errorMessage: null, topics: byTopic(response.reassignments) });
}

type Topics = ListPartitionReassignmentsResponse["topics"];

function byTopic(reassignments: readonly Reassignment[]): Topics {
  const topics = new Map<string, Topics[number]["partitions"][number][]>();
  for (const { topic, partition: partitionIndex, replicas, adding, removing } of reassignments) {
    const partitions = topics.get(topic) ?? [];
    topics.set(topic, partitions);
    partitions.push({ partitionIndex, replicas, addingReplicas: adding, removingReplicas: removing });
  }
  return [...topics].map(([name, partitions]) => ({ name, partitions }));
}

export const listPartitionReassignmentsHandler = handler(
  listPartitionReassignments,
  { served: { min: 0, max: 0 } },
  list,
);
