import type { BrokerId, Incarnation } from "#base/ids.ts";
import type { ProbeResult } from "#ports/network.ts";

/** What the controller knows of one broker's session. */
export interface Watched {
  readonly broker: BrokerId;
  readonly incarnation: Incarnation;
  /** Monotonic, of the last heartbeat or registration; at a takeover: of the claim. */
  readonly heardAtMs: number;
  /** Monotonic; since when its stream is broken, or, at a takeover, not there yet. null = it has one. */
  readonly brokenAtMs: number | null;
  /** The last probe was answered by the same process: it lives, whatever became of its stream. */
  readonly hasAnswered: boolean;
}

/** Breaks within this time of each other count as one. */
const AT_ONCE_MS = 1000;

/** What a probe of a broker's own address says of its process. */
export type ProbeVerdict = "alive" | "dead" | "refused" | "unknown";

export function verdictOf(result: ProbeResult, incarnation: Incarnation): ProbeVerdict {
  if (result.kind === "refused") return "refused";
  if (result.kind === "silent") return "unknown";
  return result.incarnation === incarnation ? "alive" : "dead";
}

/**
 * Whether two refused probes prove this broker dead. Not when most streams broke at once: then the fault is rather on
 * this side, and a refusal may come from whatever stands in between.
 */
export function isRefusalTrusted(suspect: Watched, all: readonly Watched[]): boolean {
  const { brokenAtMs } = suspect;
  if (brokenAtMs === null) return false;
  const broken = all.filter(
    (one) => one.brokenAtMs !== null && !one.hasAnswered && Math.abs(one.brokenAtMs - brokenAtMs) <= AT_ONCE_MS,
  );
  return broken.length * 2 <= all.length;
}

export interface Expiry {
  /** Silent for the whole session timeout. */
  readonly expired: readonly Watched[];
  /** Silent for more than half of it: to be probed before the expired ones are acted on. */
  readonly doubtful: readonly Watched[];
}

/** Whose sessions are over, and whose may be about to end with them. */
export function expiryOf(all: readonly Watched[], at: { nowMs: number; sessionTimeoutMs: number }): Expiry {
  const silenceMs = (one: Watched): number => at.nowMs - one.heardAtMs;
  const expired = all.filter((one) => silenceMs(one) >= at.sessionTimeoutMs);
  const doubtful = all.filter((one) => !expired.includes(one) && silenceMs(one) > at.sessionTimeoutMs / 2);
  return { expired, doubtful: expired.length === 0 ? [] : doubtful };
}
