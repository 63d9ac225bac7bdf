import type { TopicRow } from "./contract/rows.ts";
import type { BrokerContext } from "./handlers/context.ts";
import type { LogConfig } from "./storage/log-config.ts";

/** A topic that the metadata does not know (yet): what is in force where nothing was set on the topic. */
const UNKNOWN_TOPIC = { topicId: "", name: "", config: {}, partitionCount: 0 } as unknown as TopicRow;

/** What storage needs to know of a topic's configuration: the same object until something changes. */
export const logConfigOf = (context: BrokerContext, topic: TopicRow | undefined): LogConfig =>
  context.topicConfig(topic ?? UNKNOWN_TOPIC);
