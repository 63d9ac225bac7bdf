import type { Client } from "./client.ts";
import { connect } from "./features/connect.ts";
import { features } from "./features/features.ts";
import { kafkaTools } from "./features/kafka-tools.ts";
import { schemaRegistry } from "./features/schema-registry.ts";
import { streams } from "./features/streams.ts";
import { apicurio, confluentJavaScript, franzGo, java, kcat, ofTheProject, python, rskafka } from "./installers.ts";

const noPlugin = "a plug-in of somebody else has it";
const noCooperation = "it has no cooperative assignor";
const noGroups = "it has no consumer groups";
const noConfigs = "it creates and deletes topics, and knows nothing of configs";
const noAdmin = "it has no commands that administer";

/** Every client, in the order of the page. */
export const clients: readonly Client[] = [
  {
    name: "kafkajs",
    language: "JavaScript",
    features,
    install: () => ofTheProject("kafkajs", "kafkajs"),
    lacks: {
      snappy: noPlugin,
      lz4: noPlugin,
      zstd: noPlugin,
      "recompression (all codecs)": noPlugin,
      "cooperative group": noCooperation,
      "static member": "it has no static members",
      "no offset to reset": "it begins at an end of the partition where there is no commit",
    },
  },
  { name: "kafka-clients", language: "Java", features, install: () => java("Driver"), lacks: {} },
  {
    name: "@confluentinc/kafka-javascript",
    language: "JavaScript, librdkafka",
    features,
    install: confluentJavaScript,
    lacks: {
      "no offset to reset": "its consumer writes the error into its log, and tries again",
      admin: "its admin client neither adds partitions nor reads or alters configs",
    },
  },
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
    lacks: { "cooperative group": noCooperation },
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
      "recompression (all codecs)": "it fetches as clients did before there was zstd, and is refused as by Kafka",
      "no transactions": "its producer has none",
      "group of two": noGroups,
      "cooperative group": noGroups,
      "static member": noGroups,
      commits: noGroups,
      "automatic commits": noGroups,
      "no offset to reset": noGroups,
      "compacted topic": noConfigs,
      admin: noConfigs,
    },
  },
  {
    name: "kcat",
    language: "C, librdkafka",
    features,
    install: kcat,
    lacks: { "compacted topic": noAdmin, admin: noAdmin },
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
  { name: "Apicurio Registry", language: "Java", features: schemaRegistry, install: apicurio, lacks: {} },
];
