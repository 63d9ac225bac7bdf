import type { AdminRequest } from "#contract/control.ts";
import type { ClusterControl, ControllerStatus } from "../ports/cluster-control.ts";
import { problemOf } from "./admin-outcome.ts";

/** What the controller is asked to move. */
export type MoveRequest = Extract<
  AdminRequest,
  { kind: "setReplicationFactor" | "drainBroker" | "rebalance" | "removeBroker" }
>;

/** Partitions that still count a broker in, or whose data it has yet to delete. */
export const heldBy = ({ partitions }: ControllerStatus, broker: number): number =>
  partitions.filter(({ replicas, removed }) => [...replicas, ...removed].some((one) => one === broker)).length;

/** Bytes that copies under way still lack, of all topics or of one; null when no leader has told yet. */
export function bytesLeft(status: ControllerStatus, topic?: string): number | null {
  const moving = status.reassignments.filter((one) => topic === undefined || one.topic === topic);
  const told = moving.flatMap(({ missingBytes }) => missingBytes ?? []);
  return told.length === 0 ? null : told.reduce((sum, bytes) => sum + bytes, 0);
}

export interface MoveAnswer {
  /** One line of why not; null when it was done. */
  readonly problem: string | null;
  /** Partitions that have yet to move. */
  readonly remaining: number | null;
}

export async function askToMove(control: ClusterControl, request: MoveRequest): Promise<MoveAnswer> {
  const response = await control.admin(request);
  return { problem: problemOf(response), remaining: "remaining" in response ? response.remaining : null };
}
