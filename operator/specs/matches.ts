import { isSameQuantity } from "./quantity.ts";

/**
 * Whether everything in `desired` stands in `observed` too; what else the API server, its defaults and others wrote
 * there is theirs. Lists count as a whole. Quantities are compared by amount, because the server rewrites them.
 */
export function matches(desired: unknown, observed: unknown): boolean {
  if (desired === undefined) return true;
  if (Array.isArray(desired)) {
    if (!Array.isArray(observed) || observed.length !== desired.length) return false;
    return desired.every((part, index) => matches(part, observed[index]));
  }
  if (typeof desired === "object" && desired !== null) {
    if (typeof observed !== "object" || observed === null) return isEmpty(desired) && observed === undefined;
    return Object.entries(desired).every(([key, part]) => matches(part, (observed as Record<string, unknown>)[key]));
  }
  if (desired === observed) return true;
  return isText(desired) && isText(observed) && looksLikeQuantity(desired) && isSameQuantity(desired, observed);
}

const isEmpty = (value: object): boolean => Object.keys(value).length === 0;
const isText = (value: unknown): value is string | number => typeof value === "string" || typeof value === "number";
const looksLikeQuantity = (value: string | number): boolean =>
  /^[0-9.]+([eE][+-]?[0-9]+)?[A-Za-z]{0,2}$/.test(String(value));
