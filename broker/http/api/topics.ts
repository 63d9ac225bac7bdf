import type { TopicRow } from "../../contract/rows.ts";
import { topicNameProblem } from "../../contract/topic-name.ts";
import type { BrokerContext } from "../../handlers/context.ts";
import { isInternalTopic } from "../../handlers/internal-topics.ts";
import { partitionNotFound, type Refusal, topicNotFound, tryAgain } from "./refusal.ts";

/** Without the brokers' own, which Kafka's tools do not list either. */
export const listedTopics = (broker: BrokerContext): string[] =>
  broker.image
    .topics()
    .map(({ name }) => name)
    .filter((name) => !isInternalTopic(name))
    .sort();

export function topicNamed(broker: BrokerContext, name: string): TopicRow | Refusal {
  return broker.image.topicByName(name) ?? topicNotFound();
}

/** The topic to write to: created if brokers create topics that clients name (auto.create.topics.enable). */
export async function topicToWrite(broker: BrokerContext, name: string): Promise<TopicRow | Refusal> {
  const known = broker.image.topicByName(name);
  if (known !== undefined) return known;
  if (topicNameProblem(name) !== null || !broker.config().autoCreateTopicsEnable) return topicNotFound();
  await broker.autoCreator.create(broker, [name]);
  return broker.image.topicByName(name) ?? tryAgain("the topic cannot be created now");
}

/** A partition's number as a path gives it. What is no number names nothing. */
export function partitionNamed(broker: BrokerContext, topic: TopicRow, text: string): number | Refusal {
  const partition = /^\d{1,10}$/.test(text) ? Number(text) : -1;
  return broker.image.partitions(topic.topicId)[partition] === undefined ? partitionNotFound() : partition;
}

/** Partitions that can be written to now. */
export const partitionsWithLeader = (broker: BrokerContext, topic: TopicRow): number[] =>
  broker.image
    .partitions(topic.topicId)
    .filter(({ leader }) => leader >= 0 && broker.image.isAlive(leader))
    .map(({ partition }) => partition);
