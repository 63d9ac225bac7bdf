import type { Offset } from "../base/ids.ts";
import { ProducerStates } from "./producer-state.ts";

/** Producer state and the offset up to which it knows the log. */
export interface KnownProducers {
  readonly states: ProducerStates;
  readonly upTo: Offset;
}

/**
 * What producer state to start from after the log was cut at its end: never the current one, which remembers batches
 * that are gone and would answer their retries as duplicates of nothing. `snapshot` is the newest one at or below the
 * cut; without one, everything from `logStart` is read again.
 */
export const producersAfterCut = (options: {
  readonly current: KnownProducers;
  readonly snapshot: KnownProducers | null;
  readonly logStart: Offset;
}): KnownProducers => options.snapshot ?? { states: new ProducerStates(), upTo: options.logStart };
