import Type, { type Static } from "typebox";
import { API_VERSION, clusterRefSchema, configSchema, metadataSchema } from "./common.ts";

export const topicSchema = Type.Object(
  {
    apiVersion: Type.Literal(API_VERSION),
    kind: Type.Literal("Topic"),
    metadata: metadataSchema,
    spec: Type.Object(
      {
        clusterRef: clusterRefSchema,
        topicName: Type.Optional(
          Type.String({
            minLength: 1,
            maxLength: 249,
            pattern: "^(?!\\.{1,2}$)[a-zA-Z0-9._-]+$",
            "x-tidemark-must": "be letters, digits, '.', '_' and '-', and neither '.' nor '..'",
            description: "The topic's name in Kafka; the object's own name when left out.",
          }),
        ),
        partitions: Type.Optional(
          Type.Integer({
            minimum: 1,
            maximum: 100_000,
            description: "Number of partitions: may grow, never shrink. Left out: `num.partitions`, and hands off.",
          }),
        ),
        replicationFactor: Type.Optional(
          Type.Integer({
            minimum: 1,
            maximum: 100,
            description: "Copies of each partition. Left out: `default.replication.factor`, and hands off.",
          }),
        ),
        config: Type.Optional(configSchema),
      },
      { additionalProperties: false },
    ),
    status: Type.Optional(Type.Unknown()),
  },
  { additionalProperties: false, description: "A topic of a Cluster." },
);

export type Topic = Static<typeof topicSchema>;

/** The topic's name in Kafka. */
export const topicNameOf = (topic: Topic): string => topic.spec.topicName ?? topic.metadata.name;
