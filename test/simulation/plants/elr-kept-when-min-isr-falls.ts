import type { withMinIsr as original } from "../../../operator/machine/min-isr-change.ts";

export const withMinIsr: typeof original = (row, minIsr) => ({ ...row, minIsr });
