import {
  type ApiException,
  type ConfigurationOptions,
  CoreV1Api,
  KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  StorageV1Api,
} from "@kubernetes/client-node";

const WATCH_AGAIN_MS = 500;

export const mergePatch = setHeaderOptions("Content-Type", PatchStrategy.MergePatch) as ConfigurationOptions;

export const codeOf = (error: unknown): number | null =>
  Error.isError(error) && "code" in error && typeof error.code === "number"
    ? (error as ApiException<unknown>).code
    : null;

export interface Watched<T> {
  list(): readonly T[];
}

/** The API server as the machine's helpers use it. */
export class ClusterApi {
  readonly config = new KubeConfig();
  readonly core: CoreV1Api;
  readonly storage: StorageV1Api;

  constructor(kubeconfigFile: string) {
    this.config.loadFromFile(kubeconfigFile);
    this.core = this.config.makeApiClient(CoreV1Api);
    this.storage = this.config.makeApiClient(StorageV1Api);
  }

  /** Objects of one kind, kept up to date for ever; `onChange` comes after each change. */
  watched<T extends KubernetesObject>(
    path: string,
    list: () => Promise<KubernetesListObject<T>>,
    onChange: () => void,
  ): Watched<T> {
    const informer = makeInformer(this.config, path, list);
    const start = (): void => {
      informer.start().catch(again);
    };
    const again = (): void => void setTimeout(start, WATCH_AGAIN_MS);
    for (const verb of ["add", "update", "delete"] as const) informer.on(verb, onChange);
    informer.on("error", again);
    start();
    return { list: () => informer.list() };
  }

  /** Says on an object what became of what it asked for. */
  async report(about: KubernetesObject, reason: string, message: string): Promise<void> {
    const { name = "", namespace = "default", uid = "" } = about.metadata ?? {};
    const now = new Date();
    const { apiVersion = "v1", kind = "" } = about;
    await this.core.createNamespacedEvent({
      namespace,
      body: {
        metadata: { generateName: `${name}.`, namespace },
        involvedObject: { apiVersion, kind, name, namespace, uid },
        type: "Warning",
        reason,
        message,
        source: { component: "tidemark-infrastructure" },
        firstTimestamp: now,
        lastTimestamp: now,
        count: 1,
      },
    });
  }
}
