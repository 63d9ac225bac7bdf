import type { AdminRequest, BrokerRack } from "#contract/control.ts";
import type { ControllerStatus } from "../ports/cluster-control.ts";
import type { ClusterResource } from "../specs/custom-resources.ts";
import { conditionOf, type Finding, found } from "./conditions.ts";
import type { Racks } from "./node-racks.ts";

export interface RackPlan {
  /** What the controller is yet to be told; null when it knows all. */
  readonly request: Extract<AdminRequest, { kind: "setRacks" }> | null;
  /** Whether replicas can be placed by rack. */
  readonly finding: Finding;
}

/** Reasons why some brokers' racks are unknown until a person acts. */
const NEEDS_A_PERSON: ReadonlySet<string> = new Set(["NodesNotReadable", "NodesWithoutRack"]);

/** Tells the controller which rack each broker is on; without spec.rack, that none is. */
export function planRacks({ spec }: ClusterResource, racks: Racks, status: ControllerStatus | null): RackPlan {
  const key = spec.rack?.topologyKey;
  const brokers = status?.brokers ?? [];
  const changes = brokers.flatMap(({ id, rack }): BrokerRack[] => {
    const wanted = key === undefined ? null : racks.byBroker.get(id);
    return wanted === undefined || wanted === rack ? [] : [{ broker: id, rack: wanted }];
  });
  const request = changes.length === 0 ? null : ({ kind: "setRacks", racks: changes } as const);
  if (key === undefined) return { request, finding: found("True", "NoRacks", "The Cluster has no spec.rack.") };
  const isPending = request !== null || brokers.some(({ id, isFenced }) => !isFenced && !racks.byBroker.has(id));
  return { request, finding: findingOf(key, racks, isPending) };
}

function findingOf(key: string, { byBroker, failure }: Racks, isPending: boolean): Finding {
  if (failure?.status === 403) {
    const next = "Set rbac.nodes: true in the chart's values.";
    const message = `spec.rack needs to know the nodes: ${failure.message}. ${next}`;
    return found("False", "NodesNotReadable", message);
  }
  const unlabelled = [...byBroker].flatMap(([broker, rack]) => (rack === null ? [broker] : []));
  if (unlabelled.length > 0) {
    const names = unlabelled.join(", ");
    const message = `The nodes of brokers ${names} have no label ${key}. Label them, or correct spec.rack.`;
    return found("False", "NodesWithoutRack", message);
  }
  if (isPending || byBroker.size === 0) {
    const why = failure === null ? "" : ` (${failure.message})`;
    return found("Unknown", "RacksPending", `The racks of brokers are being looked up${why}.`);
  }
  return found("True", "Known", "New replicas are spread over racks.");
}

/**
 * Whether a new topic should wait: replicas placed before racks are known would stay where they are. Not where only a
 * person can tell the racks: the cluster serves meanwhile.
 */
export function awaitsRacks(cluster: ClusterResource, { brokers }: ControllerStatus): boolean {
  const isUnknown = brokers.some(({ isFenced, rack }) => !isFenced && rack === null);
  if (cluster.spec.rack === undefined || !isUnknown) return false;
  return !NEEDS_A_PERSON.has(conditionOf(cluster, "RacksKnown")?.reason ?? "");
}
