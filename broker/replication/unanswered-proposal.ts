import type { IsrState } from "./isr-state.ts";

/**
 * What becomes of a proposal that was not answered in time: it stays, and is sent again. Its outcome is unknown; to
 * drop it would be to compute the high watermark without a member that the controller may have added meanwhile.
 */
export const afterSilence = (state: IsrState): IsrState => state;
