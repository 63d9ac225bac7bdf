import type { IsrProposal, ToController } from "../../../broker/contract/control.ts";
import type { Facts } from "./facts.ts";
import type { Invariant, RowChange } from "./invariant.ts";

const KEPT_PROPOSALS = 64;

/** A stale controller's or stale leader's word is never acted on. */
export function staleWords(facts: Facts): Invariant {
  const proposals = new Map<string, { from: number; proposal: IsrProposal }[]>();
  const kept = new Map<number, { controllerEpoch: number; sequence: number }>();

  /** A proposal by the leader of that very epoch, naming each new member by the process that is registered now. */
  const isProposedNow = ({ before, after }: RowChange, added: readonly number[]): boolean => {
    if (before === null) return true;
    const known = proposals.get(`${after.topicId}/${after.partition}`) ?? [];
    return known.some(({ from, proposal }) => {
      if (from !== before.leader || proposal.leaderEpoch !== before.leaderEpoch) return false;
      if (proposal.partitionEpoch !== before.partitionEpoch) return false;
      return added.every((id) => {
        const named = proposal.isr.find(({ broker }) => broker === id);
        return named !== undefined && named.brokerEpoch === facts.registry.get(id)?.epoch;
      });
    });
  };

  return {
    brokerSaid(broker: number, message: ToController) {
      if (message.type !== "isrProposal") return;
      const key = `${message.topicId}/${message.partition}`;
      const list = proposals.get(key) ?? [];
      list.push({ from: broker, proposal: message });
      if (list.length > KEPT_PROPOSALS) list.shift();
      proposals.set(key, list);
    },
    rowCommitted(change) {
      const { partition, before, after, controllerEpoch } = change;
      if (controllerEpoch < facts.controllerEpoch) {
        const what = `controller epoch ${controllerEpoch} committed after ${facts.controllerEpoch} had taken over`;
        facts.fail(9, `${partition.name}: ${what}`);
      }
      if (before === null || before.leaderEpoch !== after.leaderEpoch) return;
      const added = after.isr.filter((id) => !before.isr.includes(id));
      if (added.length > 0 && !isProposedNow(change, added)) {
        const who = `broker${added.length > 1 ? "s" : ""} ${added.join(", ")}`;
        facts.fail(9, `${partition.name}: ${who} joined the ISR by a word that is stale, or nobody's`);
      }
    },
    metadataKept(broker, version) {
      const before = kept.get(broker);
      kept.set(broker, version);
      if (before === undefined || facts.unsettled.has(broker)) return;
      const isOlder =
        version.controllerEpoch < before.controllerEpoch ||
        (version.controllerEpoch === before.controllerEpoch && version.sequence < before.sequence);
      if (!isOlder) return;
      const names = [before, version].map(({ controllerEpoch, sequence }) => `${controllerEpoch}/${sequence}`);
      facts.fail(9, `broker ${broker} went back from metadata ${names[0]} to ${names[1]}`);
    },
  };
}
