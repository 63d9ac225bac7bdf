import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/logging.ts";
import type { Random } from "#base/random.ts";
import type { ClusterControls } from "../ports/cluster-control.ts";
import type { Kubernetes } from "../ports/kubernetes.ts";

/** Told of every look at a key, under the name of its queue. */
export interface ReconcileMeter {
  reconciled(
    controller: string,
    outcome: { readonly result: "success" | "error" | "requeue_after"; readonly tookMs: number },
  ): void;
}

export interface ReconcilerPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly meter: ReconcileMeter;
  readonly kubernetes: Kubernetes;
  readonly controls: ClusterControls;
}
