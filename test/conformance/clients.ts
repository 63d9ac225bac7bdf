import type { Client } from "./client.ts";
import { connect } from "./features/connect.ts";
import { features } from "./features/features.ts";
import { kafkaTools } from "./features/kafka-tools.ts";
import { streams } from "./features/streams.ts";
import { franzGo, java, kcat, ofTheProject, python, rskafka } from "./installers.ts";

const noPlugin = "a plug-in of somebody else has it";

/** Every client, in the order of the page. */
export const clients: readonly Client[] = [
  {
    name: "kafkajs",
    language: "JavaScript",
    features,
    install: () => ofTheProject("kafkajs", "kafkajs"),
    lacks: { snappy: noPlugin, lz4: noPlugin, zstd: noPlugin },
  },
  { name: "kafka-clients", language: "Java", features, install: () => java("Driver"), lacks: {} },
  {
    name: "confluent-kafka-python",
    language: "Python, librdkafka",
    features,
    install: () => python("confluent-python", "confluent-kafka"),
    lacks: {},
  },
  {
    name: "kafka-python",
    language: "Python",
    features,
    install: () => python("kafka-python", "kafka-python"),
    lacks: {},
  },
  {
    name: "@platformatic/kafka",
    language: "JavaScript",
    features,
    install: () => ofTheProject("platformatic", "@platformatic/kafka"),
    lacks: {},
  },
  { name: "franz-go", language: "Go", features, install: franzGo, lacks: {} },
  {
    name: "rskafka",
    language: "Rust",
    features,
    install: rskafka,
    lacks: {
      idempotent: "its producer is not idempotent",
      "leader killed": "its producer is not idempotent",
      "group of two": "it has no consumer groups",
      commits: "it has no consumer groups",
      admin: "it creates and deletes topics, and knows nothing of configs",
    },
  },
  {
    name: "kcat",
    language: "C, librdkafka",
    features,
    install: kcat,
    lacks: { admin: "it has no commands that administer" },
  },
  { name: "kafka-tools", language: "Java", features: kafkaTools, install: () => java(), lacks: {} },
  { name: "Kafka Streams", language: "Java", features: streams, install: () => java("WordCount"), lacks: {} },
  {
    name: "Kafka Connect",
    language: "Java",
    features: connect,
    install: () => java("org.apache.kafka.connect.cli.ConnectDistributed"),
    lacks: {},
  },
];
