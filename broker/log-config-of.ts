import { type ConfigMap, effectiveTopicConfig } from "./contract/config-values.ts";
import type { MetadataRows, TopicRow } from "./contract/rows.ts";
import type { BrokerContext } from "./handlers/context.ts";
import type { LogConfig } from "./storage/log-config.ts";

/** A topic that the metadata does not know (yet): what is in force where nothing was set on the topic. */
const UNKNOWN_TOPIC = { topicId: "", name: "", config: {}, partitionCount: 0 } as unknown as TopicRow;

/** What storage needs to know of a topic's configuration: the same object until something changes. */
export const logConfigOf = (context: BrokerContext, topic: TopicRow | undefined): LogConfig =>
  context.topicConfig(topic ?? UNKNOWN_TOPIC);

/**
 * The same before this process was told anything: as the metadata stood when an earlier process of the broker last
 * saved it. Recovery must already sync what `flush.messages=1` had promised to be synced.
 */
export function earlierLogConfigOf(
  rows: MetadataRows | null,
  of: { topic: string; broker: string; static: ConfigMap },
): LogConfig {
  const set = (broker: string): ConfigMap =>
    rows?.brokerConfigs.find((row) => row.broker === broker)?.config ?? UNKNOWN_TOPIC.config;
  const topic = rows?.topics.find((row) => row.name === of.topic);
  const layers = { broker: set(of.broker), cluster: set(""), static: of.static };
  return effectiveTopicConfig(topic?.config ?? UNKNOWN_TOPIC.config, layers);
}
