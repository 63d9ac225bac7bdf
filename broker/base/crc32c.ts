import { crc32c as native } from "@node-rs/crc32";

/** CRC-32C (Castagnoli), unsigned. `seed` continues an earlier sum. Source: RFC 3720 appendix B.4. */
export const crc32c = (bytes: Uint8Array, seed = 0): number => native(bytes as Buffer, seed);
