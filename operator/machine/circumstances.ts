import type { BrokerId } from "#base/ids.ts";
import type { TopicRow } from "#contract/rows.ts";
import type { Circumstances } from "./partition-election.ts";
import { isAlive, isLeaving, type State, topicConfigOf } from "./state.ts";

/** What an election of a topic's partitions has to know; `dead` count as dead though the registry has them alive. */
export function circumstancesOf(state: State, topic: TopicRow, dead: ReadonlySet<BrokerId> = new Set()): Circumstances {
  let isUncleanAllowed: boolean | null = null;
  return {
    isAlive: (broker) => !dead.has(broker) && isAlive(state, broker),
    isLeaving: (broker) => isLeaving(state, broker),
    // Computed when asked: hardly any election gets that far.
    get isUncleanAllowed(): boolean {
      isUncleanAllowed ??= topicConfigOf(state, topic).uncleanLeaderElectionEnable;
      return isUncleanAllowed;
    },
  };
}
