import type { PartitionIndex } from "../base/ids.ts";
import type { AdminRequest, AdminResponse } from "../contract/control.ts";
import { electLeaders, type ElectLeadersRequest, type ElectLeadersResponse } from "../wire/apis/43-elect-leaders.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import { askController } from "./admin-calls.ts";
import type { BrokerContext } from "./context.ts";
import { type Call, handler } from "./handler.ts";

/*
 * ElectLeaders: 0–2, at any broker; the controller decides. Preferred elections move leadership to the first replica,
 * unclean ones let a replica lead that may lack acknowledged records, where nobody else can.
 *
 * Behaviour: one result for each partition asked for; asked for all, only for those where an election was needed.
 */

type Election = Extract<AdminRequest, { kind: "electLeaders" }>;
type Elected = Extract<AdminResponse, { kind: "electLeaders" }>["partitions"][number];
type Result = NonNullable<ElectLeadersResponse["replicaElectionResults"]>[number];

const elections: readonly Election["election"][] = ["preferred", "unclean"];

/** First version with an error of its own; before, only the partitions have one. */
const ERROR_SINCE = 1;

async function elect(
  request: ElectLeadersRequest,
  call: Call<ElectLeadersResponse>,
  broker: BrokerContext,
): Promise<void> {
  const election = elections[request.electionType];
  const asked = request.topicPartitions;
  const partitions =
    asked?.flatMap(({ topic, partitions: indexes }) => indexes.map((partition) => ({ topic, partition }))) ?? null;
  const response =
    election === undefined
      ? UNKNOWN_ELECTION
      : await askController(broker, { kind: "electLeaders", election, partitions }, request.timeoutMs);
  if (response.kind === "failed") {
    const { errorCode, errorMessage } = response;
    const failed = (partitions ?? []).map((partition) => ({ ...partition, errorCode, errorMessage }));
    const general = call.header.apiVersion >= ERROR_SINCE ? errorCode : 0;
    return call.answer({ throttleTimeMs: 0, errorCode: general, replicaElectionResults: byTopic(failed) });
  }
  const told = response.partitions.filter(
    ({ errorCode }) => asked !== null || errorCode !== kafkaErrors.ELECTION_NOT_NEEDED,
  );
  call.answer({ throttleTimeMs: 0, errorCode: 0, replicaElectionResults: byTopic(told) });
}

const UNKNOWN_ELECTION = {
  kind: "failed",
  errorCode: kafkaErrors.INVALID_REQUEST,
  errorMessage: "elections are preferred (0) or unclean (1)",
} as const;

function byTopic(elected: readonly Elected[]): Result[] {
  const topics = new Map<string, Result["partitionResult"][number][]>();
  for (const { topic, partition, errorCode, errorMessage } of elected) {
    const results = topics.get(topic) ?? [];
    topics.set(topic, results);
    results.push({ partitionId: partition as PartitionIndex, errorCode, errorMessage });
  }
  return [...topics].map(([topic, partitionResult]) => ({ topic, partitionResult }));
}

export const electLeadersHandler = handler(electLeaders, { served: { min: 0, max: 2 } }, elect);
