import type { BrokerId } from "../base/ids.ts";
import type { IsrProposal, IsrRefused } from "../contract/control.ts";

/**
 * The ISR as its leader sees it: as committed, or with one proposal on its way whose outcome is not known. A proposal
 * counts until a newer row arrives or the controller definitely refuses it; nothing else ends it.
 */
export type IsrState =
  | { readonly kind: "committed"; readonly isr: readonly BrokerId[] }
  | {
      readonly kind: "pendingExpand";
      readonly isr: readonly BrokerId[];
      readonly added: readonly BrokerId[];
      readonly proposal: IsrProposal;
      readonly sentAtMs: number;
    }
  | {
      readonly kind: "pendingShrink";
      readonly isr: readonly BrokerId[];
      readonly removed: readonly BrokerId[];
      readonly proposal: IsrProposal;
      readonly sentAtMs: number;
    };

export const committedIsr = (isr: readonly BrokerId[]): IsrState => ({ kind: "committed", isr });

/**
 * The larger of the committed and the proposed ISR. A proposal may have been committed without the leader knowing yet,
 * so the additions count already and the removals still do: more members can only hold the high watermark back.
 */
export function maximalIsr(state: IsrState): readonly BrokerId[] {
  return state.kind === "pendingExpand" ? [...state.isr, ...state.added] : state.isr;
}

/**
 * After a refusal. Only that of the newest sending of the proposal in flight ends it: an earlier sending's says
 * nothing of a later one, which may still be committed.
 */
export function afterRefusal(state: IsrState, refused: IsrRefused): IsrState {
  if (state.kind === "committed") return state;
  const { proposal } = state;
  const isThatOne =
    refused.leaderEpoch === proposal.leaderEpoch &&
    refused.partitionEpoch === proposal.partitionEpoch &&
    refused.attempt === proposal.attempt;
  return isThatOne ? committedIsr(state.isr) : state;
}

/** The same wish under a new attempt: what is sent again after a new session, or when no answer came. */
export function resent(
  state: Exclude<IsrState, { kind: "committed" }>,
  sending: { attempt: number; nowMs: number },
): Exclude<IsrState, { kind: "committed" }> {
  return { ...state, proposal: { ...state.proposal, attempt: sending.attempt }, sentAtMs: sending.nowMs };
}
