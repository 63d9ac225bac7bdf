import { describe, expect, test } from "@jest/globals";
import type { LeaderEpoch, Offset } from "../base/ids.ts";
import {
  baseOffsetOf,
  deleteHorizonOf,
  hasValidCrc,
  lastOffsetOf,
  leaderEpochOf,
  maxTimestampOf,
  producerEpochOf,
  producerIdOf,
  lastSequenceOf,
  recordsCountOf,
  stampLogAppendTime,
  stampPosition,
} from "./record-batch.ts";
import { buildBatch } from "./record-batch-builder.ts";
import type { BatchOptions } from "./record-batch-writer.ts";
import { recordsOf } from "./record-batch-records.ts";
import { type FilterRules, filterBatch, withoutRecords } from "./record-filter.ts";

const codecs = ["none", "gzip", "snappy", "lz4", "zstd"] as const;
const producer = { id: 2 ** 40, epoch: 3, baseSequence: 20 };

function batchOf(options: BatchOptions = {}): Buffer {
  const batch = buildBatch(
    [
      { key: "a", value: "1", timestamp: 5000, headers: [{ key: "h", value: "x" }] },
      { key: "b", value: null, timestamp: 4000 },
      { key: null, value: "3", timestamp: 9000 },
      { key: "d".repeat(200), value: "4", timestamp: 6000 },
    ],
    options,
  );
  stampPosition(batch, 0, { baseOffset: 100 as Offset, leaderEpoch: 7 as LeaderEpoch });
  return batch;
}

const rulesOf = (keeps: (offset: number) => boolean, deleteHorizonMs = 0): FilterRules => ({
  keeps: ({ offset }) => keeps(offset),
  expires: ({ hasValue }) => !hasValue && deleteHorizonMs > 0,
  deleteHorizonMs,
});

function rewritten(batch: Uint8Array, rules: FilterRules): Uint8Array {
  const result = filterBatch(batch, 0, rules);
  if (result.kind !== "rewritten") throw new Error(`it is ${result.kind}`);
  return result.bytes;
}

describe.each(codecs)("a batch in %s", (compression) => {
  test("loses records, and keeps everything else where it was", () => {
    const batch = batchOf({ compression, producer });
    const left = rewritten(
      batch,
      rulesOf((offset) => offset !== 102),
    );
    expect(hasValidCrc(left, 0)).toBe(true);
    expect([baseOffsetOf(left, 0), lastOffsetOf(left, 0), leaderEpochOf(left, 0)]).toEqual([100, 103, 7]);
    expect([producerIdOf(left, 0), producerEpochOf(left, 0), lastSequenceOf(left, 0)]).toEqual([2 ** 40, 3, 23]);
    const all = [...recordsOf(batch)];
    expect([...recordsOf(left)]).toEqual([all[0], all[1], all[3]]);
    // The latest of what is left.
    expect(maxTimestampOf(left, 0)).toBe(6000);
  });

  test("gets a delete horizon with its first tombstone, and its records keep their times", () => {
    const batch = batchOf({ compression });
    const rules = rulesOf((offset) => offset !== 100, 1_700_000_000_000);
    const left = rewritten(batch, rules);
    expect(deleteHorizonOf(left, 0)).toBe(1_700_000_000_000);
    expect(hasValidCrc(left, 0)).toBe(true);
    expect([...recordsOf(left)]).toEqual([...recordsOf(batch)].slice(1));
    // Once set, it stays.
    expect(filterBatch(left, 0, { ...rules, deleteHorizonMs: 1_800_000_000_000 }).kind).toBe("same");
  });

  test("of which all is kept, or nothing, is told so", () => {
    const batch = batchOf({ compression });
    expect(
      filterBatch(
        batch,
        0,
        rulesOf(() => true),
      ).kind,
    ).toBe("same");
    expect(
      filterBatch(
        batch,
        0,
        rulesOf(() => false),
      ).kind,
    ).toBe("empty");
  });
});

test("under LogAppendTime the time of the append stays that of all", () => {
  const batch = batchOf();
  stampLogAppendTime(batch, 0, 777_777 as never);
  const left = rewritten(
    batch,
    rulesOf((offset) => offset !== 102),
  );
  expect(maxTimestampOf(left, 0)).toBe(777_777);
  expect([...recordsOf(left)].map(({ timestamp }) => timestamp)).toEqual([777_777, 777_777, 777_777]);
});

test("a batch without its records keeps its place and its producer", () => {
  const header = withoutRecords(batchOf({ compression: "zstd", producer }), 0);
  expect(header).toHaveLength(61);
  expect(hasValidCrc(header, 0)).toBe(true);
  expect([baseOffsetOf(header, 0), lastOffsetOf(header, 0), recordsCountOf(header, 0)]).toEqual([100, 103, 0]);
  expect([producerIdOf(header, 0), producerEpochOf(header, 0), lastSequenceOf(header, 0)]).toEqual([2 ** 40, 3, 23]);
  expect([...recordsOf(header)]).toEqual([]);
});

test.each([
  ["a record that reaches beyond the batch", 61, 0xfe],
  ["more records than announced", 60, 3],
])("%s is malformed", (_, at, value) => {
  const broken = batchOf().slice();
  broken[at] = value;
  const rules = rulesOf(() => true);
  expect(() => filterBatch(broken, 0, rules)).toThrow(/record/);
});

test("a record whose time cannot be told against a delete horizon keeps its time, and its batch has none", () => {
  const batch = buildBatch([
    { key: "a", value: "1", timestamp: Number.MIN_SAFE_INTEGER + 1 },
    { key: "a", value: null, timestamp: Number.MIN_SAFE_INTEGER + 1 },
  ]);
  const left = rewritten(
    batch,
    rulesOf((offset) => offset === 1, 1_700_000_000_000),
  );
  expect(deleteHorizonOf(left, 0)).toBeNull();
  expect([...recordsOf(left)]).toMatchObject([{ offset: 1, timestamp: Number.MIN_SAFE_INTEGER + 1 }]);
});
