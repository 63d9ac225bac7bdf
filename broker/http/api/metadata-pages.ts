import type { PartitionRow, TopicRow } from "../../contract/rows.ts";
import { describeConfigs } from "../../wire/apis/32-describe-configs.ts";
import { type Exchange, ok, type Reply } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import { EARLIEST, LATEST, offsetsAt } from "./leaders.ts";
import { isRefusal, type Refusal } from "./refusal.ts";
import { listedTopics, partitionNamed, topicNamed } from "./topics.ts";

/** Kafka's number of the kind of resource. */
const TOPIC_RESOURCE = 2;

export const listTopics = ({ broker }: Gateway): Reply => ok(listedTopics(broker));

export const listBrokers = ({ broker }: Gateway): Reply =>
  ok({
    brokers: broker.image
      .brokers()
      .filter(({ isFenced }) => !isFenced)
      .map(({ id }) => id),
  });

export async function showTopic({ broker, peers }: Gateway, { params }: Exchange): Promise<Reply> {
  const topic = topicNamed(broker, params["topic"]!);
  if (isRefusal(topic)) return topic;
  const asked = await peers.ask(broker.brokerId, {
    api: describeConfigs,
    version: 4,
    timeoutMs: 0,
    body: {
      resources: [{ resourceType: TOPIC_RESOURCE, resourceName: topic.name, configurationKeys: null }],
      includeSynonyms: false,
      includeDocumentation: false,
    },
  });
  const described = asked.kind === "answered" ? (asked.body.results[0]?.configs ?? []) : [];
  const configs = Object.fromEntries(described.map(({ name, value }) => [name, value]));
  const partitions = broker.image.partitions(topic.topicId).map(partitionOf);
  return ok({ name: topic.name, configs, partitions });
}

const partitionOf = ({ partition, leader, replicas, isr }: PartitionRow): object => ({
  partition,
  leader,
  replicas: replicas.map((broker) => ({ broker, leader: broker === leader, in_sync: isr.includes(broker) })),
});

export function listPartitions({ broker }: Gateway, { params }: Exchange): Reply {
  const topic = topicNamed(broker, params["topic"]!);
  return isRefusal(topic) ? topic : ok(broker.image.partitions(topic.topicId).map(partitionOf));
}

export function showPartition({ broker }: Gateway, { params }: Exchange): Reply {
  const place = placeOf({ broker }, params);
  return isRefusal(place) ? place : ok(partitionOf(broker.image.partitions(place.topic.topicId)[place.partition]!));
}

export async function showOffsets(gateway: Gateway, { params }: Exchange): Promise<Reply> {
  const place = placeOf(gateway, params);
  if (isRefusal(place)) return place;
  const at = { topic: place.topic, partitions: [place.partition] };
  const begin = await offsetsAt(gateway, { ...at, timestamp: EARLIEST });
  if (isRefusal(begin)) return begin;
  const end = await offsetsAt(gateway, { ...at, timestamp: LATEST });
  return isRefusal(end) ? end : ok({ beginning_offset: begin[0], end_offset: end[0] });
}

function placeOf(
  { broker }: Pick<Gateway, "broker">,
  params: Exchange["params"],
): { readonly topic: TopicRow; readonly partition: number } | Refusal {
  const topic = topicNamed(broker, params["topic"]!);
  if (isRefusal(topic)) return topic;
  const partition = partitionNamed(broker, topic, params["partition"]!);
  return isRefusal(partition) ? partition : { topic, partition };
}
