import type { BrokerId, PartitionIndex } from "../base/ids.ts";
import type { Outcome } from "../contract/control.ts";
import {
  alterPartitionReassignments,
  type AlterPartitionReassignmentsRequest,
  type AlterPartitionReassignmentsResponse,
} from "../wire/apis/45-alter-partition-reassignments.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import { askController } from "./admin-calls.ts";
import type { BrokerContext } from "./context.ts";
import { type Call, handler } from "./handler.ts";

/*
 * AlterPartitionReassignments: 0–1, at any broker; the controller decides. A target of brokers, or null to go back.
 *
 * Behaviour: each partition by itself. Answered once it is committed that the partition moves; how far it is,
 * ListPartitionReassignments tells. A second target replaces the first.
 */

interface Asked {
  readonly topic: string;
  readonly partition: PartitionIndex;
  readonly replicas: readonly BrokerId[] | null;
}

async function alter(
  request: AlterPartitionReassignmentsRequest,
  call: Call<AlterPartitionReassignmentsResponse>,
  broker: BrokerContext,
): Promise<void> {
  const { timeoutMs, allowReplicationFactorChange: mayChangeReplicationFactor } = request;
  const asked = request.topics.flatMap(({ name: topic, partitions }) =>
    partitions.map(({ partitionIndex: partition, replicas }): Asked => ({ topic, partition, replicas })),
  );
  const outcomes = new Map<Asked, Outcome>();
  for (const one of asked) if (one.replicas?.some((id) => id < 0) === true) outcomes.set(one, NO_BROKER);
  const sound = asked.filter((one) => !outcomes.has(one));
  const wish = { kind: "alterReassignments", partitions: sound, mayChangeReplicationFactor } as const;
  const response = await askController(broker, wish, timeoutMs);
  const general = response.kind === "failed" ? response : NO_ERROR;
  for (const [index, one] of sound.entries()) {
    outcomes.set(one, response.kind === "failed" ? response : (response.partitions[index] ?? NO_ERROR));
  }
  const topics = new Map<
    string,
    { partitionIndex: PartitionIndex; errorCode: number; errorMessage: string | null }[]
  >();
  for (const one of asked) {
    const partitions = topics.get(one.topic) ?? [];
    topics.set(one.topic, partitions);
    const { errorCode, errorMessage } = outcomes.get(one) ?? NO_ERROR;
    partitions.push({ partitionIndex: one.partition, errorCode, errorMessage });
  }
  call.answer({
    throttleTimeMs: 0,
    allowReplicationFactorChange: mayChangeReplicationFactor,
    errorCode: general.errorCode,
    errorMessage: general.errorMessage,
    responses: [...topics].map(([name, partitions]) => ({ name, partitions })),
  });
}

const NO_ERROR: Outcome = { errorCode: 0, errorMessage: null };
const NO_BROKER: Outcome = {
  errorCode: kafkaErrors.INVALID_REPLICA_ASSIGNMENT,
  errorMessage: "The target assignment names a broker below 0.",
};

export const alterPartitionReassignmentsHandler = handler(
  alterPartitionReassignments,
  { served: { min: 0, max: 1 } },
  alter,
);
