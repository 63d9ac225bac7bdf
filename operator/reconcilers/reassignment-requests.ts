import type { AdminRequest, AdminResponse, Outcome } from "#contract/control.ts";
import type { PartitionRow } from "#contract/rows.ts";
import type { BrokerStatus, ClusterControl, ControllerStatus } from "../ports/cluster-control.ts";

/** What the controller is asked to move. */
export type MoveRequest =
  /** Asked again until nothing remains. */
  | { readonly kind: "setReplicationFactor"; readonly topic: string; readonly replicationFactor: number }
  | { readonly kind: "drainBroker"; readonly broker: number; readonly isDraining: boolean }
  | { readonly kind: "rebalance" }
  | { readonly kind: "removeBroker"; readonly broker: number };

interface MovingStatus {
  readonly reassignments?: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly missingBytes: number | null;
  }[];
}

/** Brokers that hold data of a partition though they are no replicas any more. */
const removedFrom = (row: PartitionRow): readonly number[] => (row as { removed?: readonly number[] }).removed ?? [];

/** Partitions that still count a broker in, or whose data it has yet to delete. */
export const heldBy = (status: ControllerStatus, broker: number): number =>
  status.partitions.filter(
    (row) => row.replicas.some((replica) => replica === broker) || removedFrom(row).includes(broker),
  ).length;

export const isDraining = (broker: BrokerStatus): boolean =>
  (broker as BrokerStatus & { isDraining?: boolean }).isDraining === true;

/** Bytes that copies under way still lack, of all topics or of one; null when no leader has told yet. */
export function bytesLeft(status: ControllerStatus, topic?: string): number | null {
  const moving = ((status as MovingStatus).reassignments ?? []).filter(
    (one) => topic === undefined || one.topic === topic,
  );
  if (moving.length === 0) return null;
  return moving.reduce((sum, { missingBytes }) => sum + (missingBytes ?? 0), 0);
}

export interface MoveAnswer {
  /** One line of why not; null when it was done. */
  readonly problem: string | null;
  /** Partitions that have yet to move. */
  readonly remaining: number | null;
}

export async function askToMove(control: ClusterControl, request: MoveRequest): Promise<MoveAnswer> {
  const response: AdminResponse = await control.admin(request as unknown as AdminRequest);
  const { errorCode = 0, errorMessage, remaining = null } = response as Partial<Outcome> & { remaining?: number };
  return { problem: errorCode === 0 ? null : (errorMessage ?? `error ${errorCode}`), remaining };
}
