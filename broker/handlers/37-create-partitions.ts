import type { Outcome } from "../contract/control.ts";
import {
  createPartitions,
  type CreatePartitionsRequest,
  type CreatePartitionsResponse,
} from "../wire/apis/37-create-partitions.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import { adopted, askController, repeated } from "./admin-calls.ts";
import type { BrokerContext } from "./context.ts";
import { type Call, handler } from "./handler.ts";

/*
 * CreatePartitions: 0–3, at any broker; the controller decides. Partitions grow and never shrink.
 *
 * Behaviour: one result for each topic asked for. Answered when this broker's metadata has the new partitions.
 */

async function grow(
  request: CreatePartitionsRequest,
  call: Call<CreatePartitionsResponse>,
  broker: BrokerContext,
): Promise<void> {
  const { validateOnly, timeoutMs } = request;
  const twice = repeated(request.topics.map(({ name }) => name));
  const outcomes = new Map<string, Outcome>();
  const errorMessage = "the topic is named twice";
  for (const name of twice) outcomes.set(name, { errorCode: kafkaErrors.INVALID_REQUEST, errorMessage });
  const wanted = request.topics.filter(({ name }) => !twice.has(name));
  if (wanted.length > 0) {
    const topics = wanted.map(({ name, count, assignments }) => ({
      name,
      totalCount: count,
      assignments: assignments?.map(({ brokerIds }) => brokerIds) ?? null,
    }));
    const response = await askController(broker, { kind: "createPartitions", topics, validateOnly }, timeoutMs);
    if (response.kind === "failed") for (const { name } of topics) outcomes.set(name, response);
    else for (const outcome of response.topics) outcomes.set(outcome.name, outcome);
    const grown = validateOnly ? [] : topics.filter(({ name }) => outcomes.get(name)?.errorCode === 0);
    await adopted(broker, () => grown.every(({ name, totalCount }) => partitionCount(broker, name) >= totalCount));
  }
  call.answer({ throttleTimeMs: 0, results: [...outcomes].map(([name, outcome]) => ({ name, ...pick(outcome) })) });
}

const pick = ({ errorCode, errorMessage }: Outcome): Outcome => ({ errorCode, errorMessage });

function partitionCount(broker: BrokerContext, name: string): number {
  const topic = broker.image.topicByName(name);
  return topic === undefined ? 0 : broker.image.partitions(topic.topicId).length;
}

export const createPartitionsHandler = handler(createPartitions, { served: { min: 0, max: 3 } }, grow);
