import { type BatchOptions, RecordBatchWriter } from "./record-batch-writer.ts";

/** One record to put into a batch. Strings are written as UTF-8. */
export interface RecordDraft {
  readonly key?: Uint8Array | string | null | undefined;
  readonly value: Uint8Array | string | null;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly headers?: readonly { readonly key: string; readonly value: Uint8Array | string | null }[];
}

/** Builds a batch as a client sends it: base offset 0, no leader epoch, CRC computed. At least one record. */
export function buildBatch(records: readonly RecordDraft[], options: BatchOptions = {}): Buffer {
  const writer = new RecordBatchWriter();
  for (const { key = null, value, timestamp, headers = [] } of records) {
    const written = headers.map((header) => ({ key: Buffer.from(header.key), value: bytesOf(header.value) }));
    writer.add({ key: bytesOf(key), value: bytesOf(value), timestamp, headers: written });
  }
  return writer.batch(options);
}

const bytesOf = (value: Uint8Array | string | null): Uint8Array | null =>
  typeof value === "string" ? Buffer.from(value, "utf8") : value;
