import { OFFSETS_TOPIC } from "../groups/coordinator.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import { adopted, askController } from "./admin-calls.ts";
import type { BrokerContext } from "./context.ts";

const CREATION_MS_MAX = 5000;

/** Creates `__consumer_offsets` when the first group is looked for; a crowd of clients asks the controller once. */
export class OffsetsTopic {
  #creation: Promise<number> | null = null;

  /** Kafka's error code; 0 once this broker knows the topic. */
  create(broker: BrokerContext): Promise<number> {
    this.#creation ??= createTopic(broker).finally(() => {
      this.#creation = null;
    });
    return this.#creation;
  }
}

async function createTopic(broker: BrokerContext): Promise<number> {
  const { offsetsTopicPartitions, offsetsTopicReplicationFactor, offsetsTopicSegmentBytes } = broker.config();
  const topic = {
    name: OFFSETS_TOPIC,
    partitionCount: offsetsTopicPartitions,
    replicationFactor: offsetsTopicReplicationFactor,
    assignments: null,
    // Its coordinator writes what stands anew and deletes what lies before: whatever log.cleanup.policy is.
    config: {
      "cleanup.policy": "delete",
      "segment.bytes": String(offsetsTopicSegmentBytes),
      "retention.ms": "-1",
      "retention.bytes": "-1",
    },
  };
  const response = await askController(
    broker,
    { kind: "createTopics", topics: [topic], validateOnly: false },
    CREATION_MS_MAX,
  );
  if (response.kind === "failed") return response.errorCode;
  const { errorCode, errorMessage } = response.topics[0] ?? LEFT_OUT;
  if (errorCode !== 0 && errorCode !== kafkaErrors.TOPIC_ALREADY_EXISTS) {
    broker.logger.warn(`${OFFSETS_TOPIC} cannot be created: groups have to wait`, { errorCode, errorMessage });
    return errorCode;
  }
  await adopted(broker, () => broker.image.topicByName(OFFSETS_TOPIC) !== undefined);
  return broker.image.topicByName(OFFSETS_TOPIC) === undefined ? kafkaErrors.LEADER_NOT_AVAILABLE : 0;
}

const LEFT_OUT = { errorCode: kafkaErrors.UNKNOWN_SERVER_ERROR, errorMessage: "the controller left it out" };
