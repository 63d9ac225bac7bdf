import type { KubernetesObject } from "../ports/kubernetes.ts";
import { ordinalOf } from "../specs/naming.ts";
import { momentOf } from "./timestamp.ts";

/** What a reconciler reads of a broker's pod. */
export interface BrokerPod {
  readonly broker: number;
  readonly name: string;
  readonly uid: string;
  readonly revision: string;
  readonly isReady: boolean;
  readonly isTerminating: boolean;
  /** Its container runs. It may recover for hours: that is no failure. */
  readonly isRunning: boolean;
  /** Kubernetes' word for why it does not run, such as ImagePullBackOff or Unschedulable. */
  readonly waitsFor: string | null;
  readonly waitsMessage: string;
  /** Since when it has not been ready, or has not been scheduled; by Kubernetes' clock, milliseconds since 1970. */
  readonly waitsSinceMs: number;
  /** How often its container was started anew. */
  readonly restarts: number;
  /** Id of the container that was last seen to end: proof that this process is dead. */
  readonly ended: string | null;
  readonly node: string;
  /** Addresses of its node and of itself; "" until it has them. */
  readonly hostIp: string;
  readonly podIp: string;
  readonly image: string | null;
  /** Hash of the settings that it was started with. */
  readonly configHash: string | undefined;
  readonly hasBrokerLabel: boolean;
}

interface ContainerStatus {
  readonly name: string;
  readonly image?: string;
  readonly restartCount?: number;
  readonly state?: ContainerState;
  readonly lastState?: ContainerState;
}

interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly running?: object;
  readonly terminated?: { readonly containerID?: string; readonly exitCode?: number; readonly reason?: string };
}

/** Words that alternate while an image cannot be had. */
const PULLING = new Set(["ErrImagePull", "ImagePullBackOff"]);

interface PodCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

interface PodStatus {
  readonly hostIP?: string;
  readonly podIP?: string;
  readonly conditions?: readonly PodCondition[];
  readonly containerStatuses?: readonly ContainerStatus[];
}

interface PodSpec {
  readonly nodeName?: string;
  readonly containers?: readonly { readonly name: string; readonly image?: string }[];
}

/** Its image is pulled only when its volumes are there and its network is up: what came before is no failure of it. */
function waitsSince({ metadata }: KubernetesObject, conditions: readonly PodCondition[]): number {
  const since = (type: string, status: string): number =>
    momentOf(conditions.find((one) => one.type === type && one.status === status)?.lastTransitionTime) ?? 0;
  const turned = [
    since("PodScheduled", "False"),
    since("PodReadyToStartContainers", "True"),
    since("Ready", "False"),
    momentOf(metadata.creationTimestamp) ?? 0,
  ];
  return Math.max(...turned);
}

/** In words that stay the same while nothing changes: statuses are written for every other word. */
function waitOf(
  container: ContainerStatus | undefined,
  unscheduled: { reason?: string; message?: string } | undefined,
): { waitsFor: string | null; waitsMessage: string } {
  const waiting = container?.state?.waiting;
  const reason = waiting?.reason;
  if (reason === undefined) {
    return { waitsFor: unscheduled?.reason ?? null, waitsMessage: unscheduled?.message ?? "" };
  }
  if (PULLING.has(reason)) return { waitsFor: "ImagePullBackOff", waitsMessage: `image ${container?.image ?? ""}` };
  if (reason === "CrashLoopBackOff") {
    const { exitCode, reason: why } = container?.lastState?.terminated ?? {};
    return {
      waitsFor: reason,
      waitsMessage: `exit code ${exitCode ?? "unknown"}${why === undefined ? "" : `, ${why}`}`,
    };
  }
  return { waitsFor: reason, waitsMessage: waiting?.message ?? "" };
}

export function brokerPodOf(pod: KubernetesObject): BrokerPod | null {
  const broker = ordinalOf(pod.metadata.name);
  if (broker === null) return null;
  const status = (pod["status"] ?? {}) as PodStatus;
  const spec = (pod["spec"] ?? {}) as PodSpec;
  const { conditions = [] } = status;
  const container = status.containerStatuses?.find(({ name }) => name === "broker");
  const isReady = conditions.some(({ type, status: is }) => type === "Ready" && is === "True");
  const unscheduled = conditions.find(({ type, status: is }) => type === "PodScheduled" && is === "False");
  return {
    broker,
    name: pod.metadata.name,
    uid: pod.metadata.uid ?? "",
    revision: pod.metadata.labels?.["controller-revision-hash"] ?? "",
    isReady,
    isTerminating: pod.metadata.deletionTimestamp !== undefined,
    isRunning: container?.state?.running !== undefined,
    ...waitOf(container, unscheduled),
    waitsSinceMs: waitsSince(pod, conditions),
    restarts: container?.restartCount ?? 0,
    ended: container?.state?.terminated?.containerID ?? container?.lastState?.terminated?.containerID ?? null,
    node: spec.nodeName ?? "",
    hostIp: status.hostIP ?? "",
    podIp: status.podIP ?? "",
    image: spec.containers?.find(({ name }) => name === "broker")?.image ?? null,
    configHash: pod.metadata.annotations?.["tidemark.dev/config-hash"],
    hasBrokerLabel: pod.metadata.labels?.["tidemark.dev/broker-id"] !== undefined,
  };
}

/**
 * How long each trouble is waited for: Kubernetes tries again for ever, and a registry, a node or a volume may be away
 * for a moment. Those at once are mistakes of the template; an autoscaler needs minutes to bring a node.
 */
const PATIENCE_MS: ReadonlyMap<string, number> = new Map([
  ["InvalidImageName", 0],
  ["ErrImageNeverPull", 0],
  ["CreateContainerConfigError", 0],
  ["ImagePullBackOff", 60_000],
  ["CreateContainerError", 60_000],
  ["RunContainerError", 60_000],
  ["Unschedulable", 300_000],
]);
/** A crash may follow hours of recovery, so that crashes are counted; with Kubernetes' pauses these take a minute. */
const CRASHES_MAX = 3;

/** Nothing will come of it until somebody changes something. */
export function isHopeless(pod: BrokerPod, nowMs: number): boolean {
  if (pod.isReady || pod.isRunning || pod.waitsFor === null) return false;
  if (pod.waitsFor === "CrashLoopBackOff") return pod.restarts >= CRASHES_MAX;
  return nowMs - pod.waitsSinceMs >= (PATIENCE_MS.get(pod.waitsFor) ?? Number.POSITIVE_INFINITY);
}
