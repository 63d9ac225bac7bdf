import { assert } from "../base/assert.ts";
import type { Offset } from "../base/ids.ts";
import { BATCH_HEADER_BYTES, lastOffsetOf, sizeBytesOf } from "../wire/record-batch.ts";

/** Next offset after the last of the whole batches in `chunk`, which the log gave out. */
export function offsetAfter(chunk: Uint8Array): Offset {
  let at = 0;
  let next = -1;
  while (at < chunk.length) {
    assert(chunk.length - at >= BATCH_HEADER_BYTES, "the log gives out whole batches");
    next = lastOffsetOf(chunk, at) + 1;
    const sizeBytes = sizeBytesOf(chunk, at);
    assert(sizeBytes >= BATCH_HEADER_BYTES, "the log gives out sound batches");
    at += sizeBytes;
  }
  assert(at === chunk.length && next > 0, "the log gives out whole batches");
  return next as Offset;
}
