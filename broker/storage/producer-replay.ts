import type { Offset } from "../base/ids.ts";
import { lastOffsetOf } from "../wire/record-batch.ts";
import { scanBatches } from "./batch-scan.ts";
import type { KnownProducers } from "./producer-rebuild.ts";
import type { Segment } from "./segment.ts";
import type { SharedStorage } from "./shared-storage.ts";

/**
 * Reads the batches at and above `known.upTo` into `known.states`, in the last of `segments` only those before
 * `endPosition`. All of them must be written.
 */
export async function replayProducers(
  shared: SharedStorage,
  log: {
    readonly segments: readonly Segment[];
    readonly known: KnownProducers;
    readonly nowMs: number;
    readonly endPosition?: number;
  },
): Promise<{ readBytes: number }> {
  const { states, upTo } = log.known;
  let readBytes = 0;
  for (const segment of log.segments) {
    const isLast = segment === log.segments.at(-1);
    const to = isLast ? (log.endPosition ?? segment.writtenBytes) : segment.writtenBytes;
    if (segment.endOffset <= upTo || !segment.isOnDisk) continue;
    const from = upTo > segment.baseOffset ? ((await segment.offsetIndex.lookup(upTo))?.position ?? 0) : 0;
    if (from >= to) continue;
    const note = (bytes: Uint8Array, at: number): boolean => {
      const lastOffset: Offset = lastOffsetOf(bytes, at);
      if (lastOffset >= upTo) states.update(bytes, at, { lastOffset, nowMs: log.nowMs });
      return true;
    };
    const end = await shared.files.useExisting(segment.path, (file) => scanBatches(file, { from, to }, note));
    readBytes += end.readBytes;
  }
  return { readBytes };
}
