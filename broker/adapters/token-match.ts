import { createHash, timingSafeEqual } from "node:crypto";
import type { Tokens } from "../ports/tokens.ts";

const digestOf = (text: string): Buffer => createHash("sha256").update(text).digest();

/** Compares digests, of equal length whatever was sent, and all of them: the time tells nothing. */
export function isOneOf(candidate: string, tokens: readonly string[]): boolean {
  const digest = digestOf(candidate);
  let isFound = false;
  for (const token of tokens) {
    const isEqual = timingSafeEqual(digest, digestOf(token));
    isFound ||= isEqual && token !== "";
  }
  return isFound;
}

/** Tokens that somebody else keeps up to date: the current one first. */
export const tokensOf = (read: () => readonly string[]): Tokens => ({
  get current() {
    return read()[0] ?? "";
  },
  accepts: (candidate) => isOneOf(candidate, read()),
});
