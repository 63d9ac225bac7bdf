import type { BrokerId } from "../base/ids.ts";
import { OFFSETS_TOPIC, partitionFor } from "../groups/coordinator.ts";
import {
  findCoordinator,
  type FindCoordinatorRequest,
  type FindCoordinatorResponse,
} from "../wire/apis/10-find-coordinator.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import type { BrokerContext } from "./context.ts";
import { type Call, handler } from "./handler.ts";
import { endpointOf, reachableLeader } from "./leaders.ts";

/*
 * FindCoordinator: 0–5, at any broker.
 *
 * Behaviour: a group's coordinator is the leader of its partition of `__consumer_offsets`, which is created when the
 * first group is looked for. While there is none, COORDINATOR_NOT_AVAILABLE: ask again.
 *
 * Left out: coordinators of transactions, and those of share groups (v6).
 */

type Found = FindCoordinatorResponse["coordinators"][number];

const GROUP = 0;
/** What the answer has of one coordinator, where it has a list. */
const IN_THE_LIST = { errorCode: 0, nodeId: 0 as BrokerId, host: "", port: 0 };
const NOBODY = { nodeId: -1 as BrokerId, host: "", port: -1 };

async function find(
  request: FindCoordinatorRequest,
  call: Call<FindCoordinatorResponse>,
  broker: BrokerContext,
): Promise<void> {
  const isOfOne = call.header.apiVersion < BATCHED_SINCE;
  const keys = isOfOne ? [request.key] : request.coordinatorKeys;
  const problem = request.keyType === GROUP ? await problemOfTopic(broker) : ONLY_GROUPS;
  const coordinators = keys.map((key) => found(broker, { key, problem, listener: call.listener }));
  const [first] = coordinators;
  if (isOfOne && first !== undefined) return call.answer({ ...first, throttleTimeMs: 0, coordinators: [] });
  call.answer({ ...IN_THE_LIST, throttleTimeMs: 0, coordinators });
}

const BATCHED_SINCE = 4;

interface Problem {
  readonly errorCode: number;
  readonly errorMessage: string;
}

const ONLY_GROUPS: Problem = {
  errorCode: kafkaErrors.INVALID_REQUEST,
  errorMessage: "this cluster coordinates consumer groups only (key type 0)",
};

/** Null once `__consumer_offsets` is there. */
async function problemOfTopic(broker: BrokerContext): Promise<Problem | null> {
  if (broker.image.topicByName(OFFSETS_TOPIC) !== undefined) return null;
  const errorCode = await broker.offsetsTopic.create(broker);
  if (errorCode === 0) return null;
  return { errorCode: kafkaErrors.COORDINATOR_NOT_AVAILABLE, errorMessage: `${OFFSETS_TOPIC} cannot be created yet` };
}

function found(
  broker: BrokerContext,
  { key, problem, listener }: { key: string; problem: Problem | null; listener: string },
): Found {
  if (problem !== null) return { key, ...NOBODY, ...problem };
  if (key === "") return { key, ...NOBODY, errorCode: kafkaErrors.INVALID_GROUP_ID, errorMessage: "no group is named" };
  const topic = broker.image.topicByName(OFFSETS_TOPIC);
  const rows = topic === undefined ? [] : broker.image.partitions(topic.topicId);
  const row = rows[partitionFor(key, rows.length)];
  const leader = row === undefined ? NOBODY.nodeId : reachableLeader(broker, row, listener);
  const leaderRow = broker.image.broker(leader);
  const endpoint = leaderRow === undefined ? undefined : endpointOf(leaderRow, listener);
  if (endpoint === undefined) {
    return {
      key,
      ...NOBODY,
      errorCode: kafkaErrors.COORDINATOR_NOT_AVAILABLE,
      errorMessage: "its partition has no leader",
    };
  }
  return { key, nodeId: leader, host: endpoint.host, port: endpoint.port, errorCode: 0, errorMessage: null };
}

export const findCoordinatorHandler = handler(findCoordinator, { served: { min: 0, max: 5 } }, find);
