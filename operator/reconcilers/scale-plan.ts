import type { BrokerId } from "#base/ids.ts";
import type { ControllerStatus } from "../ports/cluster-control.ts";
import { type Finding, found } from "./conditions.ts";
import { targetFactor } from "./partitions.ts";
import { bytesLeft, heldBy, type MoveRequest } from "./reassignment-requests.ts";

export interface ScaleInput {
  /** Brokers that there are to be. */
  readonly wanted: number;
  /** Replicas of the StatefulSet; null when there is none yet. */
  readonly present: number | null;
  /** Brokers that have a pod. */
  readonly pods: ReadonlySet<number>;
  /** Null while the controller does not decide: nothing is known then, and nothing removed. */
  readonly status: ControllerStatus | null;
  /** New brokers were being given their share when this was last looked at. */
  readonly wasLevelling: boolean;
  /** Partitions that levelling had left to do, as the controller said last; null when it has not been asked. */
  readonly levellingLeft: number | null;
}

export interface ScalePlan {
  /** Replicas that the StatefulSet is to have now. */
  readonly replicas: number;
  readonly requests: readonly MoveRequest[];
  /** Brokers that left empty: their claims may go. */
  readonly emptied: readonly number[];
  /** Null when nothing is being scaled. */
  readonly finding: Finding | null;
  readonly isLevelling: boolean;
}

/**
 * Up: the pods first, then their share of the partitions. Down: drain first; a pod goes only when nothing is assigned
 * to its broker and it has confirmed the removal of its data. A StatefulSet can give up its highest ordinals only.
 */
export function planScale(input: ScaleInput): ScalePlan {
  const { wanted, present, status } = input;
  const rest = { requests: [], emptied: [], finding: null, isLevelling: false };
  if (present === null) return { ...rest, replicas: wanted };
  if (status === null) return { ...rest, replicas: Math.max(present, wanted) };
  const back = status.brokers.filter((broker) => broker.id < wanted && broker.isDraining);
  const requests: MoveRequest[] = back.map(({ id }) => ({ kind: "drainBroker", broker: id, isDraining: false }));
  const leaving = status.brokers.filter(({ id }) => id >= wanted).map(({ id }) => id);
  if (present > wanted || leaving.length > 0) return planDown(input, { status, leaving, requests });
  return planLevelling(input, { status, requests });
}

function planDown(
  { wanted, present, pods }: ScaleInput,
  { status, leaving, requests }: { status: ControllerStatus; leaving: readonly BrokerId[]; requests: MoveRequest[] },
): ScalePlan {
  // A broker that holds data must run to be emptied, even if it has no pod now: a Cluster made anew may ask for fewer.
  const holders = leaving.filter((broker) => heldBy(status, broker) > 0);
  const from = Math.max(present ?? 0, wanted, ...holders.map((broker) => broker + 1));
  const highest = Math.max(0, ...status.partitions.map(targetFactor));
  if (highest > wanted) {
    const message =
      `${wanted} brokers cannot hold topics of replication factor ${highest}. Lower it on those topics first, ` +
      `or set spec.replicas to ${highest} or more.`;
    return {
      replicas: from,
      requests,
      emptied: [],
      isLevelling: false,
      finding: found("False", "ScaleDownRefused", message),
    };
  }
  const held = leaving.map((broker) => ({ broker, partitions: heldBy(status, broker) }));
  const busy = held.filter(({ partitions }) => partitions > 0);
  for (const id of leaving) {
    const broker = status.brokers.find((one) => one.id === id);
    if (broker !== undefined && !broker.isDraining)
      requests.push({ kind: "drainBroker", broker: id, isDraining: true });
  }
  // Only whole steps from the top: what a StatefulSet gives up is always its highest ordinal.
  let replicas = from;
  const isMarked = (id: number): boolean => status.brokers.every((broker) => broker.id !== id || broker.isDraining);
  while (replicas > wanted && heldBy(status, replicas - 1) === 0 && isMarked(replicas - 1)) replicas--;
  const gone = leaving.filter(
    (id) =>
      id >= replicas &&
      heldBy(status, id) === 0 &&
      isMarked(id) &&
      !pods.has(id) &&
      (status.brokers.find((broker) => broker.id === id)?.isFenced ?? false),
  );
  for (const broker of gone) requests.push({ kind: "removeBroker", broker });
  const partitions = busy.reduce((sum, one) => sum + one.partitions, 0);
  const bytes = bytesLeft(status);
  const message =
    busy.length === 0
      ? `Broker ${leaving.join(", ")} is empty and leaves.`
      : `Draining broker ${busy.map(({ broker }) => broker).join(", ")}: ${partitions} partitions are left` +
        `${bytes === null ? "" : `, ${bytes} bytes to copy`}.`;
  return { replicas, requests, emptied: gone, isLevelling: false, finding: found("True", "ScalingDown", message) };
}

function planLevelling(
  { wanted, present, wasLevelling, levellingLeft }: ScaleInput,
  { status, requests }: { status: ControllerStatus; requests: MoveRequest[] },
): ScalePlan {
  const base = { replicas: wanted, requests, emptied: [] };
  const registered = status.brokers.filter(({ id, isFenced }) => id < wanted && !isFenced);
  if (registered.length < wanted) {
    const isGrowing = (present ?? 0) < wanted || status.brokers.length < wanted;
    const message = `${registered.length} of ${wanted} brokers have registered.`;
    return { ...base, isLevelling: wasLevelling, finding: isGrowing ? found("True", "ScalingUp", message) : null };
  }
  const replicas = status.partitions.reduce((sum, row) => sum + row.replicas.length, 0);
  const isEmpty = (id: number): boolean => heldBy(status, id) === 0;
  const newcomers = replicas < 2 * wanted ? [] : registered.filter(({ id }) => isEmpty(id));
  const isLevelling = newcomers.length > 0 || (wasLevelling && levellingLeft !== 0);
  if (!isLevelling) return { ...base, isLevelling: false, finding: null };
  requests.push({ kind: "rebalance" });
  const bytes = bytesLeft(status);
  const left = levellingLeft === null ? "" : `; ${levellingLeft} partitions are left`;
  const message = `New brokers receive their share${left}${bytes === null ? "" : `, ${bytes} bytes to copy`}.`;
  return { ...base, isLevelling, finding: found("True", "ScalingUp", message) };
}
