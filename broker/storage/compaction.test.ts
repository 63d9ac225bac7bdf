import { describe, expect, test } from "@jest/globals";
import { TidemarkError } from "../base/errors.ts";
import { settle } from "../base/testing/fake-clock.ts";
import { type LeaderEpoch, type Offset, offset } from "../base/ids.ts";
import {
  baseOffsetOf,
  batchPositions,
  deleteHorizonOf,
  emptyBatch,
  lastOffsetOf,
  maxTimestampOf,
  recordsCountOf,
} from "../wire/record-batch.ts";
import { recordsOf } from "../wire/record-batch-records.ts";
import type { KeyJob, RewriteJob } from "../ports/compactor.ts";
import { readRecords } from "./record-read.ts";
import { SegmentCleaner } from "./segment-cleaner.ts";
import { holdFirstRead, sizesOfReads } from "./testing/watched-reads.ts";
import { LogFixture } from "./testing/log-fixture.ts";

const small = { segmentBytes: 400, indexIntervalBytes: 100, isCompacted: true, deletesOld: false } as const;

/** Every record that is there, as "offset:key=value", off the disk. */
async function recordsIn(fixture: LogFixture): Promise<string[]> {
  const found: string[] = [];
  for (const view of await fixture.readAll()) {
    for (const at of batchPositions(view)) {
      for (const { offset: place, key, value } of recordsOf(view, at)) {
        found.push(`${place}:${textOf(key)}=${value === null ? "" : textOf(value)}`);
      }
    }
  }
  return found;
}

const textOf = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString();

/** Base, last offset and record count of every batch. */
async function batchesIn(fixture: LogFixture): Promise<[number, number, number][]> {
  const found: [number, number, number][] = [];
  for (const view of await fixture.readAll()) {
    for (const at of batchPositions(view)) {
      found.push([baseOffsetOf(view, at), lastOffsetOf(view, at), recordsCountOf(view, at)]);
    }
  }
  return found;
}

async function opened(config: ConstructorParameters<typeof LogFixture>[0] = small): Promise<LogFixture> {
  const fixture = new LogFixture(config);
  await fixture.open();
  fixture.log.setTailBytesMax(0);
  return fixture;
}

/** Leaves the active segment behind. */
async function roll(fixture: LogFixture, epoch = 0): Promise<void> {
  const before = fixture.log.segmentCount;
  for (let index = 0; fixture.log.segmentCount === before; index++)
    fixture.appendKeyed([[`filler-${index}`, "x"]], { epoch });
  await fixture.written();
}

describe("compaction", () => {
  test("leaves of each key the newest record at its offset, in every codec", async () => {
    for (const compression of ["none", "gzip", "snappy", "lz4", "zstd"] as const) {
      const fixture = await opened({ ...small, segmentBytes: 2000 });
      fixture.appendKeyed(
        [
          ["a", "1"],
          ["b", "1"],
          ["a", "2"],
        ],
        { compression },
      );
      fixture.appendKeyed(
        [
          ["c", "1"],
          ["b", "2"],
        ],
        { compression },
      );
      fixture.appendKeyed(
        [
          ["a", "3"],
          ["d", "1"],
        ],
        { compression },
      );
      await roll(fixture);
      const before = await recordsIn(fixture);
      expect(await fixture.compact()).toMatchObject({ outcome: "done" });
      const stays = ["3:c=1", "4:b=2", "5:a=3", "6:d=1"];
      expect((await recordsIn(fixture)).slice(0, 4)).toEqual(stays);
      expect(await recordsIn(fixture)).toEqual([...stays, ...before.slice(7)]);
      await fixture.log.close();
      await fixture.open({ checkpoint: null });
      expect(fixture.recovery).toMatchObject({ cutBytes: 0, isDamaged: false });
      expect(await recordsIn(fixture)).toEqual([...stays, ...before.slice(7)]);
    }
  });

  test("is seen by readers of what was still in memory", async () => {
    const fixture = await opened();
    fixture.log.setTailBytesMax(1_000_000);
    fixture.appendKeyed([["a", "old"]]);
    fixture.appendKeyed([["a", null]]);
    await roll(fixture);
    expect((await recordsIn(fixture)).slice(0, 2)).toEqual(["0:a=old", "1:a="]);
    await fixture.compact();
    expect((await recordsIn(fixture)).slice(0, 1)).toEqual(["1:a="]);
    // What was not compacted is given from memory as before.
    const last = offset(fixture.log.logEnd - 1);
    expect(fixture.log.readTail(last, { endOffset: fixture.log.logEnd, maxBytes: 1000 })).toHaveLength(1);
  });

  test("leaves no gap: emptied neighbours of one leader epoch become one batch", async () => {
    const fixture = await opened();
    for (let index = 0; index < 20; index++) fixture.appendKeyed([["a", "old"]], { epoch: index < 7 ? 1 : 2 });
    fixture.appendKeyed([["a", "new"]], { epoch: 2 });
    await roll(fixture, 2);
    const segments = fixture.log.segmentCount;
    // By what the segments had before, the next pass sees that they fit into one.
    await fixture.compact();
    await fixture.compact();
    const batches = await batchesIn(fixture);
    expect(batches.slice(0, 3)).toEqual([
      [0, 6, 0],
      [7, 19, 0],
      [20, 20, 1],
    ]);
    for (const [index, [base]] of batches.entries()) if (index > 0) expect(base).toBe(batches[index - 1]![1] + 1);
    expect(fixture.log.segmentCount).toBeLessThan(segments);
  });

  test("does not look at the active segment, nor at what is not committed", async () => {
    const fixture = await opened();
    for (let index = 0; index < 12; index++) fixture.appendKeyed([["a", String(index)]]);
    await fixture.written();
    const before = await recordsIn(fixture);
    await fixture.compact({ highWatermark: offset(3) });
    expect(await recordsIn(fixture)).toEqual(before);
    await fixture.compact();
    const after = await recordsIn(fixture);
    expect(after.length).toBeLessThan(before.length);
    // The newest in the closed segments, and all of the active one.
    expect(before.slice(-after.length)).toEqual(after);
  });

  test("keeps what is younger than min.compaction.lag.ms, whatever took its place", async () => {
    const fixture = await opened({ ...small, minCompactionLagMs: 1000 });
    for (let index = 0; index < 5; index++) fixture.appendKeyed([["a", String(index)]], { timestamp: 10_000 });
    await roll(fixture);
    const before = await recordsIn(fixture);
    const now = { highWatermark: fixture.log.logEnd, nowMs: 10_500 };
    expect(await fixture.log.compaction.dirtiness(now)).toBeNull();
    await fixture.compact(now);
    expect(await recordsIn(fixture)).toEqual(before);
    await fixture.compact({ nowMs: 11_001 });
    expect((await recordsIn(fixture))[0]).toBe("4:a=4");
  });

  test("counts as dirty what never was compacted, and is overdue after max.compaction.lag.ms", async () => {
    const fixture = await opened({ ...small, maxCompactionLagMs: 5000 });
    for (let index = 0; index < 8; index++) fixture.appendKeyed([[`key-${index}`, "1"]], { timestamp: 1000 });
    await roll(fixture);
    const { compaction, logEnd: highWatermark } = fixture.log;
    expect(await compaction.dirtiness({ highWatermark, nowMs: 6000 })).toEqual({ ratio: 1, isOverdue: false });
    expect(await compaction.dirtiness({ highWatermark, nowMs: 6001 })).toEqual({ ratio: 1, isOverdue: true });
    await fixture.compact();
    expect(await compaction.dirtiness({ highWatermark, nowMs: 9000 })).toBeNull();
    for (let index = 0; index < 3; index++) fixture.appendKeyed([[`key-${index}`, "2"]], { timestamp: 7000 });
    await roll(fixture);
    const again = await compaction.dirtiness({ highWatermark: fixture.log.logEnd, nowMs: 9000 });
    expect(again!.ratio).toBeGreaterThan(0);
    expect(again).toMatchObject({ isOverdue: false });
    expect(again!.ratio).toBeLessThan(1);
  });

  test("is overdue by its newest record where the oldest dirty batch was emptied by the leader", async () => {
    const fixture = await opened({ ...small, maxCompactionLagMs: 5000 });
    const emptied = emptyBatch({ baseOffset: offset(0), lastOffset: offset(9), leaderEpoch: 0 as LeaderEpoch });
    expect(fixture.log.appendAsFollower(emptied)).toEqual({ kind: "appended" });
    await roll(fixture);
    const { compaction, logEnd: highWatermark } = fixture.log;
    const dueMs = fixture.clock.now() + 5000;
    expect(await compaction.dirtiness({ highWatermark, nowMs: dueMs })).toMatchObject({ isOverdue: false });
    expect(await compaction.dirtiness({ highWatermark, nowMs: dueMs + 1 })).toMatchObject({ isOverdue: true });
  });
});

describe("a tombstone", () => {
  test("removes what it follows at once, and goes delete.retention.ms after its first compaction", async () => {
    const fixture = await opened({ ...small, deleteRetentionMs: 1000 });
    fixture.appendKeyed(
      [
        ["a", "1"],
        ["b", "1"],
      ],
      { timestamp: 500, compression: "lz4" },
    );
    fixture.appendKeyed(
      [
        ["a", null],
        ["c", "1"],
      ],
      { timestamp: 600, compression: "lz4" },
    );
    await roll(fixture);
    await fixture.compact({ nowMs: 10_000 });
    expect((await recordsIn(fixture)).slice(0, 3)).toEqual(["1:b=1", "2:a=", "3:c=1"]);
    const [view] = await fixture.log.read(offset(2), { endOffset: fixture.log.logEnd, maxBytes: 1 });
    expect(deleteHorizonOf(view!, 0)).toBe(11_000);
    expect(maxTimestampOf(view!, 0)).toBe(600);
    expect([...recordsOf(view!, 0)].map(({ timestamp }) => timestamp)).toEqual([600, 600]);
    // Compacted again, the horizon stays where it is.
    await fixture.compact({ nowMs: 10_999 });
    expect((await recordsIn(fixture)).slice(0, 3)).toEqual(["1:b=1", "2:a=", "3:c=1"]);
    await fixture.compact({ nowMs: 11_000 });
    expect((await recordsIn(fixture)).slice(0, 2)).toEqual(["1:b=1", "3:c=1"]);
  });
});

test("a segment that is cut between two batches while its keys are looked for is given up", async () => {
  const fixture = await opened();
  fixture.appendKeyed([["a", "1"]]);
  await fixture.log.flush();
  const sources = [{ baseOffset: offset(0), endOffset: offset(2), sizeBytes: fixture.log.sizeBytes + 100 }];
  const job = {
    folder: fixture.log.folder,
    sources,
    from: offset(0),
    keyBytesMax: 1000,
    hashKey: [1, 2, 3, 4] as const,
  };
  const finding = fixture.cleaner().findKeys({ ...job, bytesPerSecond: Number.MAX_SAFE_INTEGER });
  await expect(finding).rejects.toMatchObject({ code: "LOG_CORRUPT" });
});

test("what is compacted is read once for its keys, and once to be written anew", async () => {
  const fixture = await opened({ ...small, segmentBytes: 4_000_000 });
  const asked = sizesOfReads(fixture.disk, "0.log");
  const value = "x".repeat(20_000);
  for (let index = 0; fixture.log.segmentCount === 1; index++) fixture.appendKeyed([[`key-${index}`, value]]);
  await fixture.log.flush();
  asked.length = 0;
  const { readBytes } = await fixture.compact();
  expect(readBytes).toBeGreaterThan(2 * 3_900_000);
  expect(asked.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(1.1 * readBytes);
});

test("a tombstone that is to stay for ever keeps its time", async () => {
  const fixture = await opened({ ...small, deleteRetentionMs: Number.MAX_SAFE_INTEGER });
  fixture.appendKeyed([["a", "1"]], { timestamp: 1000 });
  fixture.appendKeyed([["a", null]], { timestamp: 1001 });
  await roll(fixture);
  await fixture.compact({ nowMs: 5000 });
  await fixture.compact({ nowMs: Number.MAX_SAFE_INTEGER / 2 });
  const [first] = await fixture.readAll(offset(1));
  expect([...recordsOf(first!, 0)]).toMatchObject([{ offset: 1, value: null, timestamp: 1001 }]);
  expect(deleteHorizonOf(first!, 0)).toBeGreaterThan(Number.MAX_SAFE_INTEGER / 2);
});

describe("of an idempotent producer", () => {
  test("the batches that it may send again stay when their records go, so that recovery knows them", async () => {
    const fixture = await opened();
    for (let sequence = 0; sequence < 7; sequence++) {
      fixture.appendKeyed([["a", "1"]], { producer: { id: 7, epoch: 2, baseSequence: sequence } });
    }
    fixture.appendKeyed([["a", "2"]]);
    await roll(fixture);
    await fixture.compact();
    expect((await batchesIn(fixture)).slice(0, 7)).toEqual([
      [0, 1, 0],
      [2, 2, 0],
      [3, 3, 0],
      [4, 4, 0],
      [5, 5, 0],
      [6, 6, 0],
      [7, 7, 1],
    ]);
    await fixture.log.close();
    for (const name of await fixture.disk.list("orders-0")) {
      if (name.endsWith(".snapshot")) await fixture.disk.remove(`orders-0/${name}`);
    }
    await fixture.open();
    const remembered = [2, 3, 4, 5, 6].map((at) => ({ producerId: 7, epoch: 2, lastSequence: at, lastOffset: at }));
    expect([...fixture.log.producers.batches()]).toMatchObject(remembered);
  });
});

describe("a reader", () => {
  test("finds something at every offset, and for a consumer the next record", async () => {
    const fixture = await opened();
    for (let index = 0; index < 9; index++) fixture.appendKeyed([["a", String(index)]]);
    fixture.appendKeyed([["b", "1"]]);
    await roll(fixture);
    await fixture.compact();
    const { log } = fixture;
    const bounds = { endOffset: log.logEnd, maxBytes: 1 };
    for (let at = 0; at < log.logEnd; at++) {
      const [copied] = await log.read(offset(at), bounds);
      expect(lastOffsetOf(copied!, 0)).toBeGreaterThanOrEqual(at);
      // A copy of the log that ends there goes on exactly there.
      if (recordsCountOf(copied!, 0) === 0) expect(baseOffsetOf(copied!, 0)).toBe(at);
      const [consumed] = await readRecords(log, offset(at), bounds);
      expect(recordsCountOf(consumed!, 0)).toBeGreaterThan(0);
    }
  });

  test("that waits at the end is told how far the emptiness reaches", async () => {
    const fixture = await opened();
    for (let index = 0; index < 9; index++) fixture.appendKeyed([["a", String(index)]]);
    await roll(fixture);
    await fixture.compact();
    const [empty] = await readRecords(fixture.log, offset(0), { endOffset: offset(8), maxBytes: 1000 });
    expect([lastOffsetOf(empty!, 0), recordsCountOf(empty!, 0)]).toEqual([7, 0]);
  });

  test("finds records by time, and the latest one", async () => {
    const fixture = await opened();
    for (let index = 0; index < 9; index++) fixture.appendKeyed([["a", String(index)]], { timestamp: 1000 + index });
    fixture.appendKeyed([["b", "1"]], { timestamp: 900 });
    await roll(fixture);
    await fixture.compact();
    expect(await fixture.log.offsetForTimestamp(1003 as never)).toMatchObject({ offset: 8, timestampMs: 1008 });
  });
});

test("a read that looks at an index while its segment is replaced leaves nothing of the old one behind", async () => {
  const fixture = await opened({ ...small, segmentBytes: 3000 });
  for (let index = 0; index < 60; index++) fixture.appendKeyed([[`key-${index % 40}`, String(index)]]);
  await roll(fixture);
  await fixture.compact();
  for (let index = 0; index < 60; index++) fixture.appendKeyed([[`key-${index % 30}`, String(index)]]);
  await roll(fixture);
  const { promise: isHeld, resolve: hold } = Promise.withResolvers<void>();
  const { promise: isReleased, resolve: release } = Promise.withResolvers<void>();
  holdFirstRead(fixture.disk, "00000000000000000000.index", { hold, isReleased });
  const read = fixture.log.read(offset(30), { endOffset: fixture.log.logEnd, maxBytes: 1 });
  await isHeld;
  const run = fixture.compact();
  for (let turn = 0; turn < 100; turn++) await settle();
  release();
  await read;
  expect(await run).toMatchObject({ outcome: "done" });
  for (let at = fixture.log.logStart; at < fixture.log.logEnd; at++) {
    const [view] = await fixture.log.read(at, { endOffset: fixture.log.logEnd, maxBytes: 1 });
    expect([baseOffsetOf(view!, 0) <= at, lastOffsetOf(view!, 0) >= at]).toEqual([true, true]);
  }
});

test("a log that has lost what took the place of removed records is emptied, not kept with a hole", async () => {
  const fixture = await opened();
  for (let index = 0; index < 9; index++) fixture.appendKeyed([["a", String(index)]]);
  await roll(fixture);
  await fixture.compact();
  const { log } = fixture;
  expect(log.compaction.supersededEnd).toBe(log.compaction.cleanedEnd);
  await log.truncateTo(offset(log.compaction.supersededEnd - 1));
  expect([log.logStart, log.logEnd]).toEqual([0, 0]);
  expect([log.compaction.cleanedEnd, log.compaction.supersededEnd]).toEqual([0, 0]);
  fixture.appendKeyed([["a", "again"]]);
  await fixture.written();
  await log.flush();
  fixture.disk.crash({ losesPageCache: true });
  await fixture.open();
  expect(fixture.recovery.isDamaged).toBe(false);
  expect(await recordsIn(fixture)).toEqual(["0:a=again"]);
});

test("a cut above what was compacted leaves it as it is", async () => {
  const fixture = await opened();
  for (let index = 0; index < 9; index++) fixture.appendKeyed([["a", String(index)]]);
  await roll(fixture);
  await fixture.compact();
  const end = fixture.log.compaction.supersededEnd;
  const before = await recordsIn(fixture);
  await fixture.log.truncateTo(end);
  expect(fixture.log.logEnd).toBe(end);
  expect(await recordsIn(fixture)).toEqual(before.filter((one) => Number.parseInt(one, 10) < end));
});

test("a damaged segment is not compacted: the log stays as it is", async () => {
  const fixture = await opened();
  for (let index = 0; index < 9; index++) fixture.appendKeyed([["a", String(index)]]);
  await roll(fixture);
  await fixture.log.flush();
  const path = "orders-0/00000000000000000000.log";
  const before = fixture.disk.contentOf(path)!.length;
  fixture.disk.corrupt(path, 100);
  await expect(fixture.compact()).rejects.toMatchObject({ code: "LOG_CORRUPT" });
  expect(fixture.disk.contentOf(path)).toHaveLength(before);
  expect((await fixture.disk.list("orders-0")).filter((name) => name.endsWith(".cleaned"))).toEqual([]);
  expect(fixture.failures).toEqual([]);
});

test.each(["a cut", "retention", "the end"])(
  "a run that is overtaken by %s is dropped, and leaves nothing behind",
  async (by) => {
    const fixture = await opened();
    for (let index = 0; index < 20; index++) fixture.appendKeyed([["a", String(index)]]);
    await roll(fixture);
    const { log } = fixture;
    const before = await recordsIn(fixture);
    const overtake: Record<string, () => Promise<unknown>> = {
      "a cut": () => log.truncateTo(offset(log.logEnd - 1)),
      retention: async () => {
        log.advanceLogStart(offset(9));
        await log.applyRetention({ highWatermark: log.writtenEnd, nowMs: 0 });
      },
      "the end": () => log.close(),
    };
    const cleaner = new SegmentCleaner(fixture.disk, fixture.clock);
    const compactor = {
      findKeys: (job: KeyJob) => cleaner.findKeys(job),
      rewrite: async (job: RewriteJob) => {
        await overtake[by]!();
        return await cleaner.rewrite(job);
      },
      release: () => cleaner.release(),
    };
    const limits = { keyBytesMax: 1 << 16, hashKey: [1, 2, 3, 4], bytesPerSecond: 1e15, nowMs: 0 } as const;
    const run = await log.compaction.run(compactor, { ...limits, highWatermark: log.writtenEnd });
    expect(run).toMatchObject({ outcome: "overtaken", bytesBefore: 0 });
    expect(log.compaction.cleanedEnd).toBe(0);
    expect((await fixture.disk.list("orders-0")).filter((name) => name.endsWith(".cleaned"))).toEqual([]);
    expect(fixture.failures).toEqual([]);
    if (by === "the end") await fixture.open();
    const after = await recordsIn(fixture);
    expect(before.join().includes(after.slice(1).join())).toBe(true);
  },
);

test("a disk without room for the mark of a swap leaves the log as it is, and in service", async () => {
  const fixture = await opened();
  for (let index = 0; index < 9; index++) fixture.appendKeyed([["a", String(index)]]);
  await roll(fixture);
  const before = await recordsIn(fixture);
  const { disk } = fixture;
  disk.onStep = (step) => {
    if (step.startsWith("write") && step.includes("superseded")) throw new TidemarkError("DISK_FULL", "no space left");
  };
  await expect(fixture.compact()).rejects.toMatchObject({ code: "DISK_FULL" });
  expect(await recordsIn(fixture)).toEqual(before);
  expect((await disk.list("orders-0")).filter((name) => name.endsWith(".cleaned"))).toEqual([]);
  expect(fixture.failures).toEqual([]);
  disk.onStep = () => undefined;
  expect(await fixture.compact()).toMatchObject({ outcome: "done" });
  expect((await recordsIn(fixture))[0]).toBe("8:a=8");
});

test("where keys have no room for all, a pass goes as far as they reach, and the next one on", async () => {
  const fixture = await opened({ ...small, segmentBytes: 2000 });
  for (let index = 0; index < 60; index++) fixture.appendKeyed([[`key-${index % 30}`, String(index)]]);
  await roll(fixture);
  const keyBytesMax = 24 * 25;
  await fixture.compact({ keyBytesMax });
  const reached = fixture.log.compaction.cleanedEnd;
  expect(reached).toBeGreaterThan(0);
  expect(reached).toBeLessThan(30);
  while (fixture.log.compaction.cleanedEnd < 60) await fixture.compact({ keyBytesMax });
  const offsets = (await recordsIn(fixture)).map((one) => Number.parseInt(one, 10) as Offset);
  expect(offsets.filter((at) => at < 30)).toEqual([]);
  expect(offsets.filter((at) => at >= 30 && at < 60)).toHaveLength(30);
  await expect(fixture.compact({ keyBytesMax: 24 })).resolves.toMatchObject({ outcome: "done" });
});

describe("segments that retention removes during a run", () => {
  for (const step of ["findKeys", "rewrite"] as const) {
    test(`end it without a failure, and the next run does the rest (${step})`, async () => {
      const fixture = await opened({ ...small, deletesOld: true, retentionMs: -1, fileDeleteDelayMs: 0 });
      for (let index = 0; index < 30; index++) fixture.appendKeyed([["a", String(index)]]);
      await roll(fixture);
      const { log } = fixture;
      const cleaner = fixture.cleaner();
      const work = cleaner[step].bind(cleaner) as (job: never) => Promise<never>;
      let isFirst = true;
      cleaner[step] = async (job: never) => {
        if (isFirst) {
          isFirst = false;
          log.advanceLogStart(offset(20));
          await log.applyRetention({ highWatermark: log.logEnd, nowMs: 0 });
        }
        return await work(job);
      };
      expect(await fixture.compact({}, cleaner)).toMatchObject({ outcome: "overtaken" });
      expect(await fixture.compact()).toMatchObject({ outcome: "done" });
      expect((await recordsIn(fixture))[0]).toBe("29:a=29");
      expect(fixture.failures).toEqual([]);
    });
  }
});
