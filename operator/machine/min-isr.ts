import type { PartitionRow, TopicRow } from "#contract/rows.ts";
import { type State, topicConfigOf } from "./state.ts";

/** `min.insync.replicas` as it is in force for a topic. */
export const minInsyncReplicasOf = (state: State, topic: TopicRow): number =>
  topicConfigOf(state, topic).minInsyncReplicas;

/** min(min.insync.replicas, size of the target assignment): what stands in the row. */
export const minIsrOf = (minInsyncReplicas: number, row: Pick<PartitionRow, "replicas" | "removing">): number =>
  Math.max(1, Math.min(minInsyncReplicas, row.replicas.length - row.removing.length));
