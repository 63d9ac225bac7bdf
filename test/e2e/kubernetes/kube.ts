import {
  AppsV1Api,
  CoordinationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  type V1Namespace,
  type V1Pod,
} from "@kubernetes/client-node";
import { run, until } from "./cluster/shell.ts";

export const GROUP = "tidemark.dev";
export const VERSION = "v1alpha1";
export const OPERATOR_NAME = "tidemark-operator";

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly observedGeneration?: number;
}

/** A custom resource as the API server returns it. */
export interface Resource {
  readonly metadata: { readonly name: string; readonly generation?: number; readonly uid?: string };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: { readonly conditions?: readonly Condition[] } & Readonly<Record<string, unknown>>;
}

const plurals = { Cluster: "clusters", Topic: "topics", MetadataShard: "metadatashards" } as const;
export type Kind = keyof typeof plurals;

export interface Place {
  readonly namespace: string;
  readonly name: string;
}

export interface AwaitedCondition {
  readonly type: string;
  /** True when left out. */
  readonly status?: string;
  /** Any when left out. */
  readonly reason?: string;
  readonly limitMs?: number;
}

const isCode = (error: unknown, code: number): boolean =>
  Error.isError(error) && "code" in error && error.code === code;

/** The value, or null where there is none. */
export async function orNull<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (isCode(error, 404)) return null;
    throw error;
  }
}

/** The cluster as its user and its administrator see it: they write with kubectl, and look through the API. */
export class Kube {
  readonly config = new KubeConfig();
  readonly core: CoreV1Api;
  readonly apps: AppsV1Api;
  readonly #leases: CoordinationV1Api;
  readonly #custom: CustomObjectsApi;
  readonly #kubectl: string;
  readonly kubeconfigFile: string;

  constructor({ kubeconfigFile, kubectl }: { kubeconfigFile: string; kubectl: string }) {
    this.config.loadFromFile(kubeconfigFile);
    this.kubeconfigFile = kubeconfigFile;
    this.#kubectl = kubectl;
    this.core = this.config.makeApiClient(CoreV1Api);
    this.apps = this.config.makeApiClient(AppsV1Api);
    this.#leases = this.config.makeApiClient(CoordinationV1Api);
    this.#custom = this.config.makeApiClient(CustomObjectsApi);
  }

  kubectl(args: readonly string[], input?: string): Promise<string> {
    const options = input === undefined ? {} : { input };
    return run(this.#kubectl, ["--kubeconfig", this.kubeconfigFile, ...args], options);
  }

  async apply(...objects: readonly object[]): Promise<void> {
    const list = { apiVersion: "v1", kind: "List", items: objects };
    await this.kubectl(["apply", "--filename=-"], JSON.stringify(list));
  }

  /** A namespace that admits only pods of the `restricted` profile. */
  async makeNamespace(name: string): Promise<void> {
    const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
    await this.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name, labels } });
  }

  namespace(name: string): Promise<V1Namespace | null> {
    return orNull(this.core.readNamespace({ name }));
  }

  async read(kind: Kind, { namespace, name }: Place): Promise<Resource | null> {
    const where = { group: GROUP, version: VERSION, namespace, plural: plurals[kind], name };
    return (await orNull(this.#custom.getNamespacedCustomObject(where))) as Resource | null;
  }

  /** Waits until a condition of this generation has a status; the error says what the condition was instead. */
  async condition(
    kind: Kind,
    place: Place,
    { type, status = "True", reason, limitMs = 120_000 }: AwaitedCondition,
  ): Promise<Resource> {
    let found: Resource | null = null;
    await until(
      `${kind} ${place.name} is ${type}=${status}${reason === undefined ? "" : ` for ${reason}`}`,
      async () => {
        found = await this.read(kind, place);
        const condition = found?.status?.conditions?.find((each) => each.type === type);
        const isCurrent = condition?.observedGeneration === found?.metadata.generation;
        const isReason = reason === undefined || condition?.reason === reason;
        if (condition?.status === status && isReason && isCurrent) return true;
        if (found === null) throw new Error("it is not there");
        if (condition === undefined) throw new Error("the condition is not set");
        const generation = isCurrent ? "" : ", of an older generation";
        throw new Error(`it is ${condition.status}, ${condition.reason}: ${condition.message}${generation}`);
      },
      { limitMs, stepMs: 200 },
    );
    if (found === null) throw new Error(`${kind} ${place.name} is gone`);
    return found;
  }

  async pods(namespace: string, labelSelector: string): Promise<V1Pod[]> {
    return (await this.core.listNamespacedPod({ namespace, labelSelector })).items;
  }

  brokerPods(cluster: Place): Promise<V1Pod[]> {
    return this.pods(cluster.namespace, `${GROUP}/cluster=${cluster.name},app.kubernetes.io/component=broker`);
  }

  /** The pod of a broker, by its id. */
  async brokerPod(cluster: Place, id: number): Promise<V1Pod> {
    const pods = await this.brokerPods(cluster);
    const found = pods.find((pod) => pod.metadata?.labels?.[`${GROUP}/broker-id`] === String(id));
    const byOrdinal = pods.find((pod) => pod.metadata?.name === `${cluster.name}-broker-${id}`);
    const pod = found ?? byOrdinal;
    if (pod === undefined) throw new Error(`broker ${id} of ${cluster.name} has no pod`);
    return pod;
  }

  /** Who holds the operator's Lease, as it stands in there; "" when nobody does. */
  async leaseHolder(namespace: string): Promise<string> {
    const lease = await orNull(this.#leases.readNamespacedLease({ namespace, name: OPERATOR_NAME }));
    return lease?.spec?.holderIdentity ?? "";
  }

  operatorPods(namespace: string): Promise<V1Pod[]> {
    return this.pods(namespace, `app.kubernetes.io/component=operator`);
  }

  /** The operator's pod that decides. Its Lease names it by the pod's uid. */
  async activeOperator(namespace: string): Promise<V1Pod> {
    const holder = await this.leaseHolder(namespace);
    const pods = await this.operatorPods(namespace);
    const active = pods.find(({ metadata }) => holder !== "" && holder.includes(metadata?.uid ?? "none"));
    if (active === undefined) throw new Error(`no pod of the operator holds its Lease ("${holder}")`);
    return active;
  }
}

export const nodeOf = (pod: V1Pod): string => pod.spec?.nodeName ?? "";
export const isPodReady = (pod: V1Pod): boolean =>
  pod.metadata?.deletionTimestamp === undefined &&
  pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;
