import { type BrokerId, type LeaderEpoch, leaderEpoch, NO_BROKER, partitionEpoch } from "#base/ids.ts";
import type { PartitionRow } from "#contract/rows.ts";
import { type Membership, settleMembership } from "./elr.ts";

/** What an election has to know of the brokers. */
export interface Circumstances {
  isAlive(broker: BrokerId): boolean;
  /** Shutting down: elected only when nobody else can be. */
  isLeaving(broker: BrokerId): boolean;
  /** `unclean.leader.election.enable` of the topic. */
  readonly isUncleanAllowed: boolean;
}

export const nextLeaderEpoch = (row: PartitionRow): LeaderEpoch => leaderEpoch(row.leaderEpoch + 1);

/** The changed row under its next partition epoch, or the very same row when nothing differs. */
export function revised(row: PartitionRow, changed: Partial<Omit<PartitionRow, "partitionEpoch">>): PartitionRow {
  const next: PartitionRow = { ...row, ...changed };
  const isSame =
    next.leader === row.leader &&
    next.leaderEpoch === row.leaderEpoch &&
    next.minIsr === row.minIsr &&
    next.synced === row.synced &&
    isSameList(next.replicas, row.replicas) &&
    isSameList(next.adding, row.adding) &&
    isSameList(next.removing, row.removing) &&
    isSameList(next.removed, row.removed) &&
    isSameList(next.isr, row.isr) &&
    isSameList(next.elr, row.elr) &&
    isSameList(next.lost, row.lost);
  return isSame ? row : { ...next, partitionEpoch: partitionEpoch(row.partitionEpoch + 1) };
}

const isSameList = (a: readonly BrokerId[], b: readonly BrokerId[]): boolean =>
  a.length === b.length && a.every((broker, index) => broker === b[index]);

/**
 * The one arithmetic of a partition: what follows for its row from a new membership and from who is alive. The leader
 * stays when it can. Otherwise the first replica in assignment order that is alive and in the ISR leads; if the ISR is
 * empty one of the eligible ones, alone in sync; if there is none, and only where unclean elections are allowed, any
 * that is alive; else nobody, and the partition waits.
 *
 * @returns the row to commit; the very same object when nothing changes.
 */
export function elect(row: PartitionRow, membership: Membership, circumstances: Circumstances): PartitionRow {
  const { isr, elr, lost } = membership;
  if (isr.includes(row.leader) && circumstances.isAlive(row.leader)) return revised(row, { isr, elr, lost });
  const fromIsr = firstAlive(row.replicas, isr, circumstances);
  if (fromIsr !== null) return ledBy(row, fromIsr, membership);
  if (isr.length === 0) {
    const fromElr = firstAlive(row.replicas, elr, circumstances);
    if (fromElr !== null) {
      return ledBy(row, fromElr, settleMembership({ ...row, isr, elr, lost }, { isr: [fromElr] }));
    }
    // One that is only being added may hold nothing at all: that far only a person goes.
    const originals = row.replicas.filter((broker) => !row.adding.includes(broker));
    const fromAll = circumstances.isUncleanAllowed ? firstAlive(originals, originals, circumstances) : null;
    if (fromAll !== null) return ledAlone(row, fromAll);
  }
  // The old leader's epoch ends here: whoever still appends in it is stale.
  const epoch = row.leader === NO_BROKER ? row.leaderEpoch : nextLeaderEpoch(row);
  return revised(row, { leader: NO_BROKER, leaderEpoch: epoch, isr, elr, lost });
}

const ledBy = (row: PartitionRow, leader: BrokerId, { isr, elr, lost }: Membership): PartitionRow =>
  revised(row, { leader, leaderEpoch: nextLeaderEpoch(row), isr, elr, lost });

/** Leadership to a replica that may lack acknowledged records: what it has is the log from now on. */
export const ledAlone = (row: PartitionRow, leader: BrokerId): PartitionRow =>
  revised(row, { leader, leaderEpoch: nextLeaderEpoch(row), isr: [leader], elr: [], lost: [], synced: false });

function firstAlive(
  replicas: readonly BrokerId[],
  members: readonly BrokerId[],
  { isAlive, isLeaving }: Circumstances,
): BrokerId | null {
  const candidates = replicas.filter((broker) => members.includes(broker) && isAlive(broker));
  return candidates.find((broker) => !isLeaving(broker)) ?? candidates[0] ?? null;
}
