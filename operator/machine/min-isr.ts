import type { PartitionRow, TopicRow } from "#contract/rows.ts";
import { type State, topicConfigOf } from "./state.ts";

/** min(min.insync.replicas, size of the target assignment): what stands in the row. */
export const minIsrOf = (
  state: State,
  topic: TopicRow,
  assignment: Pick<PartitionRow, "replicas" | "removing">,
): number =>
  Math.max(
    1,
    Math.min(topicConfigOf(state, topic).minInsyncReplicas, assignment.replicas.length - assignment.removing.length),
  );
