import { expect, test } from "@jest/globals";
import { buildBatch } from "./record-batch-builder.ts";
import { recordsOf } from "./record-batch-records.ts";
import { validateBatch } from "./record-batch-validation.ts";
import { RecordBatchWriter, recordBytesMax, type WrittenRecord } from "./record-batch-writer.ts";

const bytes = (text: string): Buffer => Buffer.from(text, "utf8");
const NOW = 1_700_000_000_000;

const records: readonly WrittenRecord[] = [
  { key: bytes("k"), value: bytes("v"), timestamp: NOW, headers: [] },
  { key: null, value: null, timestamp: NOW - 5_000_000_000, headers: [{ key: bytes("h"), value: null }] },
  { key: bytes(""), value: bytes("x".repeat(70_000)), timestamp: NOW + 3_000_000_000, headers: [] },
  ...Array.from({ length: 300 }, (_, index) => ({
    key: bytes(`key ${index}`),
    value: bytes("é".repeat(index)),
    timestamp: NOW + index,
    headers: [{ key: bytes("name"), value: bytes(String(index)) }],
  })),
];

const text = (field: Uint8Array | null): string | null => (field === null ? null : Buffer.from(field).toString());

interface Content {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly { readonly key: Uint8Array | string; readonly value: Uint8Array | null }[];
}

const contentOf = ({ key, value, headers }: Content): unknown => [
  text(key),
  text(value),
  headers.map((header) => [String(header.key), text(header.value)]),
];

test("a batch that was written record by record is the one that is built of all of them", () => {
  const writer = new RecordBatchWriter();
  for (const record of records) {
    const before = writer.sizeBytes;
    writer.add(record);
    expect(writer.sizeBytes - before).toBeLessThanOrEqual(recordBytesMax(record));
  }
  const batch = writer.batch({ producer: { id: 7, epoch: 0, baseSequence: 40 } });
  const built = buildBatch(
    records.map((record) => ({ ...record, headers: record.headers.map((one) => ({ ...one, key: String(one.key) })) })),
    { producer: { id: 7, epoch: 0, baseSequence: 40 } },
  );
  expect(batch.equals(built)).toBe(true);
  expect(batch.length).toBe(writer.sizeBytes);
  const limits = { maxBatchBytes: 1e6, requiresKeys: false, timestampMin: 0, timestampMax: 1e14 };
  expect(validateBatch(batch, limits)).toBeUndefined();
  expect([...recordsOf(batch)].map(({ timestamp }) => timestamp)).toEqual(records.map(({ timestamp }) => timestamp));
  expect([...recordsOf(batch)].map(contentOf)).toEqual(records.map(contentOf));
});

test("a batch is in memory of its own each time: what its log stamps is not sent again", () => {
  const writer = new RecordBatchWriter();
  writer.add(records[0]!);
  const session = { producer: { id: 1, epoch: 0, baseSequence: 0 } };
  const first = writer.batch(session);
  const pristine = Buffer.from(first);
  first.fill(0xff);
  expect(writer.batch(session).equals(pristine)).toBe(true);
});
