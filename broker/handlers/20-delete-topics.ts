import { NO_TOPIC_ID, type TopicId } from "../base/ids.ts";
import type { Outcome } from "../contract/control.ts";
import { deleteTopics, type DeleteTopicsRequest, type DeleteTopicsResponse } from "../wire/apis/20-delete-topics.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import { adopted, askController, repeated } from "./admin-calls.ts";
import type { BrokerContext } from "./context.ts";
import { type Call, handler } from "./handler.ts";

/*
 * DeleteTopics: 1–6, by name, or from v6 on by name or id, at any broker; the controller decides.
 *
 * Behaviour: one result for each topic asked for. Answered when this broker's metadata no longer has them; the data
 * goes after that.
 */

interface Doomed {
  readonly name: string | null;
  readonly topicId: TopicId;
}

async function remove(
  request: DeleteTopicsRequest,
  call: Call<DeleteTopicsResponse>,
  broker: BrokerContext,
): Promise<void> {
  const asked: readonly Doomed[] = [
    ...request.topics,
    ...request.topicNames.map((name) => ({ name, topicId: NO_TOPIC_ID })),
  ];
  const twice = repeated(asked.map(keyOf));
  const outcomes = new Map<string, Outcome & Doomed>();
  const doomed: Doomed[] = [];
  for (const topic of asked) {
    const problem = twice.has(keyOf(topic)) ? "the topic is named twice" : problemOf(topic);
    if (problem === null) doomed.push(topic);
    else outcomes.set(keyOf(topic), { ...topic, errorCode: kafkaErrors.INVALID_REQUEST, errorMessage: problem });
  }
  if (doomed.length > 0) await removeAll(broker, doomed, { timeoutMs: request.timeoutMs, outcomes });
  const keys = [...new Set(asked.map(keyOf))];
  call.answer({ throttleTimeMs: 0, responses: keys.flatMap((key) => outcomes.get(key) ?? []) });
}

const keyOf = ({ name, topicId }: Doomed): string => name ?? `id ${topicId}`;

function problemOf({ name, topicId }: Doomed): string | null {
  if (name === null && topicId === NO_TOPIC_ID) return "neither a name nor an id is given";
  return name !== null && topicId !== NO_TOPIC_ID ? "a name and an id are given; one of them is enough" : null;
}

async function removeAll(
  broker: BrokerContext,
  doomed: readonly Doomed[],
  { timeoutMs, outcomes }: { timeoutMs: number; outcomes: Map<string, Outcome & Doomed> },
): Promise<void> {
  const topics = doomed.map(({ name, topicId }) => ({ name, topicId: topicId === NO_TOPIC_ID ? null : topicId }));
  const response = await askController(broker, { kind: "deleteTopics", topics }, timeoutMs);
  if (response.kind === "failed") {
    const { errorCode, errorMessage } = response;
    for (const topic of doomed) outcomes.set(keyOf(topic), { ...topic, errorCode, errorMessage });
    return;
  }
  // Results come in the order of the request, so each is matched by its place.
  doomed.forEach((topic, place) => {
    const { errorCode, errorMessage, name, topicId } = response.topics[place] ?? LEFT_OUT;
    outcomes.set(keyOf(topic), { name: name ?? topic.name, topicId, errorCode, errorMessage });
  });
  const gone = response.topics.filter(({ errorCode }) => errorCode === 0);
  await adopted(broker, () => gone.every(({ topicId }) => broker.image.topic(topicId) === undefined));
}

const LEFT_OUT = {
  name: null,
  topicId: NO_TOPIC_ID,
  errorCode: kafkaErrors.UNKNOWN_SERVER_ERROR,
  errorMessage: "the controller left it out",
};

export const deleteTopicsHandler = handler(deleteTopics, { served: { min: 1, max: 6 } }, remove);
