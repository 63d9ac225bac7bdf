import { type Offset, offset } from "../base/ids.ts";

const DIGITS = 20;

/** File names of a partition folder, as Kafka's: 20 digits of the first offset, then what the file is. */
export const logName = (base: Offset): string => `${String(base).padStart(DIGITS, "0")}.log`;
export const indexName = (base: Offset): string => `${String(base).padStart(DIGITS, "0")}.index`;
export const timeIndexName = (base: Offset): string => `${String(base).padStart(DIGITS, "0")}.timeindex`;
/** Of everything that one segment is made of, its records first. */
export const segmentNames = (base: Offset): string[] => [logName(base), indexName(base), timeIndexName(base)];
export const snapshotName = (at: Offset): string => `${String(at).padStart(DIGITS, "0")}.snapshot`;
export const EPOCHS_NAME = "leader-epoch-checkpoint";
export const METADATA_NAME = "partition.metadata";
/** Says that the log was cut below a recovery point that the broker's checkpoint may still show. */
export const CUT_NAME = "cut-checkpoint";
/** Says that recovery found more missing than an incomplete last write, until a controller was told. */
export const DAMAGE_NAME = "damaged";
/** Says below which offset records stand that took the place of others, which compaction has removed. */
export const SUPERSEDED_NAME = "superseded-checkpoint";
/** A rewritten segment that does not count yet. */
export const CLEANED_SUFFIX = ".cleaned";
/** A rewritten segment that counts, in the place of all that begin within it. */
export const SWAP_SUFFIX = ".swap";
export const DELETED_SUFFIX = ".deleted";
export const TEMPORARY_SUFFIX = ".tmp";

/** The offset a file is named by, or null when it is not a `suffix` file. */
export function offsetOfName(name: string, suffix: ".log" | ".index" | ".timeindex" | ".snapshot"): Offset | null {
  if (name.length !== DIGITS + suffix.length || !name.endsWith(suffix)) return null;
  const digits = name.slice(0, DIGITS);
  if (!/^[0-9]+$/.test(digits)) return null;
  const value = Number(digits);
  return Number.isSafeInteger(value) ? offset(value) : null;
}
