const SEED = 0x9747b28c;
const FACTOR = 0x5bd1e995;

/**
 * MurmurHash2 of 32 bits with the seed of Kafka's clients: every client that partitions as Java's does hashes keys so.
 * Signed, as in Java. Source: A. Appleby's MurmurHash2 (public domain); Kafka's DefaultPartitioner.
 */
export function murmur2(bytes: Uint8Array): number {
  const { imul } = Math;
  const { length } = bytes;
  let hash = SEED ^ length;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    let mixed = imul(word, FACTOR);
    mixed = imul(mixed ^ (mixed >>> 24), FACTOR);
    hash = imul(hash, FACTOR) ^ mixed;
  }
  const rest = length - at;
  if (rest >= 3) hash ^= bytes[at + 2]! << 16;
  if (rest >= 2) hash ^= bytes[at + 1]! << 8;
  if (rest >= 1) hash = imul(hash ^ bytes[at]!, FACTOR);
  hash = imul(hash ^ (hash >>> 13), FACTOR);
  return hash ^ (hash >>> 15);
}
