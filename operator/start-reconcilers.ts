import { nodeRandom } from "#adapters/node-random.ts";
import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/logging.ts";
import type { ApiClient } from "./adapters/kubernetes/api-client.ts";
import { KubernetesObjects } from "./adapters/kubernetes/objects.ts";
import type { ClusterControls } from "./ports/cluster-control.ts";
import type { ReconcileMeter } from "./reconcilers/ports.ts";
import { type Reconcilers, startReconcilers as start } from "./reconcilers/start.ts";
import { VERSION } from "./adapters/process/version.ts";

export { CONTROLLERS, type Reconcilers } from "./reconcilers/start.ts";

/** All that reconcilers are composed from. */
export interface Composition {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly client: ApiClient;
  readonly controls: ClusterControls;
  /** What the metadata store does not fence is written only while this is certain. */
  readonly election: { readonly isCertain: boolean };
  readonly options: {
    readonly podNamespace: string;
    readonly watchNamespaces: readonly string[];
    readonly brokerImage: string;
  };
  /** Told of every look at an object. */
  readonly meter: ReconcileMeter;
}

/** Keeps Kubernetes as its Clusters and Topics ask for, until stopped. Only for the holder of the Lease. */
export function startReconcilers(composition: Composition): Reconcilers {
  const { clock, logger, client, controls, election, options, meter } = composition;
  const random = nodeRandom;
  const kubernetes = new KubernetesObjects({
    clock,
    random,
    logger,
    client,
    mayWrite: () => election.isCertain,
  });
  return start(
    { clock, random, logger, meter, kubernetes, controls },
    {
      namespaces: options.watchNamespaces,
      settings: { brokerImage: options.brokerImage, namespace: options.podNamespace, version: VERSION },
    },
  );
}
