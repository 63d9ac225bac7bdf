import type { Offset } from "../base/ids.ts";
import {
  BATCH_HEADER_BYTES,
  baseOffsetOf,
  batchPositions,
  emptyBatch,
  isPlaceholder,
  lastOffsetOf,
  leaderEpochOf,
  recordsCountOf,
} from "../wire/record-batch.ts";

interface Bounds {
  readonly endOffset: Offset;
  readonly maxBytes: number;
}

/**
 * `views` with a first batch that begins at `from`, where it is a placeholder: one that reaches further back is cut.
 * Replicas put together as placeholders what suits each of them, and a copy of a log goes on exactly where it ends.
 */
export function beginningAt(views: Uint8Array[], from: Offset): Uint8Array[] {
  const [first, ...others] = views;
  if (first === undefined || baseOffsetOf(first, 0) >= from || !isPlaceholder(first, 0)) return views;
  const leaderEpoch = leaderEpochOf(first, 0);
  const head = emptyBatch({ baseOffset: from, lastOffset: lastOffsetOf(first, 0), leaderEpoch });
  const rest = first.subarray(BATCH_HEADER_BYTES);
  return rest.length === 0 ? [head, ...others] : [head, rest, ...others];
}

/** Whether the first batch of `views` has no record. */
export const beginsEmpty = (views: readonly Uint8Array[]): boolean =>
  views[0] !== undefined && recordsCountOf(views[0], 0) === 0;

/**
 * Batches for a consumer from `from` on: those in front that compaction has emptied are left out while a record follows
 * below `endOffset`, since some clients make no step over an answer without one. Where none does, what was read last.
 */
export async function readRecords(
  log: { read(from: Offset, bounds: Bounds): Promise<Uint8Array[]> },
  from: Offset,
  bounds: Bounds,
): Promise<Uint8Array[]> {
  for (let at = from; ; ) {
    const views = await log.read(at, bounds);
    if (!beginsEmpty(views)) return views;
    const records = withoutEmptyHead(views);
    if (records.length > 0) return records;
    const end = endOf(views);
    if (end >= bounds.endOffset) return views;
    at = end;
  }
}

function withoutEmptyHead(views: readonly Uint8Array[]): Uint8Array[] {
  for (const [index, view] of views.entries()) {
    for (const at of batchPositions(view)) {
      if (recordsCountOf(view, at) > 0) return [view.subarray(at), ...views.slice(index + 1)];
    }
  }
  return [];
}

function endOf(views: readonly Uint8Array[]): Offset {
  const last = views.at(-1)!;
  let end = 0;
  for (const at of batchPositions(last)) end = lastOffsetOf(last, at) + 1;
  return end as Offset;
}
