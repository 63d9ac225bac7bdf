import { leaderEpoch, NO_BROKER, partitionEpoch } from "#base/ids.ts";
import type { Change } from "./changes.ts";
import { allPartitions, type State } from "./state.ts";

/** Beyond whatever was handed out in the history that the store has lost. */
const EPOCHS_AHEAD = 1_000_000;
const PRODUCER_IDS_AHEAD = 1_000_000_000;

/** How far a controller that recovers claims beyond the epoch its store knows. */
export const CONTROLLER_EPOCHS_AHEAD = 1000;

/**
 * A store that was set back knows neither who was in sync last nor which epochs were used. So everything goes on beyond
 * any epoch that may have been, nobody counts as in sync, and each partition waits for all its replicas and is led by
 * the fullest log among them.
 */
export function recoveredChanges(state: State): Change[] {
  const changes: Change[] = [
    { kind: "nextBrokerEpoch", value: state.nextBrokerEpoch + EPOCHS_AHEAD },
    { kind: "nextProducerId", value: state.nextProducerId + PRODUCER_IDS_AHEAD },
  ];
  for (const { row } of allPartitions(state)) {
    changes.push({
      kind: "partition",
      row: {
        ...row,
        leader: NO_BROKER,
        leaderEpoch: leaderEpoch(row.leaderEpoch + EPOCHS_AHEAD),
        partitionEpoch: partitionEpoch(row.partitionEpoch + EPOCHS_AHEAD),
        isr: [],
        elr: [],
        lost: row.replicas,
        synced: false,
        // What was removed once may have been given back since: nothing is deleted on the word of an old store.
        removed: [],
      },
    });
  }
  return changes;
}
