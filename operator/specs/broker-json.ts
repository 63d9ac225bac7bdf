import { brokerConfigKeys } from "#contract/config-keys.ts";
import type { KubernetesObject } from "../ports/kubernetes.ts";
import { type SpecContext, namespaceOf } from "./context.ts";
import type { ClusterSpec } from "../resources/cluster.ts";
import { HTTP_API_PORT } from "../resources/http-api.ts";
import { BROKER_HTTP_PORT, DEFAULT_LISTENERS } from "../resources/listeners.ts";
import type { ClusterResource } from "./custom-resources.ts";
import { canonical, hashOf } from "./hash.ts";
import {
  ACCEPTED_CONFIG_ANNOTATION,
  ACCEPTED_LISTENERS_ANNOTATION,
  DYNAMIC_CONFIG_ANNOTATION,
  labelsOf,
  namesOf,
  ownerOf,
} from "./naming.ts";

export const OPERATOR_PORT = 8080;
export const OPERATOR_SERVICE = "tidemark-operator";

type Config = Readonly<Record<string, string>>;

/** A listener of a Cluster; its name is the schema's default where the author gave none. */
export type Listener = NonNullable<ClusterSpec["listeners"]>[number] & { readonly name: string };

/** The listeners there are: the schema's default when the Cluster names none. */
export function listenersOf({ spec: { listeners = [] } }: ClusterResource): readonly Listener[] {
  const [byDefault] = DEFAULT_LISTENERS;
  return listeners.length === 0 ? [byDefault] : listeners.map((one) => ({ ...one, name: one.name ?? byDefault.name }));
}

const isDynamic = (key: string): boolean => (brokerConfigKeys.get(key)?.update ?? "readOnly") !== "readOnly";

/** Read by brokers at their start only: a change needs a roll. */
export const startConfig = (config: Config): Record<string, string> =>
  Object.fromEntries(Object.entries(config).filter(([key]) => !isDynamic(key)));

/** Set on running brokers through their controller. */
export const dynamicConfig = (config: Config): Record<string, string> =>
  Object.fromEntries(Object.entries(config).filter(([key]) => isDynamic(key)));

/**
 * What a cluster of this size is started with where its author is silent. Not part of the hash that rolls brokers:
 * what a topic is created with is decided by the controller, which learns of a new size at once, and of
 * `__consumer_offsets` by the broker that is first asked for a group, long before sizes change.
 */
export function impliedConfig(config: Config, replicas: number): Record<string, string> {
  const factor = Number(config["default.replication.factor"] ?? Math.min(3, replicas));
  return {
    "default.replication.factor": String(factor),
    "min.insync.replicas": factor >= 3 ? "2" : "1",
    "offsets.topic.replication.factor": String(Math.min(3, replicas)),
  };
}

/** What the cluster's brokers and controller are started with. */
export const staticConfig = (config: Config, replicas: number): Record<string, string> => ({
  ...impliedConfig(config, replicas),
  ...startConfig(config),
});

/** Port of the HTTP API for applications; null: it is not served. */
export const httpApiPortOf = ({ spec: { http } }: ClusterResource): number | null =>
  http === undefined ? null : (http.port ?? HTTP_API_PORT);

const httpApiOf = (cluster: ClusterResource): { readonly api?: { readonly port: number } } => {
  const port = httpApiPortOf(cluster);
  return port === null ? {} : { api: { port } };
};

/** Changes with whatever makes a running broker's settings old. */
export const configHash = (context: SpecContext): string =>
  hashOf({
    config: startConfig(context.config),
    listeners: listenersOf(context.cluster).map(({ name, port, type, advertisedHost, advertisedPort }) => ({
      name,
      port,
      type,
      advertisedHost,
      advertisedPort,
    })),
    // Nothing where there is none: what brokers were told before the API existed has not changed.
    ...httpApiOf(context.cluster),
  });

export function brokerJson(context: SpecContext): Record<string, unknown> {
  const { cluster } = context;
  const { name } = cluster.metadata;
  const namespace = namespaceOf(cluster);
  return {
    clusterId: context.clusterId,
    controller: {
      host: `${OPERATOR_SERVICE}.${context.operatorNamespace}.svc`,
      port: OPERATOR_PORT,
      path: `/clusters/${namespace}/${name}`,
    },
    listeners: listenersOf(cluster).map((listener) => listenerJson(listener, context)),
    http: { port: BROKER_HTTP_PORT },
    ...httpApiOf(cluster),
    config: staticConfig(context.config, cluster.spec.replicas),
    logLevel: "info",
  };
}

function listenerJson(listener: Listener, { advertised, cluster }: SpecContext): Record<string, unknown> {
  const { name, port, type = "internal", advertisedHost, advertisedPort } = listener;
  const inside = `{pod}.${namesOf(cluster.metadata.name).headless}.${namespaceOf(cluster)}.svc`;
  const host = advertisedHost ?? { internal: inside, nodeport: "{nodeIp}", loadbalancer: undefined }[type];
  const addresses = advertised.get(name) ?? [];
  return {
    name,
    port,
    ...(host === undefined ? {} : { advertisedHost: host }),
    ...(advertisedPort === undefined ? {} : { advertisedPort }),
    ...(addresses.length === 0 ? {} : { brokers: addresses }),
  };
}

/** Each version of the settings has a key of its own: a pod of an old template keeps what it was started with. */
export const configKeyOf = (hash: string): string => `broker-${hash}.json`;

export interface ConfigMapOptions {
  /** Settings of running brokers that this Cluster set, those included that are about to be taken back. */
  readonly ownedKeys: readonly string[];
  /** Versions that pods or templates still name, as they are. */
  readonly kept: Readonly<Record<string, string>>;
}

export function configMapOf(context: SpecContext, { ownedKeys, kept }: ConfigMapOptions): KubernetesObject {
  const { cluster } = context;
  const names = namesOf(cluster.metadata.name);
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: {
      name: names.configMap,
      namespace: namespaceOf(cluster),
      labels: labelsOf(cluster.metadata.name),
      annotations: {
        [DYNAMIC_CONFIG_ANNOTATION]: [...ownedKeys].sort().join(","),
        [ACCEPTED_CONFIG_ANNOTATION]: canonical(context.config),
        [ACCEPTED_LISTENERS_ANNOTATION]: canonical(listenersOf(cluster)),
      },
      ownerReferences: [ownerOf(cluster)],
    },
    data: { ...kept, [configKeyOf(configHash(context))]: canonical(brokerJson(context)) },
  };
}
