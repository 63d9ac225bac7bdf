import type { Offset } from "../base/ids.ts";
import { lastOffsetOf } from "../wire/record-batch.ts";
import { scanBatches } from "./batch-scan.ts";
import type { KnownProducers } from "./producer-rebuild.ts";
import type { Segment } from "./segment.ts";
import type { SharedStorage } from "./shared-storage.ts";

/** Reads the batches at and above `known.upTo` into `known.states`. All of them must be written. */
export async function replayProducers(
  shared: SharedStorage,
  log: { readonly segments: readonly Segment[]; readonly known: KnownProducers; readonly nowMs: number },
): Promise<{ readBytes: number }> {
  const { states, upTo } = log.known;
  let readBytes = 0;
  for (const segment of log.segments) {
    if (segment.endOffset <= upTo || !segment.isOnDisk || segment.writtenBytes === 0) continue;
    const from = upTo > segment.baseOffset ? ((await segment.offsetIndex.lookup(upTo))?.position ?? 0) : 0;
    const note = (bytes: Uint8Array, at: number): boolean => {
      const lastOffset: Offset = lastOffsetOf(bytes, at);
      if (lastOffset >= upTo) states.update(bytes, at, { lastOffset, nowMs: log.nowMs });
      return true;
    };
    const end = await shared.files.useExisting(segment.path, (file) =>
      scanBatches(file, { from, to: segment.writtenBytes }, note),
    );
    readBytes += end.readBytes;
  }
  return { readBytes };
}
