import { type Clock, every } from "#base/clock.ts";
import type { Logger } from "#base/logging.ts";
import type { ApiClient } from "./adapters/kubernetes/api-client.ts";
import type { OperatorOptions } from "./operator-options.ts";
import type { OperatorPages } from "./operator-pages.ts";
import type { ClusterControls, ClusterName } from "./ports/cluster-control.ts";
import type { Election } from "./ports/election.ts";
import { configText } from "./resources/common.ts";

/** All that reconcilers are composed from. */
export interface Composition {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly client: ApiClient;
  readonly controls: ClusterControls;
  /** What the metadata store does not fence is written only while this is certain. */
  readonly election: Election;
  readonly options: OperatorOptions;
  /** Its registry takes metrics. */
  readonly pages: OperatorPages;
}

export interface Reconcilers {
  /** Nothing more is begun. Controllers are ended by whoever holds them. */
  stop(): void;
}

const LOOK_MS = 2000;
const TIMEOUT_MS = 5000;

interface ListedCluster {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec?: { readonly config?: Readonly<Record<string, string>> };
}

/** Has a controller for every Cluster whose internal token is there. */
export function startReconcilers({ clock, logger, client, controls, options }: Composition): Reconcilers {
  const { watchNamespaces } = options;
  const paths = watchNamespaces.length === 0 ? [""] : watchNamespaces.map((name) => `/namespaces/${name}`);
  const known = new Map<string, ClusterName>();
  let isStopped = false;

  const ensure = async ({ metadata, spec }: ListedCluster): Promise<void> => {
    const { namespace, name } = metadata;
    const path = `/api/v1/namespaces/${namespace}/secrets/${name}-internal-token`;
    const secret = await client.request({ method: "GET", path, timeoutMs: TIMEOUT_MS });
    const data = (secret.body as { data?: Record<string, string> } | null)?.data ?? {};
    const tokens = [data["current"], data["previous"]].flatMap((text) =>
      text === undefined || text === "" ? [] : [Buffer.from(text, "base64").toString().trim()],
    );
    if (isStopped || tokens.length === 0) return;
    known.set(`${namespace}/${name}`, { namespace, name });
    controls.ensure(
      { namespace, name },
      { clusterId: "", config: configText(spec?.config), tokens, metadataOwner: null },
    );
  };

  const look = async (): Promise<void> => {
    const found = new Set<string>();
    for (const path of paths) {
      const answer = await client.request({
        method: "GET",
        path: `/apis/tidemark.dev/v1alpha1${path}/clusters`,
        timeoutMs: TIMEOUT_MS,
      });
      if (answer.status !== 200) return logger.warn("Clusters cannot be listed", { reason: answer.message });
      for (const cluster of (answer.body as { items: readonly ListedCluster[] }).items) {
        found.add(`${cluster.metadata.namespace}/${cluster.metadata.name}`);
        await ensure(cluster);
      }
    }
    for (const [key, cluster] of known) {
      if (found.has(key) || isStopped) continue;
      known.delete(key);
      await controls.release(cluster);
    }
  };

  const run = (): void =>
    void look().catch((error: unknown) => logger.error("a look at Clusters failed", { error: String(error) }));
  run();
  const timer = every(clock, LOOK_MS, run);
  return {
    stop() {
      isStopped = true;
      timer.cancel();
    },
  };
}
