import type { afterSilence as original } from "../../../broker/replication/unanswered-proposal.ts";

export const afterSilence: typeof original = (state) => ({ kind: "committed", isr: state.isr });
