import Type, { type Static } from "typebox";
import { matching, rules } from "./cel.ts";
import { conditionsSchema } from "./conditions.ts";
import {
  API_VERSION,
  closed,
  clusterName,
  count,
  metadata,
  namespaceName,
  objectName,
  onKubernetes,
  wholeNumber,
} from "./fields.ts";
import { CONFIG_KEY_LENGTH_MAX, CONFIG_KEYS_MAX, configSchema, numberIn, numberOf } from "./kafka-config.ts";

const TOPIC_NAME_LENGTH_MAX = 249;
const PARTITIONS_MAX = 100_000;
const MIN_ISR = "min.insync.replicas";

interface Spec {
  readonly replicationFactor?: number;
  readonly config?: Record<string, string>;
  readonly unmanagedConfig?: readonly string[];
}

const clusterRefSchema = closed(
  {
    name: clusterName("Name of the Cluster."),
    namespace: Type.Optional({
      ...namespaceName("Namespace of the Cluster, which must allow the Topic's; the Topic's own when left out."),
      ...onKubernetes,
    }),
  },
  {
    description: "The Cluster that has the topic. Cannot change.",
    ...rules({
      // `namespace` is a word of CEL itself.
      rule:
        "self.name == oldSelf.name && has(self.__namespace__) == has(oldSelf.__namespace__) && " +
        "(!has(self.__namespace__) || self.__namespace__ == oldSelf.__namespace__)",
      message: "must stay as it was: a topic cannot move to another Cluster; make a new Topic there",
    }),
  },
);

const specSchema = closed(
  {
    clusterRef: clusterRefSchema,
    topicName: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: TOPIC_NAME_LENGTH_MAX,
        // RE2 knows no look-ahead: any number of dots before another character, or three and more alone.
        ...matching(
          "^([.]*[a-zA-Z0-9_-][a-zA-Z0-9._-]*|[.]{3,})$",
          "be letters, digits, '.', '_' and '-', and neither '.' nor '..'",
        ),
        description: "The topic's name in Kafka; the object's own name when left out. Cannot change.",
      }),
    ),
    partitions: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: PARTITIONS_MAX,
        format: "int32",
        description: "Number of partitions: may grow, never shrink. Left out: `num.partitions`, and hands off.",
      }),
    ),
    replicationFactor: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 100,
        format: "int32",
        description: "Copies of each partition. Left out: `default.replication.factor`, and hands off.",
      }),
    ),
    config: Type.Optional(
      configSchema(
        "Kafka's configuration keys of the topic: these are enforced, all others are the cluster's default.",
      ),
    ),
    unmanagedConfig: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: CONFIG_KEY_LENGTH_MAX }), {
        maxItems: CONFIG_KEYS_MAX,
        description: "Configuration keys that are left as anybody sets them.",
        "x-kubernetes-list-type": "set",
        ...onKubernetes,
      }),
    ),
    deletionPolicy: Type.Optional(
      Type.Enum(["Delete", "Retain"], {
        type: "string",
        default: "Delete",
        description: "Whether the topic and its records go when the Topic is deleted, or stay.",
        ...onKubernetes,
      }),
    ),
  },
  {
    description: "What the topic shall be.",
    ...rules(
      {
        rule: "!has(self.config) || !has(self.unmanagedConfig) || self.unmanagedConfig.all(key, !(key in self.config))",
        message: "must not have a key in both config and unmanagedConfig; remove it from one of them",
        holds: ({ config = {}, unmanagedConfig = [] }: Spec) =>
          unmanagedConfig.every((key) => !Object.hasOwn(config, key)),
      },
      {
        rule: `!has(self.replicationFactor) || ${numberIn("self.config", MIN_ISR, "0")} <= self.replicationFactor`,
        message: `must not have config ${MIN_ISR} above replicationFactor; lower it or raise replicationFactor`,
        holds: ({ config, replicationFactor }: Spec) =>
          replicationFactor === undefined || (numberOf(config, MIN_ISR) ?? 0) <= replicationFactor,
      },
      {
        rule: "!has(self.partitions) || !has(oldSelf.partitions) || self.partitions >= oldSelf.partitions",
        message:
          "must not have fewer partitions than before: records would be lost; set the old number or make a new topic",
      },
    ),
  },
);

const statusSchema = closed(
  {
    observedGeneration: Type.Optional(wholeNumber("Generation of the Topic that this was said of.")),
    conditions: Type.Optional(conditionsSchema),
    topicName: Type.Optional(Type.String({ maxLength: TOPIC_NAME_LENGTH_MAX, description: "Name in Kafka." })),
    topicId: Type.Optional(
      Type.String({ maxLength: 64, description: "Kafka's id: another one means that the topic was made anew." }),
    ),
    partitions: count("Partitions that there are."),
    replicationFactor: count("Copies of each partition."),
    underReplicatedPartitions: count("Partitions with a replica that is not in sync."),
    offlinePartitions: count("Partitions without a leader."),
    reassigningPartitions: count("Partitions that are being moved."),
    bytesLeft: Type.Optional(wholeNumber("Bytes that are still to be copied while partitions are being moved.")),
  },
  { description: "What the topic is." },
);

const nameOf = (topic: string): string =>
  `(has(${topic}.spec.topicName) ? ${topic}.spec.topicName : self.metadata.name)`;

export const topicSchema = Type.Object(
  {
    apiVersion: Type.Literal(API_VERSION),
    kind: Type.Literal("Topic"),
    metadata: metadata(objectName("Name of the Topic.")),
    spec: specSchema,
    status: Type.Optional(statusSchema),
  },
  {
    additionalProperties: false,
    description: "A topic of a Cluster.",
    ...rules(
      {
        rule: `has(self.spec.topicName) || self.metadata.name.size() <= ${TOPIC_NAME_LENGTH_MAX}`,
        message: `must have a spec.topicName of at most ${TOPIC_NAME_LENGTH_MAX} characters: metadata.name is longer`,
        holds: ({ metadata: { name }, spec }: { metadata: { name: string }; spec: { topicName?: string } }) =>
          spec.topicName !== undefined || name.length <= TOPIC_NAME_LENGTH_MAX,
      },
      {
        rule: `${nameOf("self")} == ${nameOf("oldSelf")}`,
        message: "spec.topicName must stay as it was: topics cannot be renamed; make a new Topic",
      },
      {
        // Hands off and on again: what is there counts then, which only status knows.
        rule:
          "!has(self.spec.partitions) || !has(self.status) || !has(self.status.partitions) || " +
          "self.spec.partitions >= self.status.partitions || " +
          "(has(oldSelf.spec.partitions) && self.spec.partitions == oldSelf.spec.partitions)",
        message: "spec.partitions must be at least status.partitions, which there are: fewer would lose records",
      },
    ),
  },
);

export type Topic = Static<typeof topicSchema>;
export type TopicSpec = Static<typeof specSchema>;
export type TopicStatus = Static<typeof statusSchema>;

/** The topic's name in Kafka. */
export const topicNameOf = (topic: Topic): string => topic.spec.topicName ?? topic.metadata.name;
