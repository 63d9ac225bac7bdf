import { checkMember, checkMembers, commit, excuse, firstLacking } from "./committed-records.ts";
import { checkGone, holds } from "./compacted-records.ts";
import type { Facts, PartitionFacts } from "./facts.ts";
import type { Invariant, RowChange } from "./invariant.ts";
import { GONE } from "./record-names.ts";

/**
 * A record acked with acks=all is never lost while a replica that had it keeps its files. Checked where it is decided:
 * whoever may be elected without asking (in-sync and eligible leader replicas) holds every acked record, at each ack,
 * at each change of a row, and at each change of a member's files. When all of them lost their page cache, the one
 * elected lacks only what none of the last known members kept. An unclean election, where the topic allows it, may lose
 * anything. In a compacted topic the last record of each key counts, on each replica: see compacted-records.ts.
 */
export function nothingAckedIsLost(facts: Facts, tellExcused: Invariant["excused"]): Invariant {
  const checkElected = ({ partition, before, after }: RowChange): void => {
    if (before === null || after.leader < 0 || after.leaderEpoch === before.leaderEpoch) return;
    const isAlone = after.isr.length === 1 && after.elr.length === 0 && after.lost.length === 0;
    const isUnclean = facts.allowsUnclean(partition.topicId) && isAlone;
    const elected = partition.mirrors.get(after.leader);
    const offset = firstLacking(facts, partition, elected);
    // Also a member may be elected uncleanly: one that lost its page cache left the ISR in the very same commit.
    const wasMember = before.isr.includes(after.leader) || before.elr.includes(after.leader);
    if (wasMember && (!isUnclean || offset === null)) return;
    if (isUnclean) facts.counters.uncleanElections++;
    // What one elected from outside brings is the log from now on, also what an unclean election had given up.
    if (isUnclean || partition.unclean !== null) {
      partition.unclean = { epoch: after.leaderEpoch, broker: after.leader, from: elected?.end ?? 0 };
    }
    if (offset === null) return;
    if (isUnclean) return lose(offset);
    const keeper = keeperOf(partition, [...before.isr, ...before.elr, ...before.lost]);
    if (keeper !== null) {
      facts.fail(
        1,
        `${partition.name} elected ${after.leader}, which lacks offset ${keeper.offset}; ${keeper.broker} kept it`,
      );
    } else if (facts.counters.powerLosses === 0) {
      facts.fail(1, `${partition.name} lost offset ${offset} although the power never went`);
    } else if (elected?.idAt(offset) === GONE) {
      facts.fail(
        1,
        `${partition.name} elected ${after.leader}, which compacted offset ${offset} and lost what took its place`,
      );
    } else lose(offset);

    function lose(from: number): void {
      excuse(facts, partition, from);
      tellExcused?.(partition, from);
    }

    /** A last known member that has a committed record which the elected one lacks. */
    function keeperOf(of: PartitionFacts, members: readonly number[]): { broker: number; offset: number } | null {
      for (let at = offset as number; at < of.committed.length; at++) {
        const id = of.committed[at];
        if (id === undefined || holds(facts, of, { mirror: elected, offset: at, id })) continue;
        const broker = members.find((member) => of.mirrors.get(member)?.idAt(at) === id);
        if (broker !== undefined) return { broker, offset: at };
      }
      return null;
    }
  };
  return {
    acked(partition, ack) {
      if (ack.acks !== -1 || ack.baseOffset < 0 || facts.isVolatile(partition.topicId)) return;
      const ids = facts.namesOf(ack.topicId, ack.batch.partition)(ack.batch.bytes, 0);
      for (const [place, id] of ids.entries()) {
        commit(facts, partition, { offset: ack.baseOffset + place, id, isAcked: true });
      }
    },
    rowCommitted(change) {
      checkElected(change);
      checkMembers(facts, change.partition);
    },
    mirrorCleaned(partition, mirror, records) {
      for (const gone of records) checkGone(facts, partition, { mirror, gone });
      if (partition.members.includes(mirror.broker)) checkMember(facts, partition, mirror.broker);
    },
    mirrorChanged(partition, mirror) {
      if (partition.members.includes(mirror.broker)) checkMember(facts, partition, mirror.broker);
    },
  };
}
