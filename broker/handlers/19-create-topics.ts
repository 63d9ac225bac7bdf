import { type BrokerId, NO_TOPIC_ID, type TopicId } from "../base/ids.ts";
import { describeTopicConfig } from "../contract/config-values.ts";
import type { AdminResponse, NewTopic, Outcome } from "../contract/control.ts";
import { topicNameProblem } from "../contract/topic-name.ts";
import { createTopics, type CreateTopicsRequest, type CreateTopicsResponse } from "../wire/apis/19-create-topics.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import { adopted, askController, repeated } from "./admin-calls.ts";
import type { BrokerContext } from "./context.ts";
import { type Call, handler } from "./handler.ts";

/*
 * CreateTopics: 2–7, at any broker; the controller decides.
 *
 * Behaviour: one result for each name, in the order of the request, also for those that are refused here (bad names,
 * names given twice, assignments that do not fit). Answered when this broker's metadata has the topics.
 */

type Asked = CreateTopicsRequest["topics"][number];
type TopicAnswer = CreateTopicsResponse["topics"][number];
type Created = Extract<AdminResponse, { kind: "createTopics" }>["topics"][number];

const DEFAULT = -1;

async function create(
  request: CreateTopicsRequest,
  call: Call<CreateTopicsResponse>,
  broker: BrokerContext,
): Promise<void> {
  const { validateOnly, timeoutMs } = request;
  const twice = repeated(request.topics.map(({ name }) => name));
  const outcomes = new Map<string, Outcome & Partial<Created>>();
  const topics: NewTopic[] = [];
  for (const asked of request.topics) {
    const draft = twice.has(asked.name)
      ? refused(kafkaErrors.INVALID_REQUEST, "the topic is named twice")
      : draftOf(asked);
    if ("errorCode" in draft) outcomes.set(asked.name, draft);
    else topics.push(draft);
  }
  if (topics.length > 0) {
    const response = await askController(broker, { kind: "createTopics", topics, validateOnly }, timeoutMs);
    if (response.kind === "failed") for (const { name } of topics) outcomes.set(name, response);
    else for (const topic of response.topics) outcomes.set(topic.name, topic);
    if (!validateOnly) await adopted(broker, () => isAdopted(broker, outcomes));
  }
  const names = [...new Set(request.topics.map(({ name }) => name))];
  call.answer({ throttleTimeMs: 0, topics: names.map((name) => answerOf(broker, name, outcomes.get(name))) });
}

const refused = (errorCode: number, errorMessage: string): Outcome => ({ errorCode, errorMessage });

/** What is asked of the controller, or why it need not be asked. */
function draftOf({ name, numPartitions, replicationFactor, assignments, configs }: Asked): NewTopic | Outcome {
  const badName = topicNameProblem(name);
  if (badName !== null) return refused(kafkaErrors.INVALID_TOPIC_EXCEPTION, badName);
  const config: Record<string, string> = {};
  for (const { name: key, value } of configs) {
    if (value === null) return refused(kafkaErrors.INVALID_CONFIG, `no value given for ${key}`);
    if (config[key] !== undefined) return refused(kafkaErrors.INVALID_CONFIG, `config ${key} is named twice`);
    config[key] = value;
  }
  if (assignments.length === 0) {
    return { name, partitionCount: numPartitions, replicationFactor, assignments: null, config };
  }
  if (numPartitions !== DEFAULT || replicationFactor !== DEFAULT) {
    const message = "with an assignment, the numbers of partitions and replicas follow from it; leave them out (-1)";
    return refused(kafkaErrors.INVALID_REQUEST, message);
  }
  const placed = inOrder(assignments);
  if (placed === null) {
    const message = "an assignment names each partition from 0 on once";
    return refused(kafkaErrors.INVALID_REPLICA_ASSIGNMENT, message);
  }
  return {
    name,
    partitionCount: placed.length,
    replicationFactor: placed[0]?.length ?? 0,
    assignments: placed,
    config,
  };
}

function inOrder(assignments: Asked["assignments"]): BrokerId[][] | null {
  const placed: BrokerId[][] = [];
  for (const { partitionIndex, brokerIds } of assignments) {
    if (partitionIndex < 0 || partitionIndex >= assignments.length || placed[partitionIndex] !== undefined) return null;
    placed[partitionIndex] = brokerIds;
  }
  return placed;
}

const isAdopted = (broker: BrokerContext, outcomes: ReadonlyMap<string, Outcome & Partial<Created>>): boolean =>
  [...outcomes.values()].every(
    ({ errorCode, topicId }) => errorCode !== 0 || topicId === undefined || broker.image.topic(topicId) !== undefined,
  );

function answerOf(broker: BrokerContext, name: string, outcome: (Outcome & Partial<Created>) | undefined): TopicAnswer {
  const { errorCode, errorMessage } =
    outcome ?? refused(kafkaErrors.UNKNOWN_SERVER_ERROR, "the controller left it out");
  if (errorCode !== 0) return { name, errorCode, errorMessage, topicId: NO_TOPIC_ID, configs: null };
  const configs = describeTopicConfig(outcome?.config ?? {}, broker.layersOf(String(broker.brokerId)));
  return {
    name,
    topicId: outcome?.topicId ?? (NO_TOPIC_ID as TopicId),
    errorCode,
    errorMessage: null,
    numPartitions: outcome?.partitionCount ?? DEFAULT,
    replicationFactor: outcome?.replicationFactor ?? DEFAULT,
    configs: configs.map(({ name: key, value, source }) => ({
      name: key,
      value,
      readOnly: false,
      configSource: source,
      isSensitive: false,
    })),
  };
}

export const createTopicsHandler = handler(createTopics, { served: { min: 2, max: 7 } }, create);
