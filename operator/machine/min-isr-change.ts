import type { PartitionRow } from "#contract/rows.ts";

/**
 * The row under another minIsr. Once the setting falls, an ISR that was below it may be enough, and the high watermark
 * runs away from those who left; so nobody outside the ISR stays eligible. Only while the ISR is empty elr and lost
 * stay: nothing can be committed then, and without them nobody could ever lead again.
 */
export const withMinIsr = (row: PartitionRow, minIsr: number): PartitionRow =>
  row.isr.length === 0 ? { ...row, minIsr } : { ...row, minIsr, elr: [], lost: [] };
