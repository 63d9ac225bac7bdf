import Type, { type Static } from "typebox";
import { API_VERSION, closed, metadata, objectName, wholeNumber } from "./fields.ts";

/**
 * Etcd refuses requests above 1.5 MiB; quotes and backslashes of the text take two bytes there. Whoever writes shards
 * begins a new one long before.
 */
export const SHARD_DATA_LENGTH_MAX = 1_000_000;

export const metadataShardSchema = Type.Object(
  {
    apiVersion: Type.Literal(API_VERSION),
    kind: Type.Literal("MetadataShard"),
    metadata: metadata(objectName("Name of the shard: its Cluster's, then -root or a number.")),
    spec: closed(
      {
        kind: Type.Enum(["Root", "Rows"], {
          type: "string",
          description: "Root: the registry of brokers and the list of shards. Rows: partitions.",
        }),
        controllerEpoch: wholeNumber("Epoch of the controller that wrote it."),
        sequence: wholeNumber("Number of the write within its epoch."),
        writer: Type.String({ minLength: 1, maxLength: 253, description: "Who wrote it, for people." }),
        data: Type.String({ maxLength: SHARD_DATA_LENGTH_MAX, description: "What the controller knows." }),
      },
      { description: "Written by the controller only, by compare-and-swap on resourceVersion." },
    ),
  },
  {
    additionalProperties: false,
    description: "A part of a Cluster's metadata. Internal: whoever changes or deletes it loses the cluster's memory.",
  },
);

export type MetadataShard = Static<typeof metadataShardSchema>;
