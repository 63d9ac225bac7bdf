import type { KubeConfig } from "@kubernetes/client-node";
import { TidemarkError } from "#base/errors.ts";
import { type ApiAnswer, ApiClient } from "../adapters/kubernetes/api-client.ts";
import { accessOf } from "../adapters/kubernetes/credentials.ts";
import { ForwardedBrokers } from "../adapters/kubernetes/forwarded-brokers.ts";
import { type Kubeconfig, type KubeconfigOptions, readKubeconfig } from "../adapters/kubernetes/kubeconfig.ts";
import { collectionPath, objectPath } from "../adapters/kubernetes/paths.ts";
import { isAnyReachable } from "../adapters/kubernetes/reachable.ts";
import type { ObjectName } from "../ports/kubernetes.ts";
import { listenersOf } from "../specs/broker-json.ts";
import type { ClusterResource } from "../specs/custom-resources.ts";
import { namesOf } from "../specs/naming.ts";
import { isExternal } from "../specs/services.ts";
import type { BrokerAccess } from "./broker-access.ts";
import { addressOf } from "./running.ts";

const ANSWER_MS_MAX = 10_000;
const REACHED_MS_MAX = 2000;

/**
 * The brokers of a Cluster on Kubernetes: at the addresses of a listener for outside if that can be reached from here,
 * else through the API server.
 * @param cluster  NAMESPACE/NAME; a NAME alone is in the context's namespace.
 * @throws TidemarkError BAD_INPUT, REFUSED, PEER_UNREACHABLE, each with what is missing.
 */
export async function kubernetesAccess(cluster: string, options: KubeconfigOptions): Promise<BrokerAccess> {
  const kubeconfig = await readKubeconfig(options, process.env);
  const { namespace, name } = placeOf(cluster, kubeconfig.namespace);
  const resource = await clusterAt(kubeconfig, { namespace, name });
  const outside = await reachedFromHere(resource);
  if (outside !== null) return { brokers: outside, name: outside.join(","), dial: null, close: () => {} };
  const listeners = listenersOf(resource);
  const forwarded = await ForwardedBrokers.open({
    config: kubeconfig.config,
    namespace,
    name: `Cluster ${namespace}/${name}`,
    port: (listeners.find((one) => !isExternal(one)) ?? listeners[0]!).port,
    podOf: namesOf(name).pod,
    brokers: Array.from({ length: resource.spec.replicas }, (_, ordinal) => ordinal),
  });
  const close = (): void => forwarded.close();
  return { brokers: forwarded.addresses, name: `Cluster ${namespace}/${name}`, dial: forwarded, close };
}

function placeOf(cluster: string, namespace: string): ObjectName {
  const [, own = namespace, name] = /^(?:([a-z0-9.-]+)\/)?([a-z0-9.-]+)$/.exec(cluster) ?? [];
  if (name !== undefined) return { namespace: own, name };
  throw new TidemarkError("BAD_INPUT", `--cluster ${cluster}: it must be NAMESPACE/NAME, or NAME`);
}

async function clusterAt({ config, context }: Kubeconfig, place: ObjectName): Promise<ClusterResource> {
  const client = await clientOf(config, context);
  const ask = (path: string): Promise<ApiAnswer> => client.request({ method: "GET", path, timeoutMs: ANSWER_MS_MAX });
  try {
    const answer = await ask(objectPath({ kind: "Cluster", ...place }));
    if (answer.status === 200) return answer.body as ClusterResource;
    if (answer.status === 404) throw await notThere(place, context, answer, ask);
    throw refusalOf(answer, config, context);
  } finally {
    client.close();
  }
}

async function clientOf(config: KubeConfig, context: string): Promise<ApiClient> {
  try {
    return new ApiClient(await accessOf(config));
  } catch (cause) {
    const says = `context ${context} of the kubeconfig cannot be used: ${reasonOf(cause)}`;
    throw new TidemarkError("BAD_INPUT", says, { cause });
  }
}

function reasonOf(cause: unknown): string {
  if (!Error.isError(cause)) return String(cause);
  // Its message quotes what the command printed: that may be a token.
  if (cause.name === "SyntaxError") return "the command that its user names prints no JSON";
  return cause.message.split("\n", 1)[0] || "no reason given";
}

/** Names those that are there, as far as we may see them. */
async function notThere(
  { namespace, name }: ObjectName,
  context: string,
  { body }: ApiAnswer,
  ask: (path: string) => Promise<ApiAnswer>,
): Promise<TidemarkError> {
  const { details } = (body ?? {}) as { details?: unknown };
  // A server that does not know the kind says nothing of an object.
  if (details === undefined) {
    return new TidemarkError("BAD_INPUT", `the API server of context ${context} knows no Clusters; install the chart`);
  }
  const listed = await ask(collectionPath("Cluster", namespace));
  const { items = [] } = (listed.body ?? {}) as { items?: readonly ClusterResource[] };
  const names = items.map(({ metadata }) => metadata.name).sort((a, b) => (a < b ? -1 : 1));
  const others = names.length === 0 ? `there is none in namespace ${namespace}` : `there are: ${names.join(", ")}`;
  const known = listed.status === 200 ? `; ${others}` : "";
  return new TidemarkError("BAD_INPUT", `there is no Cluster ${namespace}/${name}${known}`);
}

function refusalOf({ status, message }: ApiAnswer, config: KubeConfig, context: string): TidemarkError {
  const server = `the API server of context ${context} (${withoutUser(config.getCurrentCluster()?.server)})`;
  if (status === 0) return new TidemarkError("PEER_UNREACHABLE", `${server} cannot be asked: ${message}`);
  if (status === 401) return new TidemarkError("REFUSED", `${server} does not know the kubeconfig's user`);
  // Of what is forbidden it says itself who may not do what.
  return new TidemarkError("REFUSED", `${server} refuses: ${message}`);
}

/** The URL of a server as it may be shown: a name and a password in it are for the server alone. */
const withoutUser = (url: string | undefined): string => (url ?? "").replace(/\/\/[^/]*@/, "//");

/** Bootstrap addresses of the first listener for outside that somebody answers at; null without one. */
async function reachedFromHere(cluster: ClusterResource): Promise<string[] | null> {
  const { listeners = [] } = (cluster.status ?? {}) as { listeners?: { name: string; bootstrap: string }[] };
  for (const { name } of listenersOf(cluster).filter(isExternal)) {
    const brokers = (listeners.find((one) => one.name === name)?.bootstrap ?? "")
      .split(",")
      .filter((one) => one !== "");
    if (brokers.length > 0 && (await isAnyReachable(brokers.map(addressOf), REACHED_MS_MAX))) return brokers;
  }
  return null;
}
