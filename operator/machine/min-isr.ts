import type { PartitionRow, TopicRow } from "#contract/rows.ts";
import { type State, topicConfigOf } from "./state.ts";

/** `min.insync.replicas` as it is in force for a topic. */
export const minInsyncReplicasOf = (state: State, topic: TopicRow): number =>
  topicConfigOf(state, topic).minInsyncReplicas;

/**
 * min(min.insync.replicas, size of the target assignment): what stands in the row. While a partition is reassigned the
 * smaller of both assignments counts: a growing one must not refuse writes until the copies are made.
 */
export const minIsrOf = (
  minInsyncReplicas: number,
  { replicas, adding, removing }: Pick<PartitionRow, "replicas" | "adding" | "removing">,
): number => {
  const leastReplicas = replicas.length - Math.max(adding.length, removing.length);
  return Math.max(1, Math.min(minInsyncReplicas, leastReplicas));
};
