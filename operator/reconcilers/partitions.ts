import type { BrokerId, TopicId } from "#base/ids.ts";
import type { PartitionRow } from "#contract/rows.ts";
import type { ControllerStatus } from "../ports/cluster-control.ts";

/** Partitions that one message names; the rest is counted. */
const NAMED_MAX = 5;

export interface NamedPartition {
  /** Topic and number, as people say it: orders-3. */
  readonly name: string;
  readonly row: PartitionRow;
}

/** Replicas that are to stay, and are no newcomers: whom a partition needs to be whole. */
export const settledReplicas = (row: PartitionRow): readonly BrokerId[] =>
  row.replicas.filter((replica) => !row.adding.includes(replica) && !row.removing.includes(replica));

/** How many replicas a partition is to have. */
export const targetFactor = (row: PartitionRow): number => row.replicas.length - row.removing.length;

export const isOffline = (row: PartitionRow): boolean => row.leader < 0;
export const isUnderReplicated = (row: PartitionRow): boolean =>
  settledReplicas(row).some((replica) => !row.isr.includes(replica));
export const isUnderMinIsr = (row: PartitionRow): boolean => row.isr.length < row.minIsr;
export const isReassigning = (row: PartitionRow): boolean => row.adding.length > 0 || row.removing.length > 0;
export const isHostedBy = (row: PartitionRow, broker: number): boolean =>
  row.replicas.some((replica) => replica === broker);

/**
 * Whether a partition could not lose one more broker that it has in sync: it is below what it needs already, or would
 * be then though it has replicas enough. One that can never afford a loss (a single replica) bars nothing while it is
 * whole: waiting would not help it.
 */
export const isBrittle = (row: PartitionRow): boolean =>
  isOffline(row) || (isUnderReplicated(row) && row.isr.length - 1 < row.minIsr);

/** All partitions of a cluster with their names. */
export function namedPartitions(status: ControllerStatus): NamedPartition[] {
  const names = new Map<TopicId, string>(status.topics.map(({ topicId, name }) => [topicId, name]));
  return status.partitions.map((row) => ({ name: `${names.get(row.topicId) ?? row.topicId}-${row.partition}`, row }));
}

/** orders-0, orders-1 and 7 more. */
export function nameThem(partitions: readonly NamedPartition[]): string {
  const named = partitions.slice(0, NAMED_MAX).map(({ name }) => name);
  const others = partitions.length - named.length;
  return others === 0 ? named.join(", ") : `${named.join(", ")} and ${others} more`;
}
