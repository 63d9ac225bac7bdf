import Type, { type Static } from "typebox";
import { conditionsSchema } from "./conditions.ts";
import { closed, count, wholeNumber } from "./fields.ts";

const text = (maxLength: number, description: string) => Type.Optional(Type.String({ maxLength, description }));

/** Counts of what may change fast, never the partitions themselves: those stand in MetadataShards. */
export const clusterStatusSchema = closed(
  {
    observedGeneration: Type.Optional(wholeNumber("Generation of the Cluster that this was said of.")),
    conditions: Type.Optional(conditionsSchema),
    replicas: count("Brokers that there are."),
    readyReplicas: count("Brokers that are ready."),
    minimumReplicas: count("Highest replication factor of a topic; spec.replicas cannot be set below it."),
    selector: text(1024, "Selects the broker pods, for autoscalers."),
    clusterId: text(64, "Kafka's id of the cluster."),
    version: text(128, "Version of the operator that looks after the Cluster."),
    bootstrap: text(
      1024,
      "Hosts and ports where clients begin: of the first internal listener, or of the first where none is.",
    ),
    listeners: Type.Optional(
      Type.Array(
        closed({
          name: Type.String({ minLength: 1, maxLength: 12, description: "Name of the listener." }),
          bootstrap: Type.String({ maxLength: 4096, description: "Hosts and ports where its clients begin." }),
        }),
        {
          maxItems: 8,
          description: "Where clients of each listener begin.",
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["name"],
        },
      ),
    ),
    topics: count("Topics of the cluster."),
    partitions: count("Partitions of the cluster."),
    underReplicatedPartitions: count("Partitions with a replica that is not in sync."),
    offlinePartitions: count("Partitions without a leader."),
    progress: Type.Optional(
      closed(
        {
          moving: count("Partitions that are being moved."),
          bytesLeft: Type.Optional(wholeNumber("Bytes that are still to be copied.")),
          message: text(4096, "What is moving, for people."),
        },
        { description: "How far a drain, a scaling or a reassignment has come; absent when nothing moves." },
      ),
    ),
  },
  { description: "What the cluster is." },
);
export type ClusterStatus = Static<typeof clusterStatusSchema>;
