import type { KubernetesObject } from "../ports/kubernetes.ts";
import { ordinalOf } from "../specs/naming.ts";

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
  /** Id of the container that was last seen to end: proof that this process is dead. */
  readonly ended: string | null;
  readonly node: string;
  /** Hash of the settings that it was started with. */
  readonly configHash: string | undefined;
  readonly hasBrokerLabel: boolean;
}

interface ContainerStatus {
  readonly name: string;
  readonly image?: string;
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

interface PodStatus {
  readonly phase?: string;
  readonly reason?: string;
  readonly conditions?: readonly { type: string; status: string; reason?: string; message?: string }[];
  readonly containerStatuses?: readonly ContainerStatus[];
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
  const container = status.containerStatuses?.find(({ name }) => name === "broker");
  const isReady = status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false;
  const unscheduled = status.conditions?.find(({ type, status: is }) => type === "PodScheduled" && is === "False");
  return {
    broker,
    name: pod.metadata.name,
    uid: pod.metadata.uid ?? "",
    revision: pod.metadata.labels?.["controller-revision-hash"] ?? "",
    isReady,
    isTerminating: pod.metadata.deletionTimestamp !== undefined,
    isRunning: container?.state?.running !== undefined,
    ...waitOf(container, unscheduled),
    ended: container?.state?.terminated?.containerID ?? container?.lastState?.terminated?.containerID ?? null,
    node: ((pod["spec"] ?? {}) as { nodeName?: string }).nodeName ?? "",
    configHash: pod.metadata.annotations?.["tidemark.dev/config-hash"],
    hasBrokerLabel: pod.metadata.labels?.["tidemark.dev/broker-id"] !== undefined,
  };
}

/** Kubernetes tries again for ever, but nothing will come of it until somebody changes something. */
const HOPELESS = new Set([
  "ImagePullBackOff",
  "ErrImageNeverPull",
  "InvalidImageName",
  "CreateContainerConfigError",
  "CreateContainerError",
  "RunContainerError",
  "CrashLoopBackOff",
  "Unschedulable",
]);

export const isHopeless = (pod: BrokerPod): boolean =>
  !pod.isReady && !pod.isRunning && pod.waitsFor !== null && HOPELESS.has(pod.waitsFor);
