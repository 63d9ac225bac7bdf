import { murmur2 } from "../../base/murmur2.ts";
import type { Random } from "../../base/random.ts";

/** Where a topic's records without a partition of their own go. */
export interface Partitioner {
  partitionOf(key: Uint8Array | null): number;
}

/** The partition of a key, as Java's clients choose it. */
export const partitionOfKey = (key: Uint8Array, partitions: number): number =>
  (murmur2(key) & 0x7fff_ffff) % partitions;

/**
 * Of one request: keys by their hash over all partitions; records without a key stick to one partition that has a
 * leader (to any when none has), so that they make one batch, and the next request takes another (KIP-480).
 */
export function partitionerOf(
  partitions: number,
  { withLeader, random }: { withLeader: readonly number[]; random: Random },
): Partitioner {
  let sticky = -1;
  return {
    partitionOf(key) {
      if (key !== null) return partitionOfKey(key, partitions);
      if (sticky < 0) {
        const among = withLeader.length > 0 ? withLeader : Array.from({ length: partitions }, (_, index) => index);
        sticky = among[Math.floor(random.next() * among.length)] ?? 0;
      }
      return sticky;
    },
  };
}
