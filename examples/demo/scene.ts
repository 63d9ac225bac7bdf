import type { ClusterState } from "./cluster.ts";
import type { Verdict } from "./ledger.ts";

export interface Moment {
  /** Milliseconds since the kill. */
  readonly atMs: number;
  readonly text: string;
  readonly mood: "good" | "bad" | "plain";
}

/** All that is shown while the demo runs. */
export interface Scene {
  /** null: the input's end is not known yet. */
  count: number | null;
  acked: number;
  readBack: number | null;
  /** Records acknowledged in each tenth of a second since the start. */
  readonly tenths: number[];
  /** Tenths of a second in which the leader was killed and every replica was in sync again; null before. */
  killedAtTenth: number | null;
  wholeAtTenth: number | null;
  state: ClusterState | null;
  brokers: readonly number[];
  /** Broker that was killed and is not back yet. */
  dead: number | null;
  readonly moments: Moment[];
  pace: string;
}

/** How the demo is watched: a terminal or a log. */
export interface View {
  /** Called often. */
  update(scene: Scene): void;
  moment(scene: Scene, moment: Moment): void;
  close(scene: Scene): void;
}

export interface Outcome {
  readonly verdict: Verdict;
  readonly openAtKill: number;
  readonly victim: number;
  readonly victimLed: number;
  /** Longest time that one of the victim's partitions had no leader. */
  readonly leaderlessMs: number;
  /** Longest time from the kill to the next acknowledgement of one of its partitions. */
  readonly silentMs: number;
  /** Records acknowledged by the successors before the victim was started again. */
  readonly bySuccessor: number;
  readonly recordsPerSecondMax: number;
  readonly isWhole: boolean;
}
