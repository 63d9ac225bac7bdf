import { randomBytes, randomInt } from "node:crypto";
import type { Random } from "../base/random.ts";

const RESOLUTION = 2 ** 47;

/** Cryptographic randomness: incarnations and ids must never meet again. */
export const nodeRandom: Random = {
  next: () => randomInt(RESOLUTION) / RESOLUTION,
  id: () => randomBytes(16).toString("hex"),
};
