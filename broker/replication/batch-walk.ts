import { assert } from "../base/assert.ts";
import type { Offset } from "../base/ids.ts";

/** Where the fields of a v2 batch header stand that replication looks at (Kafka's record format). */
const LENGTH_AT = 8;
const LAST_OFFSET_DELTA_AT = 23;
const HEADER_BYTES = 61;
/** Base offset and length, which the length does not count. */
const LENGTH_OVERHEAD = 12;
const TWO_32 = 0x1_0000_0000;

/** Next offset after the last of the whole batches in `chunk`, which the log gave out. */
export function offsetAfter(chunk: Uint8Array): Offset {
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  let at = 0;
  let next = -1;
  while (at < chunk.length) {
    assert(chunk.length - at >= HEADER_BYTES, "the log gives out whole batches");
    next = view.getInt32(at) * TWO_32 + view.getUint32(at + 4) + view.getInt32(at + LAST_OFFSET_DELTA_AT) + 1;
    at += LENGTH_OVERHEAD + view.getInt32(at + LENGTH_AT);
  }
  assert(at === chunk.length && next > 0, "the log gives out whole batches");
  return next as Offset;
}
