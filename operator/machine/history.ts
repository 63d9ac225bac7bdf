import type { ControllerEpoch } from "#base/ids.ts";
import type { MetadataVersion } from "#contract/rows.ts";

/** Which versions this store has had: where each earlier controller epoch ended. */
export interface History {
  /** Whatever was said in lower epochs than this is not looked at any more. */
  readonly floor: ControllerEpoch;
  readonly ends: readonly MetadataVersion[];
}

/** So many takeovers are remembered. */
const ENDS_MAX = 1000;

/** After a takeover: the epoch before ended at `last`. */
export function withEnd(history: History, last: MetadataVersion): History {
  const ends = [...history.ends, last].slice(-ENDS_MAX);
  const isCut = ends.length <= history.ends.length;
  return { floor: isCut ? ends[0]!.controllerEpoch : history.floor, ends };
}

/**
 * Whether somebody was told a version that this store never had: then it is missing or was set back. It is not enough
 * to compare with the newest version, because each start of a controller on such a store makes that one newer.
 */
export function isForeign(
  told: MetadataVersion,
  { history, version }: { history: History; version: MetadataVersion },
): boolean {
  if (told.controllerEpoch > version.controllerEpoch) return true;
  if (told.controllerEpoch === version.controllerEpoch) return told.sequence > version.sequence;
  if (told.controllerEpoch < history.floor) return false;
  const end = history.ends.find(({ controllerEpoch }) => controllerEpoch === told.controllerEpoch);
  return end === undefined || told.sequence > end.sequence;
}
