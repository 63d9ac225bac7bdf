import type { Offset } from "../base/ids.ts";

const INT32_MAX = 2 ** 31 - 1;

/** One closed segment as compaction sees it. */
export interface PlannedSegment {
  readonly baseOffset: Offset;
  /** Offset after its last record. */
  readonly endOffset: Offset;
  readonly sizeBytes: number;
  /** Greatest timestamp of its records; −1 when it holds none. */
  readonly maxTimestampMs: number;
}

/**
 * How many segments, oldest first, may be compacted: all committed, and no record younger than
 * `min.compaction.lag.ms`. The active segment is not among them.
 */
export function cleanableCount(
  closed: readonly PlannedSegment[],
  limits: { readonly highWatermark: Offset; readonly minLagMs: number; readonly nowMs: number },
): number {
  const isTooYoung = ({ maxTimestampMs }: PlannedSegment): boolean =>
    limits.minLagMs > 0 && maxTimestampMs > limits.nowMs - limits.minLagMs;
  const index = closed.findIndex((segment) => segment.endOffset > limits.highWatermark || isTooYoung(segment));
  return index < 0 ? closed.length : index;
}

/** Which part of the bytes was never compacted: 0 to 1; 0 when there is nothing. Source: min.cleanable.dirty.ratio. */
export function dirtyRatio(segments: readonly PlannedSegment[], cleanedEnd: Offset): number {
  let allBytes = 0;
  let dirtyBytes = 0;
  for (const { endOffset, sizeBytes } of segments) {
    allBytes += sizeBytes;
    if (endOffset > cleanedEnd) dirtyBytes += sizeBytes;
  }
  return allBytes === 0 ? 0 : dirtyBytes / allBytes;
}

/** Neighbours that fit into one segment together, so that what is left of many does not stay in as many files. */
export function groupSegments<S extends PlannedSegment>(segments: readonly S[], segmentBytes: number): S[][] {
  const groups: S[][] = [];
  let bytes = 0;
  for (const segment of segments) {
    const group = groups.at(-1);
    const first = group?.[0];
    const fits =
      first !== undefined &&
      bytes + segment.sizeBytes <= segmentBytes &&
      segment.endOffset - 1 - first.baseOffset <= INT32_MAX;
    if (group !== undefined && fits) {
      group.push(segment);
      bytes += segment.sizeBytes;
    } else {
      groups.push([segment]);
      bytes = segment.sizeBytes;
    }
  }
  return groups;
}
