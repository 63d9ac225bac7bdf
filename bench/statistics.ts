/** Figures of several runs of one thing. */
export interface Summary {
  readonly median: number;
  readonly least: number;
  readonly greatest: number;
  readonly runs: number;
}

/** `values` has at least one figure. */
export function summarise(values: readonly number[]): Summary {
  if (values.length === 0) throw new Error("a summary needs at least one run");
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  const median = sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
  return { median, least: sorted[0] as number, greatest: sorted.at(-1) as number, runs: sorted.length };
}

/** Of `sorted`, rising and with at least one value, the one that `part` of them do not exceed. */
export const percentile = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] as number;

/** True if two figures differ by less than `part` of the larger. */
export const isClose = (pair: { first: number; second: number; part: number }): boolean =>
  Math.abs(pair.first - pair.second) < pair.part * Math.max(pair.first, pair.second);
