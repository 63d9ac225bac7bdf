import { baseOffsetOf, crcOf, lastOffsetDeltaOf } from "../../../broker/wire/record-batch.ts";
import { type OpenedRecord, recordsOf } from "../../../broker/wire/record-batch-records.ts";

/** Stands where a replica keeps the place of an offset whose record compaction has taken out. No record's name. */
export const GONE = -1;

/** Names a record wherever it is seen: its batch's CRC and its place in the batch. Contents are all different. */
const nameInBatch = (crc: number, place: number): number => place * 0x1_0000_0000 + crc;

/** What a record of a compacted topic is, as far as compaction looks at it. */
export interface KeyedRecord {
  readonly key: string;
  readonly isTombstone: boolean;
  readonly timestampMs: number;
}

/**
 * Names records by their own time, key, value and headers: compaction changes batches around records, and never a
 * record. Equal names are equal bytes.
 */
export class ContentNames {
  readonly #names = new Map<string, number>();
  readonly #records: KeyedRecord[] = [];

  nameOf({ timestamp, key, value, headers }: OpenedRecord): number {
    const said = headers.map((header) => [header.key, textOf(header.value)]);
    const content = JSON.stringify([timestamp, textOf(key), textOf(value), said]);
    const known = this.#names.get(content);
    if (known !== undefined) return known;
    this.#names.set(content, this.#records.length);
    return this.#records.push({ key: textOf(key) ?? "", isTombstone: value === null, timestampMs: timestamp }) - 1;
  }

  record(name: number): KeyedRecord | undefined {
    return this.#records[name];
  }
}

const textOf = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes).toString("latin1");

/** The names of the records of the batch at `at`, by their place in it. */
export type NamesOf = (bytes: Uint8Array, at: number) => number[];

/** Of a topic whose batches stay as their producers made them. */
export const namesInBatch: NamesOf = (bytes, at) => {
  const crc = crcOf(bytes, at);
  return Array.from({ length: lastOffsetDeltaOf(bytes, at) + 1 }, (_, place) => nameInBatch(crc, place));
};

/** Of a compacted topic: `GONE` where a record was. */
export function namesByContent(contents: ContentNames): NamesOf {
  return (bytes, at) => {
    const names = new Array<number>(lastOffsetDeltaOf(bytes, at) + 1).fill(GONE);
    const baseOffset = baseOffsetOf(bytes, at);
    for (const record of recordsOf(bytes, at)) names[record.offset - baseOffset] = contents.nameOf(record);
    return names;
  };
}
