import type { BrokerId } from "../base/ids.ts";
import { type IsrState, maximalIsr } from "./isr-state.ts";

/**
 * The replicas whose log ends bound the high watermark: the maximal ISR, and those that are caught up and about to be
 * proposed. Without the latter the mark could run ahead of a replica that then never gets in.
 * Source: KIP-497.
 */
export function highWatermarkMembers(state: IsrState, joining: readonly BrokerId[]): readonly BrokerId[] {
  const members = maximalIsr(state);
  return joining.length === 0 ? members : [...members, ...joining.filter((broker) => !members.includes(broker))];
}
