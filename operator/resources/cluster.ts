import Type, { type Static } from "typebox";
import { rules } from "./cel.ts";
import { clusterStatusSchema } from "./cluster-status.ts";
import {
  API_VERSION,
  CLUSTER_NAME_LENGTH_MAX,
  CLUSTER_NAME_PATTERN,
  closed,
  clusterName,
  metadata,
  namespaceName,
  onKubernetes,
} from "./fields.ts";
import { httpPortIsFree, httpSchema } from "./http-api.ts";
import { configSchema, numberIn, numberOf } from "./kafka-config.ts";
import { annotationsSchema, labelKey, labelsSchema } from "./label-fields.ts";
import { advertisedPortsFit, listenersSchema } from "./listeners.ts";
import { podFields } from "./pod-fields.ts";
import { storageSchema } from "./storage.ts";

interface AllowedNamespaces {
  readonly from?: string;
  readonly names?: readonly string[];
}

const allowedNamespacesSchema = closed(
  {
    from: Type.Optional(
      Type.Enum(["Same", "All", "Names"], {
        type: "string",
        default: "Same",
        description: "Same: the Cluster's own namespace. All: any. Names: its own and those in names.",
      }),
    ),
    names: Type.Optional(
      Type.Array(namespaceName("Name of a namespace."), {
        maxItems: 256,
        description: "Namespaces besides the Cluster's own, for from: Names.",
        "x-kubernetes-list-type": "set",
      }),
    ),
  },
  {
    description: "Namespaces whose Topics may name this Cluster.",
    ...onKubernetes,
    ...rules({
      rule: "(has(self.from) && self.from == 'Names') == (has(self.names) && size(self.names) > 0)",
      message: "must have names if, and only if, it says from: Names; add names, or remove them",
      holds: ({ from, names = [] }: AllowedNamespaces) => (from === "Names") === names.length > 0,
    }),
  },
);

const enabledByDefault = (description: string) =>
  closed(
    { enabled: Type.Optional(Type.Boolean({ default: true, description: "Whether there is one." })) },
    { description, default: { enabled: true }, ...onKubernetes },
  );

const monitoringSchema = closed(
  {
    podMonitor: Type.Optional(
      closed(
        {
          enabled: Type.Optional(Type.Boolean({ default: false, description: "Whether there is one." })),
          labels: Type.Optional(labelsSchema("Labels by which Prometheus selects it.")),
          annotations: Type.Optional(annotationsSchema("Annotations of it.")),
        },
        { description: "PodMonitor of the brokers; needs the Prometheus operator." },
      ),
    ),
  },
  { description: "How brokers are watched.", ...onKubernetes },
);

const DEFAULT_FACTOR = "default.replication.factor";

const specSchema = closed(
  {
    replicas: Type.Integer({
      minimum: 1,
      maximum: 100,
      format: "int32",
      description: "Number of brokers. Not below the highest replication factor of a topic (status.minimumReplicas).",
    }),
    storage: Type.Optional(storageSchema),
    listeners: Type.Optional(listenersSchema),
    http: Type.Optional(httpSchema),
    config: Type.Optional(configSchema("Kafka's configuration keys of brokers.")),
    rack: Type.Optional(
      closed(
        { topologyKey: labelKey("Label of the nodes that names the rack, such as topology.kubernetes.io/zone.") },
        {
          description: "Spreads replicas over racks. The operator must be allowed to read nodes.",
          ...onKubernetes,
        },
      ),
    ),
    ...podFields,
    podDisruptionBudget: Type.Optional(enabledByDefault("PodDisruptionBudget of the brokers: one at a time.")),
    networkPolicy: Type.Optional(
      enabledByDefault("NetworkPolicy of the brokers: listeners for all, other ports for brokers and operator."),
    ),
    monitoring: Type.Optional(monitoringSchema),
    allowedNamespaces: Type.Optional({ ...allowedNamespacesSchema, default: { from: "Same" } }),
  },
  {
    description: "What the cluster shall be.",
    ...rules(
      {
        rule: "has(self.storage)",
        message: "must have storage: {size: 10Gi}, or storage: {ephemeral: true} for data that goes with its pod",
      },
      { ...advertisedPortsFit },
      { ...httpPortIsFree },
      {
        rule: `${numberIn("self.config", DEFAULT_FACTOR, "0")} <= self.replicas`,
        message: `must have at least as many replicas as config ${DEFAULT_FACTOR}; lower that or raise replicas`,
        holds: ({ replicas, config }: { replicas: number; config?: Record<string, string> }) =>
          (numberOf(config, DEFAULT_FACTOR) ?? 0) <= replicas,
      },
    ),
  },
);

export const clusterSchema = Type.Object(
  {
    apiVersion: Type.Literal(API_VERSION),
    kind: Type.Literal("Cluster"),
    metadata: metadata(clusterName("Name of the Cluster, from which its Services get theirs.")),
    spec: specSchema,
    status: Type.Optional(clusterStatusSchema),
  },
  {
    additionalProperties: false,
    description: "A set of brokers that form one cluster.",
    ...rules(
      {
        rule:
          `self.metadata.name.size() <= ${CLUSTER_NAME_LENGTH_MAX} && ` +
          `self.metadata.name.matches(r'${CLUSTER_NAME_PATTERN}')`,
        message:
          `must have a metadata.name of at most ${CLUSTER_NAME_LENGTH_MAX} lower-case letters, digits and '-', ` +
          "beginning with a letter: its Services are named after it; choose another name",
      },
      {
        // Only whoever lowers replicas is held: status may pass it by, and must never lock the object.
        rule:
          "!has(self.status) || !has(self.status.minimumReplicas) || self.spec.replicas >= oldSelf.spec.replicas || " +
          "self.spec.replicas >= self.status.minimumReplicas",
        message:
          "spec.replicas must be at least status.minimumReplicas, the highest replication factor of a topic; " +
          "lower the replicationFactor of those topics or delete them first",
      },
    ),
  },
);

export type Cluster = Static<typeof clusterSchema>;
export type ClusterSpec = Static<typeof specSchema>;
