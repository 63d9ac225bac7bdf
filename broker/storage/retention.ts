import type { Offset } from "../base/ids.ts";

/** One segment as retention sees it. */
export interface RetentionSegment {
  readonly sizeBytes: number;
  /** Greatest timestamp of its records; −1 when it holds none or none is known: then it goes with those behind it. */
  readonly maxTimestampMs: number;
  /** Offset after its last record. */
  readonly endOffset: Offset;
}

export interface RetentionLimits {
  /** −1 = for ever. */
  readonly retentionMs: number;
  /** −1 = without bound. */
  readonly retentionBytes: number;
  readonly logStart: Offset;
  readonly highWatermark: Offset;
  readonly nowMs: number;
}

/**
 * How many segments, oldest first, may go: those too old, those whose absence still leaves `retentionBytes`, and those
 * wholly below the log start; never one that holds a record at or above the high watermark. The active segment (the
 * last) counts as any other: whoever deletes it rolls first. Source: Kafka's retention.ms and retention.bytes.
 */
export function deletableSegments(segments: readonly RetentionSegment[], limits: RetentionLimits): number {
  const count = Math.max(tooOld(segments, limits), tooMuch(segments, limits), belowStart(segments, limits.logStart));
  const committed = prefixLength(segments, (segment) => segment.endOffset <= limits.highWatermark);
  return Math.min(count, committed);
}

function tooOld(segments: readonly RetentionSegment[], limits: RetentionLimits): number {
  if (limits.retentionMs < 0) return 0;
  const isTooOld = ({ maxTimestampMs }: RetentionSegment): boolean =>
    limits.nowMs - maxTimestampMs > limits.retentionMs;
  const prefix = segments.slice(0, prefixLength(segments, isTooOld));
  // One without a time is as old as those behind it, which compaction may have left nothing else of.
  return prefix.findLastIndex(({ maxTimestampMs }) => maxTimestampMs >= 0) + 1;
}

function tooMuch(segments: readonly RetentionSegment[], limits: RetentionLimits): number {
  if (limits.retentionBytes < 0) return 0;
  let excessBytes = segments.reduce((sum, segment) => sum + segment.sizeBytes, 0) - limits.retentionBytes;
  return prefixLength(segments, (segment) => {
    excessBytes -= segment.sizeBytes;
    return segment.sizeBytes > 0 && excessBytes >= 0;
  });
}

const belowStart = (segments: readonly RetentionSegment[], logStart: Offset): number =>
  // The active segment stays for this reason: a log that starts at its end is an empty one, not one to roll.
  prefixLength(segments.slice(0, -1), (segment) => segment.endOffset <= logStart);

function prefixLength<T>(list: readonly T[], holds: (item: T) => boolean): number {
  const index = list.findIndex((item) => !holds(item));
  return index < 0 ? list.length : index;
}
