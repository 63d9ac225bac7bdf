import { validateStaticConfig } from "#contract/config-values.ts";
import type { ConfigChange } from "#contract/control.ts";
import type { ControllerStatus } from "../ports/cluster-control.ts";
import type { KubernetesObject } from "../ports/kubernetes.ts";
import { dynamicConfig } from "../specs/broker-json.ts";
import type { ClusterResource } from "../specs/custom-resources.ts";
import { ACCEPTED_CONFIG_ANNOTATION, DYNAMIC_CONFIG_ANNOTATION } from "../specs/naming.ts";

type Config = Readonly<Record<string, string>>;

export interface AcceptedConfig {
  readonly config: Config;
  /** One line for each key that is wrong. */
  readonly problems: readonly string[];
}

const annotation = (configMap: KubernetesObject | null, name: string): string =>
  configMap?.metadata.annotations?.[name] ?? "";

/** What an annotation of the ConfigMap holds as JSON; null when it is not there, or was edited by hand into no JSON. */
export function noted(configMap: KubernetesObject | null, name: string): unknown {
  const text = annotation(configMap, name);
  try {
    return text === "" ? null : (JSON.parse(text) as unknown);
  } catch {
    return null;
  }
}

function acceptedBefore(configMap: KubernetesObject | null): Config {
  const before = noted(configMap, ACCEPTED_CONFIG_ANNOTATION);
  return typeof before === "object" && before !== null ? (before as Config) : {};
}

/** What of a Cluster's config is in force: valid keys as they are, invalid ones as they were while they were valid. */
export function acceptConfig(cluster: ClusterResource, configMap: KubernetesObject | null): AcceptedConfig {
  const before = acceptedBefore(configMap);
  const config: Record<string, string> = {};
  const problems: string[] = [];
  for (const [key, value] of Object.entries(cluster.spec.config ?? {})) {
    const problem = validateStaticConfig({ [key]: value });
    if (problem === null) config[key] = value;
    else {
      problems.push(problem);
      const old = before[key];
      if (old !== undefined && validateStaticConfig({ [key]: old }) === null) config[key] = old;
    }
  }
  return { config, problems };
}

/** What is to change on running brokers, and which of their keys this Cluster has set by then. */
export function planDynamicConfig(
  config: Config,
  at: { configMap: KubernetesObject | null; status: ControllerStatus | null },
): { changes: readonly ConfigChange[]; ownedKeys: readonly string[] } {
  const wanted = dynamicConfig(config);
  const owned = annotation(at.configMap, DYNAMIC_CONFIG_ANNOTATION)
    .split(",")
    .filter((key) => key !== "");
  if (at.status === null) return { changes: [], ownedKeys: [...new Set([...owned, ...Object.keys(wanted)])] };
  const present = at.status.brokerConfigs.find(({ broker }) => broker === "")?.config ?? {};
  const stale = owned.filter((key) => !Object.hasOwn(wanted, key) && Object.hasOwn(present, key));
  const changes = [
    ...Object.entries(wanted)
      .filter(([key, value]) => present[key] !== value)
      .map(([key, value]): ConfigChange => ({ key, operation: "set", value })),
    ...stale.map((key): ConfigChange => ({ key, operation: "delete", value: null })),
  ];
  return { changes, ownedKeys: [...new Set([...Object.keys(wanted), ...stale])] };
}
