import type { BrokerId } from "#base/ids.ts";
import type { PartitionRow } from "#contract/rows.ts";

/** Who may lead a partition, now or once it is back. */
export interface Membership {
  readonly isr: readonly BrokerId[];
  readonly elr: readonly BrokerId[];
  readonly lost: readonly BrokerId[];
}

export interface IsrChange {
  /** The new in-sync replicas, before those of the two lists below are taken out. */
  readonly isr: readonly BrokerId[];
  /** Lost their page cache: they may lack what they had acknowledged. */
  readonly notWhole?: readonly BrokerId[];
  /** Came back with another disk, or left the cluster: nothing is left there to wait for. */
  readonly gone?: readonly BrokerId[];
}

const NOBODY: readonly BrokerId[] = [];

/**
 * The eligible leader replicas after a change of the ISR. While the ISR is below minIsr the high watermark stands
 * still, so whoever leaves it then still holds everything committed.
 *
 * @returns isr, elr and lost, each in assignment order.
 * Source: KIP-966; docs/architecture.md, "ELR, exactly". Invariant: |isr| ≥ minIsr ⇒ elr = lost = ∅.
 */
export function settleMembership(row: PartitionRow, change: IsrChange): Membership {
  const notWhole = change.notWhole ?? NOBODY;
  const gone = change.gone ?? NOBODY;
  const isOut = (broker: BrokerId): boolean => notWhole.includes(broker) || gone.includes(broker);
  const isr = row.replicas.filter((broker) => change.isr.includes(broker) && !isOut(broker));
  if (isr.length >= row.minIsr) return { isr, elr: NOBODY, lost: NOBODY };
  const wasEligible = (broker: BrokerId): boolean => row.isr.includes(broker) || row.elr.includes(broker);
  const elr = row.replicas.filter((broker) => wasEligible(broker) && !isr.includes(broker) && !isOut(broker));
  const lost = row.replicas.filter(
    (broker) =>
      !isr.includes(broker) &&
      !gone.includes(broker) &&
      (row.lost.includes(broker) || (notWhole.includes(broker) && wasEligible(broker))),
  );
  return { isr, elr, lost };
}
