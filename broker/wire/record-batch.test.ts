import { describe, expect, test } from "@jest/globals";
import type { LeaderEpoch, Offset, TimestampMs } from "../base/ids.ts";
import { decompress } from "./compression.ts";
import { kafkaErrors } from "./error-codes.ts";
import type { CompressionName } from "./record-batch.ts";
import * as batch from "./record-batch.ts";
import type { RecordDraft } from "./record-batch-builder.ts";
import { buildBatch } from "./record-batch-builder.ts";
import type { BatchOptions } from "./record-batch-writer.ts";
import { findByTimestamp, recordsOf } from "./record-batch-records.ts";
import type { BatchLimits } from "./record-batch-validation.ts";
import { validateBatch } from "./record-batch-validation.ts";

const limits: BatchLimits = { maxBatchBytes: 1_000_000, requiresKeys: false, timestampMin: 0, timestampMax: 1e14 };
const codecs: readonly CompressionName[] = ["none", "gzip", "snappy", "lz4", "zstd"];

const some = (count: number): RecordDraft[] =>
  Array.from({ length: count }, (_, index) => ({
    key: index % 2 === 0 ? `key ${index}` : null,
    value: index % 3 === 0 ? null : `value ${index}`.repeat(index),
    timestamp: 1_700_000_000_000 + (index % 5) * 1_000,
    headers:
      index % 4 === 0
        ? [
            { key: "h", value: "x" },
            { key: "ü", value: null },
          ]
        : [],
  }));

/** A batch whose bytes were changed, its CRC made right again. */
function changed(source: Buffer, change: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(source);
  change(bytes);
  bytes.writeUInt32BE(batch.computeCrc(bytes, 0), 17);
  return bytes;
}

const codeOf = (bytes: Uint8Array, changes: Partial<BatchLimits> = {}): number =>
  validateBatch(bytes, { ...limits, ...changes })?.code ?? 0;

describe("a built batch", () => {
  test.each(codecs)("compressed with %s is sound and gives its records back", (compression) => {
    const records = some(50);
    const bytes = buildBatch(records, { compression });
    expect(validateBatch(bytes, limits)).toBeUndefined();
    const opened = [...recordsOf(bytes)].map(({ offset, timestamp, key, value, headers }) => ({
      offset,
      timestamp,
      key: key === null ? null : Buffer.from(key).toString(),
      value: value === null ? null : Buffer.from(value).toString(),
      headers: headers.map((header) => ({
        ...header,
        value: header.value === null ? null : Buffer.from(header.value).toString(),
      })),
    }));
    expect(opened).toEqual(records.map((record, index) => ({ offset: index, ...record })));
  });

  test("says in its header what it holds", () => {
    const options: BatchOptions = {
      producer: { id: 2 ** 40, epoch: 7, baseSequence: 2 ** 31 - 2 },
      compression: "lz4",
      isTransactional: true,
    };
    const bytes = buildBatch(some(5), options);
    expect(batch.sizeBytesOf(bytes, 0)).toBe(bytes.length);
    expect(batch.baseOffsetOf(bytes, 0)).toBe(0);
    expect(batch.leaderEpochOf(bytes, 0)).toBe(-1);
    expect(batch.magicOf(bytes, 0)).toBe(2);
    expect(batch.hasValidCrc(bytes, 0)).toBe(true);
    expect(batch.lastOffsetDeltaOf(bytes, 0)).toBe(4);
    expect(batch.baseTimestampOf(bytes, 0)).toBe(1_700_000_000_000);
    expect(batch.maxTimestampOf(bytes, 0)).toBe(1_700_000_004_000);
    expect(batch.producerIdOf(bytes, 0)).toBe(2 ** 40);
    expect(batch.producerEpochOf(bytes, 0)).toBe(7);
    expect(batch.baseSequenceOf(bytes, 0)).toBe(2 ** 31 - 2);
    expect(batch.lastSequenceOf(bytes, 0)).toBe(2);
    expect(batch.recordsCountOf(bytes, 0)).toBe(5);
    expect(batch.compressionOf(bytes, 0)).toBe(3);
    expect([batch.isTransactional(bytes, 0), batch.isControl(bytes, 0)]).toEqual([true, false]);
  });

  test("keeps its CRC when the leader stamps offset and epoch", () => {
    const bytes = buildBatch(some(5));
    batch.stampPosition(bytes, 0, { baseOffset: (2 ** 33 + 5) as Offset, leaderEpoch: 9 as LeaderEpoch });
    expect(batch.hasValidCrc(bytes, 0)).toBe(true);
    expect(batch.baseOffsetOf(bytes, 0)).toBe(2 ** 33 + 5);
    expect(batch.lastOffsetOf(bytes, 0)).toBe(2 ** 33 + 9);
    expect(batch.leaderEpochOf(bytes, 0)).toBe(9);
    expect([...recordsOf(bytes)].map(({ offset }) => offset - 2 ** 33)).toEqual([5, 6, 7, 8, 9]);
  });

  test("carries the broker's time for all records under LogAppendTime", () => {
    const bytes = buildBatch(some(3));
    batch.stampLogAppendTime(bytes, 0, 1_800_000_000_000 as TimestampMs);
    expect(batch.hasValidCrc(bytes, 0)).toBe(true);
    expect(batch.hasLogAppendTime(bytes, 0)).toBe(true);
    expect([...recordsOf(bytes)].map(({ timestamp }) => timestamp)).toEqual(
      Array.from({ length: 3 }, () => 1_800_000_000_000),
    );
  });
});

describe("validation refuses", () => {
  const sound = buildBatch(some(6));

  test.each([
    ["nothing at all", Buffer.alloc(0), kafkaErrors.INVALID_RECORD],
    ["a few bytes", sound.subarray(0, 16), kafkaErrors.CORRUPT_MESSAGE],
    ["a header cut off", sound.subarray(0, 40), kafkaErrors.CORRUPT_MESSAGE],
    ["a batch cut off", sound.subarray(0, sound.length - 1), kafkaErrors.CORRUPT_MESSAGE],
    ["two batches", Buffer.concat([sound, sound]), kafkaErrors.INVALID_RECORD],
    ["magic 0", changed(sound, (bytes) => bytes.writeInt8(0, 16)), kafkaErrors.INVALID_RECORD],
    ["magic 1", changed(sound, (bytes) => bytes.writeInt8(1, 16)), kafkaErrors.INVALID_RECORD],
    ["a negative length", changed(sound, (bytes) => bytes.writeInt32BE(-1, 8)), kafkaErrors.CORRUPT_MESSAGE],
    ["a wrong base offset", changed(sound, (bytes) => bytes.writeInt32BE(1, 4)), kafkaErrors.INVALID_RECORD],
    ["a count of none", changed(sound, (bytes) => bytes.writeInt32BE(0, 57)), kafkaErrors.INVALID_RECORD],
    ["a count that is too high", changed(sound, (bytes) => bytes.writeInt32BE(7, 57)), kafkaErrors.INVALID_RECORD],
    ["a delta that is too low", changed(sound, (bytes) => bytes.writeInt32BE(4, 23)), kafkaErrors.INVALID_RECORD],
    ["a control batch", changed(sound, (bytes) => bytes.writeInt16BE(0x20, 21)), kafkaErrors.INVALID_RECORD],
    ["codec 5", changed(sound, (bytes) => bytes.writeInt16BE(5, 21)), kafkaErrors.UNSUPPORTED_COMPRESSION_TYPE],
    ["LogAppendTime", changed(sound, (bytes) => bytes.writeInt16BE(8, 21)), kafkaErrors.INVALID_TIMESTAMP],
    [
      "a producer without a sequence",
      changed(sound, (bytes) => bytes.writeBigInt64BE(1n, 43)),
      kafkaErrors.INVALID_RECORD,
    ],
    [
      "a transaction without a producer",
      changed(sound, (bytes) => bytes.writeInt16BE(16, 21)),
      kafkaErrors.INVALID_RECORD,
    ],
  ])("%s", (_what, bytes, code) => {
    expect(codeOf(bytes)).toBe(code);
  });

  test("any flipped bit behind the CRC, as corrupt", () => {
    const codes = new Set<number>();
    for (let at = 21; at < sound.length; at++) {
      const bytes = Buffer.from(sound);
      bytes[at] = bytes[at]! ^ 0x10;
      codes.add(codeOf(bytes));
    }
    expect([...codes]).toEqual([kafkaErrors.CORRUPT_MESSAGE]);
  });

  test("a batch above the limit, as too large", () => {
    expect(codeOf(sound, { maxBatchBytes: sound.length - 1 })).toBe(kafkaErrors.MESSAGE_TOO_LARGE);
    expect(codeOf(sound, { maxBatchBytes: sound.length })).toBe(0);
  });

  test.each(codecs)("a record without a key where keys are required, by its index (%s)", (compression) => {
    const bytes = buildBatch(some(6), { compression });
    expect(validateBatch(bytes, { ...limits, requiresKeys: true })).toMatchObject({
      code: kafkaErrors.INVALID_RECORD,
      recordIndex: 1,
    });
    const keyed = buildBatch(
      some(6).map((record) => ({ ...record, key: "k" })),
      { compression },
    );
    expect(codeOf(keyed, { requiresKeys: true })).toBe(0);
  });

  test("timestamps outside what the topic allows", () => {
    expect(codeOf(sound, { timestampMax: 1_700_000_004_000 })).toBe(0);
    expect(codeOf(sound, { timestampMax: 1_700_000_003_999 })).toBe(kafkaErrors.INVALID_TIMESTAMP);
    expect(codeOf(sound, { timestampMin: 1_700_000_000_001 })).toBe(kafkaErrors.INVALID_TIMESTAMP);
    expect(codeOf(buildBatch([{ value: "x", timestamp: -1 }]))).toBe(0);
  });

  test("records that are damaged in any byte, or accepts them as other records, and never throws", () => {
    const codes = new Set<number>();
    for (let at = batch.BATCH_HEADER_BYTES; at < sound.length; at++) {
      for (const byte of [0, 1, 0x7f, 0x80, 0xff])
        codes.add(codeOf(changed(sound, (bytes) => bytes.writeUInt8(byte, at))));
    }
    expect(codes).toEqual(new Set([kafkaErrors.NONE, kafkaErrors.INVALID_RECORD]));
  });
});

test("a greatest timestamp that the records belie is put right, and so is the CRC", () => {
  const bytes = changed(buildBatch(some(6)), (wrong) => wrong.writeInt32BE(0, 35));
  expect(validateBatch(bytes, limits)).toBeUndefined();
  expect(batch.maxTimestampOf(bytes, 0)).toBe(1_700_000_004_000);
  expect(batch.hasValidCrc(bytes, 0)).toBe(true);
});

test("batches that follow one another are found, up to the first that is cut off", () => {
  const first = buildBatch(some(2));
  const second = buildBatch(some(3));
  const bytes = Buffer.concat([first, second, first.subarray(0, first.length - 1)]);
  expect([...batch.batchPositions(bytes)]).toEqual([0, first.length]);
  expect(batch.batchEnd(bytes, first.length + second.length, bytes.length)).toBe(-1);
  expect(batch.batchEnd(Buffer.alloc(100), 0, 100)).toBe(-1);
});

test("the first record at or after a time is found", () => {
  const bytes = buildBatch(some(6));
  const find = (time: number) => findByTimestamp(bytes, 0, time as TimestampMs);
  expect(find(0)).toEqual({ offset: 0, timestamp: 1_700_000_000_000 });
  expect(find(1_700_000_002_500)).toEqual({ offset: 3, timestamp: 1_700_000_003_000 });
  expect(find(1_700_000_004_001)).toBeUndefined();
});

describe("decompression", () => {
  const plain = Buffer.alloc(300_000, "tide");

  test.each([1, 2, 3, 4])("of codec %i stops at the limit it is given", (codec) => {
    const name = codecs[codec] ?? "none";
    const bytes = buildBatch([{ value: plain, timestamp: 0 }], { compression: name });
    const body = bytes.subarray(batch.BATCH_HEADER_BYTES);
    expect(decompress(codec, body).length).toBeGreaterThan(300_000);
    expect(() => decompress(codec, body, 299_999)).toThrow(/open to|larger than/u);
  });

  test.each([1, 2, 3, 4, 5])("of codec %i refuses garbage and cut-off bodies cleanly", (codec) => {
    expect(() => decompress(codec, Buffer.from("no such format at all"))).toThrow(
      /decompress|snappy|LZ4|codec|open to/u,
    );
    expect(() => decompress(codec, Buffer.alloc(0))).toThrow(/decompress|snappy|LZ4|codec/u);
  });

  test("opens snappy in the framing of Java's clients", () => {
    const block = buildBatch([{ value: plain, timestamp: 0 }], { compression: "snappy" }).subarray(
      batch.BATCH_HEADER_BYTES,
    );
    const length = Buffer.alloc(4);
    length.writeUInt32BE(block.length);
    const header = Buffer.from("82534e41505059000000000100000001", "hex");
    const opened = decompress(2, Buffer.concat([header, length, block, length, block]));
    expect(opened.length).toBe(2 * decompress(2, block).length);
    expect(() => decompress(2, Buffer.concat([header, length, block.subarray(1)]))).toThrow("cut off");
  });
});
