import { describe, expect, test } from "@jest/globals";
import { type LeaderEpoch, offset, type TimestampMs } from "../base/ids.ts";
import { BATCH_HEADER_BYTES, sizeBytesOf } from "../wire/record-batch.ts";
import { READ_BLOCK_BYTES } from "./shared-storage.ts";
import { batchOf, endOf, FOLDER, LogFixture, valuesOf } from "./testing/log-fixture.ts";
import { sizesOfReads } from "./testing/watched-reads.ts";
import { VERIFIED_MS_MAX } from "./verified-range.ts";

const numbered = (count: number, from = 0): string[] => Array.from({ length: count }, (_, index) => `v${from + index}`);

describe("appending", () => {
  test("offsets continue, readers in memory see a batch before it is written, acks only after", async () => {
    const fixture = new LogFixture();
    const log = await fixture.open();
    let durable = 0;
    log.onDurable = () => (durable = log.durableEnd);
    expect(fixture.append(["a", "b"])).toBe(1);
    expect(fixture.append(["c"])).toBe(2);
    expect([log.logEnd, log.writtenEnd, durable]).toEqual([3, 0, 0]);
    expect(valuesOf(log.readTail(offset(0), { endOffset: log.logEnd, maxBytes: 1000 })!)).toEqual(["a", "b", "c"]);
    await fixture.written();
    expect([log.writtenEnd, durable, log.syncedEnd]).toEqual([3, 3, 0]);
  });

  test("memory of a batch under 16 KiB is its caller's again: it may be a view on what a socket has read", async () => {
    const fixture = new LogFixture();
    const log = await fixture.open();
    for (const length of [100, 5000, 12_000, 16_000]) {
      const value = "x".repeat(length);
      const batch = new Uint8Array(batchOf([value]));
      const { baseOffset } = log.appendAsLeader(batch, { leaderEpoch: 0 as LeaderEpoch, nowMs: 0 });
      batch.fill(0xee);
      expect(valuesOf(log.readTail(baseOffset, { endOffset: log.logEnd, maxBytes: 1 })!)).toEqual([value]);
    }
  });

  test("with flush.messages=1 the durable end is what was synced", async () => {
    const fixture = new LogFixture({ flushMessages: 1 });
    const log = await fixture.open();
    fixture.append(["a"]);
    await fixture.written();
    await fixture.clock.advance(0);
    expect([log.syncedEnd, log.durableEnd]).toEqual([1, 1]);
    fixture.disk.crash({ losesPageCache: true });
    await fixture.open({ checkpoint: null });
    expect(await fixture.values()).toEqual(["a"]);
  });

  test("flush.ms syncs by itself", async () => {
    const fixture = new LogFixture({ flushMs: 500 });
    const log = await fixture.open();
    fixture.append(["a"]);
    await fixture.written();
    await fixture.clock.advance(499);
    expect(log.syncedEnd).toBe(0);
    await fixture.clock.advance(1);
    expect(log.syncedEnd).toBe(1);
  });

  test("LogAppendTime is stamped and answered", async () => {
    const fixture = new LogFixture({ timestampType: "LogAppendTime" });
    const log = await fixture.open();
    const answer = log.appendAsLeader(batchOf(["a"]), { leaderEpoch: 0 as LeaderEpoch, nowMs: 77_000 });
    expect(answer.logAppendTimeMs).toBe(77_000);
    expect(await log.offsetForTimestamp(76_000 as TimestampMs)).toEqual({
      offset: 0,
      timestampMs: 77_000,
      leaderEpoch: 0,
    });
  });

  test("segments roll by size and everything is read back through them", async () => {
    const fixture = new LogFixture({ segmentBytes: 2000, indexIntervalBytes: 200 });
    const log = await fixture.open();
    log.setTailBytesMax(0);
    for (let index = 0; index < 100; index++) fixture.append([`v${index}`]);
    await fixture.written();
    expect(log.segmentCount).toBeGreaterThan(3);
    expect(await fixture.values()).toEqual(numbered(100));
    for (const start of [0, 1, 37, 63, 99]) expect((await fixture.values(offset(start)))[0]).toBe(`v${start}`);
  });

  test("segments roll by the age of their first batch", async () => {
    const fixture = new LogFixture({ segmentMs: 1000 });
    const log = await fixture.open();
    fixture.append(["a"], { timestamp: 5000 });
    fixture.append(["b"], { timestamp: 6000 });
    expect(log.segmentCount).toBe(1);
    fixture.append(["c"], { timestamp: 6001 });
    expect(log.segmentCount).toBe(2);
  });

  test("a full disk is told once and acknowledges nothing", async () => {
    const fixture = new LogFixture();
    const log = await fixture.open();
    fixture.append(["a"]);
    await fixture.written();
    fixture.disk.capacityBytes = 200;
    fixture.append(["b".repeat(500)]);
    await fixture.clock.advance(0);
    expect(fixture.failures).toHaveLength(1);
    expect(fixture.failures[0]).toMatchObject({ code: "DISK_FULL" });
    expect(log.durableEnd).toBe(1);
    await expect(log.flush()).rejects.toMatchObject({ code: "DISK_FULL" });
  });
});

describe("following", () => {
  test("batches of the leader are taken as they are, and bad ones refused whole", async () => {
    const leader = new LogFixture();
    await leader.open();
    for (const [index, value] of numbered(10).entries()) leader.append([value], { epoch: index < 5 ? 1 : 3 });
    const bytes = Buffer.concat(await leader.readAll());
    const fixture = new LogFixture({ segmentBytes: 300 });
    const log = await fixture.open();
    expect(log.appendAsFollower(Buffer.from(bytes).subarray(100))).toMatchObject({ kind: "corrupt" });
    const broken = Buffer.from(bytes);
    broken[bytes.length - 1]! ^= 1;
    expect(log.appendAsFollower(broken)).toMatchObject({ kind: "corrupt" });
    expect(log.logEnd).toBe(0);
    expect(log.appendAsFollower(Buffer.from(bytes))).toEqual({ kind: "appended" });
    expect(log.appendAsFollower(Buffer.from(bytes))).toEqual({ kind: "gap" });
    await fixture.written();
    log.setTailBytesMax(0);
    expect(await fixture.values()).toEqual(numbered(10));
    expect([log.epochStart(3 as LeaderEpoch), log.lastEpoch, log.epochAt(offset(4))]).toEqual([5, 3, 1]);
  });
});

describe("truncation", () => {
  test("removes records, epochs and producer state at and above the offset", async () => {
    const fixture = new LogFixture({ segmentBytes: 400, indexIntervalBytes: 100 });
    const log = await fixture.open();
    for (let index = 0; index < 20; index++) {
      fixture.append([`v${index}`], { epoch: index < 10 ? 1 : 2, producer: { id: 7, epoch: 0, baseSequence: index } });
    }
    await fixture.written();
    await log.truncateTo(offset(8));
    expect([log.logEnd, log.lastEpoch, log.durableEnd]).toEqual([8, 1, 8]);
    expect(await fixture.values()).toEqual(numbered(8));
    expect(log.epochStart(2 as LeaderEpoch)).toBeNull();
    const retry = batchOf(["v8"], { producer: { id: 7, epoch: 0, baseSequence: 8 } });
    expect(log.producers.check(retry, 0)).toEqual({ kind: "append" });
    const duplicate = batchOf(["v7"], { producer: { id: 7, epoch: 0, baseSequence: 7 } });
    expect(log.producers.check(duplicate, 0)).toMatchObject({ kind: "duplicate", baseOffset: 7 });
    fixture.append(["w8"], { epoch: 3 });
    expect(await fixture.values()).toEqual([...numbered(8), "w8"]);
  });

  test("below a synced offset is remembered until that is synced again", async () => {
    const fixture = new LogFixture();
    const log = await fixture.open();
    for (const value of numbered(5)) fixture.append([value]);
    await log.flush();
    const { checkpoint } = fixture;
    expect(checkpoint.recoveryPoint).toBe(5);
    await log.truncateTo(offset(2));
    fixture.append(["other"], { epoch: 1 });
    await fixture.written();
    fixture.disk.crash({ losesPageCache: false });
    fixture.disk.corrupt(`${FOLDER}/00000000000000000000.log`, 200);
    await fixture.open({ checkpoint });
    expect(await fixture.values()).toEqual(["v0", "v1"]);
    expect(fixture.recovery.isDamaged).toBe(true);
  });

  test("a reset log starts empty at the offset, also after a restart", async () => {
    const fixture = new LogFixture();
    const log = await fixture.open();
    fixture.append(["a", "b"]);
    await log.flush();
    await log.resetTo(offset(100));
    expect([log.logStart, log.logEnd, log.lastEpoch]).toEqual([100, 100, -1]);
    fixture.disk.crash({ losesPageCache: true });
    await fixture.open({ checkpoint: { recoveryPoint: offset(2), logStart: offset(0) } });
    expect([fixture.log.logStart, fixture.log.logEnd, fixture.recovery.isDamaged]).toEqual([100, 100, false]);
    fixture.append(["c"]);
    expect(await fixture.values()).toEqual(["c"]);
  });
});

describe("restart", () => {
  test("after a clean stop nothing of the log is read", async () => {
    const fixture = new LogFixture({ segmentBytes: 1000, indexIntervalBytes: 100 });
    const log = await fixture.open();
    for (const [index, value] of numbered(50).entries()) {
      fixture.append([value], { producer: { id: 3, epoch: 0, baseSequence: index }, timestamp: 1000 + index });
    }
    await log.close();
    const { checkpoint } = fixture;
    fixture.disk.readBytes = 0;
    await fixture.open({ checkpoint, isCleanStart: true });
    expect(fixture.recovery).toEqual({ cutBytes: 0, isDamaged: false, scannedBytes: 0 });
    expect(fixture.disk.readBytes).toBeLessThan(400);
    expect(fixture.log.logEnd).toBe(50);
    const retry = batchOf(["v46"], { producer: { id: 3, epoch: 0, baseSequence: 46 } });
    expect(fixture.log.producers.check(retry, 0)).toMatchObject({ kind: "duplicate", baseOffset: 46 });
    fixture.append(["v50"], { timestamp: 1050 });
    expect(await fixture.values()).toEqual(numbered(51));
  });

  test("a torn last write is cut and is no damage", async () => {
    const fixture = new LogFixture();
    const log = await fixture.open();
    fixture.append(["a"]);
    await fixture.written();
    const whole = fixture.disk.contentOf(`${FOLDER}/00000000000000000000.log`)!.length;
    fixture.append(["b".repeat(3000)]);
    fixture.disk.onStep = (step) => {
      if (step.endsWith(" 1093")) throw new Error("killed");
    };
    await fixture.clock.advance(0);
    expect(fixture.failures).toHaveLength(1);
    fixture.disk.onStep = () => undefined;
    fixture.disk.crash({ losesPageCache: false });
    expect(whole).toBe(69);
    await fixture.open();
    expect(await fixture.values()).toEqual(["a"]);
    expect(fixture.recovery).toMatchObject({ cutBytes: 1024, isDamaged: false });
    expect(log.durableEnd).toBe(1);
  });

  test("damage is told again by a start that follows one which died before it could tell", async () => {
    const fixture = new LogFixture();
    await fixture.open();
    for (const value of numbered(5)) fixture.append([value]);
    await fixture.written();
    fixture.disk.crash({ losesPageCache: false });
    fixture.disk.corrupt(`${FOLDER}/00000000000000000000.log`, 200);
    await fixture.open();
    expect(fixture.recovery).toMatchObject({ isDamaged: true });
    expect(await fixture.values()).toEqual(["v0", "v1"]);
    fixture.disk.crash({ losesPageCache: true });
    await fixture.open();
    expect(fixture.recovery).toMatchObject({ isDamaged: true, cutBytes: 0 });
  });

  test("a log that ends below its checkpointed high watermark is damaged", async () => {
    const fixture = new LogFixture();
    await fixture.open();
    for (const value of numbered(5)) fixture.append([value]);
    await fixture.written();
    fixture.disk.crash({ losesPageCache: true });
    const checkpoint = { recoveryPoint: offset(0), logStart: offset(0), highWatermark: offset(4) };
    await fixture.open({ checkpoint });
    expect([fixture.log.logEnd, fixture.recovery.isDamaged]).toEqual([0, true]);
  });

  test("indexes that are missing or wrong are made anew", async () => {
    const fixture = new LogFixture({ segmentBytes: 3000, indexIntervalBytes: 100 });
    const log = await fixture.open();
    for (const [index, value] of numbered(80).entries()) fixture.append([value], { timestamp: 1000 + index });
    await log.close();
    const { checkpoint } = fixture;
    const names = (await fixture.disk.list(FOLDER)).filter((name) => name.endsWith("index"));
    for (const [index, name] of names.entries()) {
      if (index % 2 === 0) fixture.disk.contentOf(`${FOLDER}/${name}`)!.fill(255);
      else await fixture.disk.remove(`${FOLDER}/${name}`);
    }
    await fixture.open({ checkpoint });
    expect(await fixture.values()).toEqual(numbered(80));
    for (const at of [0, 17, 43, 79]) {
      expect((await fixture.values(offset(at)))[0]).toBe(`v${at}`);
      expect((await fixture.log.offsetForTimestamp((1000 + at) as TimestampMs))?.offset).toBe(at);
    }
  });

  test("a folder of another topic is refused, not taken over", async () => {
    const fixture = new LogFixture();
    const log = await fixture.open();
    fixture.append(["a"]);
    await log.close();
    const metadata = fixture.disk.contentOf(`${FOLDER}/partition.metadata`)!;
    metadata.set(new TextEncoder().encode("topic_id: AAAAAAAAAAAAAAAAAAAAAA"), 11);
    await expect(fixture.open()).rejects.toMatchObject({ code: "LOG_CORRUPT" });
    metadata.fill(0);
    await expect(fixture.open()).rejects.toMatchObject({ code: "LOG_CORRUPT" });
  });
});

describe("what is corrupt on disk", () => {
  const path = `${FOLDER}/00000000000000000000.log`;

  test("is not served", async () => {
    const fixture = new LogFixture({ segmentBytes: 500 });
    const log = await fixture.open();
    for (const value of numbered(20)) fixture.append([value]);
    await log.flush();
    log.setTailBytesMax(0);
    await fixture.clock.advance(VERIFIED_MS_MAX);
    fixture.disk.corrupt(path, 200);
    expect(valuesOf(await log.read(offset(0), { endOffset: log.logEnd, maxBytes: 1 }))).toEqual(["v0"]);
    const reading = log.read(offset(2), { endOffset: log.logEnd, maxBytes: 1 });
    await expect(reading).rejects.toMatchObject({ code: "LOG_CORRUPT" });
    expect(valuesOf(await log.read(offset(15), { endOffset: log.logEnd, maxBytes: 1 }))).toEqual(["v15"]);
  });

  test("is found by the first read ten minutes after it was written, or read", async () => {
    const fixture = new LogFixture();
    const log = await fixture.open();
    for (const value of numbered(3)) fixture.append([value]);
    await log.flush();
    log.setTailBytesMax(0);
    const read = (): Promise<Uint8Array[]> => log.read(offset(0), { endOffset: log.logEnd, maxBytes: 1000 });
    await fixture.clock.advance(VERIFIED_MS_MAX);
    expect(valuesOf(await read())).toEqual(numbered(3));
    fixture.disk.corrupt(path, fixture.disk.contentOf(path)!.length - 1);
    await fixture.clock.advance(VERIFIED_MS_MAX - 1);
    expect(await read()).toHaveLength(1);
    await fixture.clock.advance(1);
    await expect(read()).rejects.toMatchObject({ code: "LOG_CORRUPT" });
  });
});

describe("a read of batches that are alike", () => {
  /** What was asked of the disk to read `count` batches, and the size of each of them. */
  const readAll = async (
    count: number,
    { valueBytes, maxBytes }: { valueBytes: number; maxBytes: number },
  ): Promise<{ asked: number[]; batchBytes: number }> => {
    const fixture = new LogFixture();
    const log = await fixture.open();
    const asked = sizesOfReads(fixture.disk, ".log");
    const value = "x".repeat(valueBytes);
    for (let i = 0; i < count; i++) fixture.append([value]);
    await log.flush();
    log.setTailBytesMax(0);
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < count; at = endOf(chunks.at(-1)!)) {
      chunks.push(...(await log.read(offset(at), { endOffset: log.logEnd, maxBytes })));
    }
    return { asked, batchBytes: sizeBytesOf(chunks[0]!, 0) };
  };

  // The header of the batch that follows is read, too: only behind the file's last is none.
  test("takes whole ones from the disk, and no part of the next", async () => {
    const { asked, batchBytes } = await readAll(12, { valueBytes: 100_000, maxBytes: 250_000 });
    expect(asked).toEqual([250_000, ...Array(4).fill(2 * batchBytes + BATCH_HEADER_BYTES), 2 * batchBytes]);
  });

  test("does so also when more is wanted than one read gives", async () => {
    const { asked, batchBytes } = await readAll(22, { valueBytes: 100_000, maxBytes: 10_000_000 });
    expect(asked).toEqual([READ_BLOCK_BYTES, 10 * batchBytes + BATCH_HEADER_BYTES, 2 * batchBytes]);
  });

  test("reads one that is larger than a block once, and only the first of them by its beginning before", async () => {
    const { asked, batchBytes } = await readAll(2, { valueBytes: READ_BLOCK_BYTES, maxBytes: 1_000_000 });
    expect(asked).toEqual([1_000_000, batchBytes + BATCH_HEADER_BYTES, batchBytes]);
  });
});

test("a flush that is asked for while the log is cut flushes what is left", async () => {
  const fixture = new LogFixture();
  const log = await fixture.open();
  for (const value of numbered(5)) fixture.append([value]);
  await fixture.written();
  const flushes: Promise<void>[] = [];
  fixture.disk.onStep = (step) => {
    if (/^truncate .*\.log /.test(step)) flushes.push(log.flush());
  };
  await log.truncateTo(offset(2));
  expect(flushes).toHaveLength(1);
  await Promise.all(flushes);
  expect([log.logEnd, log.recoveryPoint]).toEqual([2, 2]);
  await log.close();
});

test("what is appended at any moment of a write is written, too", async () => {
  const fixture = new LogFixture();
  await fixture.open();
  for (let turns = 0; turns < 60; turns++) {
    fixture.append(["a"]);
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    fixture.append(["b"]);
    await fixture.written();
  }
  expect(fixture.log.writtenEnd).toBe(120);
});

test("a batch whose length is damaged is reported, not looked for again and again", async () => {
  const fixture = new LogFixture();
  const log = await fixture.open();
  for (const value of numbered(2)) fixture.append([value]);
  await log.flush();
  log.setTailBytesMax(0);
  const path = `${FOLDER}/00000000000000000000.log`;
  const file = await fixture.disk.open(path);
  const length = Buffer.alloc(4);
  // The first batch reaches into the second: what is left is less than a header.
  length.writeInt32BE(fixture.disk.contentOf(path)!.length - 12 - 48);
  await file!.write([length], 8);
  const reading = log.read(offset(1), { endOffset: log.logEnd, maxBytes: 1 });
  await expect(reading).rejects.toMatchObject({ code: "LOG_CORRUPT" });
});

describe("idle partitions", () => {
  test("hold neither open files nor memory", async () => {
    const fixture = new LogFixture();
    const log = await fixture.open();
    fixture.append(["a"]);
    await log.close();
    expect(fixture.disk.openCount).toBe(0);
    await fixture.open({ checkpoint: fixture.checkpoint, isCleanStart: true });
    expect(fixture.disk.openCount).toBe(0);
  });
});
