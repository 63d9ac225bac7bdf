import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/logging.ts";
import type { Metrics } from "#base/metrics.ts";
import type { Random } from "#base/random.ts";
import type { ClusterControls } from "../ports/cluster-control.ts";
import type { Kubernetes } from "../ports/kubernetes.ts";

export interface ReconcilerPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly kubernetes: Kubernetes;
  readonly controls: ClusterControls;
}
