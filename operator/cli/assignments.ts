import { TidemarkError } from "#base/errors.ts";

/**
 * Reads `key=value` words; a value may hold further equals signs, and may be empty.
 * @throws TidemarkError BAD_INPUT
 */
export function assignments(words: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const word of words) {
    const at = word.indexOf("=");
    if (at < 1) throw new TidemarkError("BAD_INPUT", `${word}: it must be key=value`);
    const key = word.slice(0, at);
    if (Object.hasOwn(found, key)) throw new TidemarkError("BAD_INPUT", `${key} is given twice`);
    found[key] = word.slice(at + 1);
  }
  return found;
}
