import type { Change } from "./changes.ts";

/**
 * The commits of a registration, in order. The consequences for the partitions come first, the registry entry last: if
 * the controller dies in between, the broker registers again and meets its old entry, so everything follows once more.
 * The other way round a broker that lost its page cache would be known already, and stay in sync with what it lacks.
 */
export const registrationCommits = (parts: {
  consequences: readonly Change[];
  entry: readonly Change[];
}): (readonly Change[])[] => [parts.consequences, parts.entry].filter((changes) => changes.length > 0);
