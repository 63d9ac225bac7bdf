import type { BrokerEpoch, BrokerId, LeaderEpoch, Offset } from "../base/ids.ts";

/** What a leader knows of one follower, within one leader epoch. Never changed in place. */
export interface FollowerProgress {
  readonly broker: BrokerId;
  /** Of the process that opened the partition last; −1 before the first opening of this leader epoch. */
  readonly brokerEpoch: BrokerEpoch;
  /** The newest opening found that the follower's log is a prefix of the leader's. Log ends count only then. */
  readonly isAligned: boolean;
  /** Its log end as it counts; null until it gave one in this leader epoch. */
  readonly logEnd: Offset | null;
  /** Everything below `logEnd` is synced there and `flush.messages=1` is in force there. */
  readonly isSynced: boolean;
  /** Monotonic time at which it last had everything that the leader had. */
  readonly caughtUpAtMs: number;
  /** A log end of the leader and when it was: reaching it proves to have been caught up then. */
  readonly sampleEnd: Offset;
  readonly sampledAtMs: number;
}

/** A follower's statement: "all below `logEnd` is in my log, and its last record is of `lastEpoch`". */
export interface LogEndStatement {
  readonly leaderEpoch: LeaderEpoch;
  readonly brokerEpoch: BrokerEpoch;
  readonly lastEpoch: LeaderEpoch;
  readonly logEnd: Offset;
  readonly isSynced: boolean;
}

/** The leader's side at the moment a statement arrives. */
export interface LeaderView {
  readonly nowMs: number;
  readonly logEnd: Offset;
}

/**
 * A follower at the start of a leader epoch. A member of the ISR counts as caught up now, which gives it the full lag
 * time to open; any other has yet to show that it is.
 */
export function newProgress(broker: BrokerId, leader: LeaderView & { isInIsr: boolean }): FollowerProgress {
  return {
    broker,
    brokerEpoch: -1 as BrokerEpoch,
    isAligned: false,
    logEnd: null,
    isSynced: false,
    caughtUpAtMs: leader.isInIsr ? leader.nowMs : Number.NEGATIVE_INFINITY,
    sampleEnd: leader.logEnd,
    sampledAtMs: leader.nowMs,
  };
}

/** What an opening says: whose process it is, where its log ends, and whether that is a prefix of the leader's. */
export interface Opening {
  readonly brokerEpoch: BrokerEpoch;
  readonly logEnd: Offset;
  readonly isAligned: boolean;
}

/**
 * After an opening. A log end below one that the same follower gave in this epoch means that it lost writes: what it
 * gave before counts no more, and it is out of sync at once.
 */
export function afterOpening(
  progress: FollowerProgress,
  opening: Opening,
): { progress: FollowerProgress; hasLostWrites: boolean } {
  const hasLostWrites = progress.logEnd !== null && opening.logEnd < progress.logEnd;
  return {
    progress: {
      ...progress,
      brokerEpoch: opening.brokerEpoch,
      isAligned: opening.isAligned,
      logEnd: hasLostWrites ? null : progress.logEnd,
      isSynced: false,
      caughtUpAtMs: hasLostWrites ? Number.NEGATIVE_INFINITY : progress.caughtUpAtMs,
    },
    hasLostWrites,
  };
}

/** After a log end that counts (count-log-end.ts); a lower one than before means lost writes, as at an opening. */
export function afterLogEnd(
  progress: FollowerProgress,
  statement: LogEndStatement,
  leader: LeaderView,
): { progress: FollowerProgress; hasLostWrites: boolean } {
  const { logEnd, isSynced } = statement;
  if (progress.logEnd !== null && logEnd < progress.logEnd) {
    return {
      progress: { ...progress, logEnd, isSynced, caughtUpAtMs: Number.NEGATIVE_INFINITY },
      hasLostWrites: true,
    };
  }
  const caughtUpAtMs =
    logEnd >= leader.logEnd
      ? leader.nowMs
      : logEnd >= progress.sampleEnd
        ? progress.sampledAtMs
        : progress.caughtUpAtMs;
  const isSampleReached = logEnd >= progress.sampleEnd;
  return {
    progress: {
      ...progress,
      logEnd,
      isSynced,
      caughtUpAtMs: caughtUpAtMs > progress.caughtUpAtMs ? caughtUpAtMs : progress.caughtUpAtMs,
      sampleEnd: isSampleReached ? leader.logEnd : progress.sampleEnd,
      sampledAtMs: isSampleReached ? leader.nowMs : progress.sampledAtMs,
    },
    hasLostWrites: false,
  };
}

/** The follower's stream broke, or it closed the partition: what it gave still counts, but nothing new will. */
export const afterClose = (progress: FollowerProgress): FollowerProgress => ({ ...progress, isAligned: false });

/** Milliseconds since the follower last had everything; 0 while it has. */
export function lagMs(progress: FollowerProgress, leader: LeaderView): number {
  if (progress.logEnd !== null && progress.logEnd >= leader.logEnd) return 0;
  return leader.nowMs - progress.caughtUpAtMs;
}
