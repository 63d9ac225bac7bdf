import type { ControllerStatus } from "../ports/cluster-control.ts";
import type { KubernetesObject } from "../ports/kubernetes.ts";
import type { ClusterResource } from "../specs/custom-resources.ts";
import { PAUSE_ANNOTATION } from "../specs/naming.ts";
import type { Racks } from "./node-racks.ts";
import type { BrokerPod } from "./pods.ts";
import type { Claim } from "./storage-plan.ts";

/** Where and with what the operator runs. */
export interface OperatorSettings {
  readonly brokerImage: string;
  readonly namespace: string;
  /** Its own. */
  readonly version: string;
}

/** What earlier steps had for an answer; kept by the shell, for as long as it lives. */
export interface ClusterMemory {
  /** What the API server or the controller refused, by what was asked; gone once it is taken. */
  readonly refusals: ReadonlyMap<string, string>;
  readonly levellingLeft: number | null;
}

/** One look at a Cluster and at all that belongs to it. */
export interface ClusterObserved {
  readonly settings: OperatorSettings;
  readonly cluster: ClusterResource;
  readonly statefulSet: KubernetesObject | null;
  readonly configMap: KubernetesObject | null;
  readonly secret: KubernetesObject | null;
  readonly services: readonly KubernetesObject[];
  /** Budgets, policies, monitors and the like: what is looked up by kind and name. */
  readonly others: readonly KubernetesObject[];
  readonly pods: readonly BrokerPod[];
  readonly claims: readonly Claim[];
  readonly racks: Racks;
  /** Null before there is a controller. */
  readonly status: ControllerStatus | null;
  readonly memory: ClusterMemory;
  /** The Cluster, as namespace/name, that takes the operator's image before this one; null when none does. */
  readonly waitsFor: string | null;
  /** Wall clock. */
  readonly nowMs: number;
}

/** The controller's word, while it may be relied upon. */
export const decidingStatus = ({ status }: ClusterObserved): ControllerStatus | null =>
  status?.condition === "active" ? status : null;

export const isPaused = (cluster: ClusterResource): boolean =>
  cluster.metadata.annotations?.[PAUSE_ANNOTATION] === "true";
