import Type, { type Static } from "typebox";
import { API_VERSION, configSchema, metadataSchema, quantitySchema } from "./common.ts";

const listenerSchema = Type.Object(
  {
    port: Type.Integer({
      minimum: 1,
      maximum: 65535,
      description:
        "Port of Kafka clients. In Kubernetes every broker has it; " +
        "on one machine the first broker takes it, the others the next ones.",
    }),
  },
  { additionalProperties: false },
);

const storageSchema = Type.Object(
  {
    size: quantitySchema(
      "Room for one broker's data. In Kubernetes the size of its volume; " +
        "on one machine `up` warns when the disk has less free.",
    ),
  },
  { additionalProperties: false },
);

export const clusterSchema = Type.Object(
  {
    apiVersion: Type.Literal(API_VERSION),
    kind: Type.Literal("Cluster"),
    metadata: metadataSchema,
    spec: Type.Object(
      {
        replicas: Type.Integer({ minimum: 1, maximum: 100, description: "Number of brokers." }),
        storage: Type.Optional(storageSchema),
        listeners: Type.Optional(
          Type.Array(listenerSchema, { minItems: 1, maxItems: 1, description: "Where Kafka clients connect." }),
        ),
        config: Type.Optional(configSchema),
      },
      { additionalProperties: false },
    ),
    status: Type.Optional(Type.Unknown()),
  },
  { additionalProperties: false, description: "A set of brokers that form one cluster." },
);

export type Cluster = Static<typeof clusterSchema>;
