import { describe, expect, test } from "@jest/globals";
import { type Offset, offset } from "../base/ids.ts";
import type { FoundOffset } from "./log-reader.ts";
import { deletableSegments, type RetentionLimits } from "./retention.ts";
import { FOLDER, LogFixture } from "./testing/log-fixture.ts";

const segment = (endOffset: number, maxTimestampMs: number, sizeBytes = 100) => ({
  endOffset: offset(endOffset),
  maxTimestampMs,
  sizeBytes,
});
const segments = [segment(10, 1000), segment(20, 2000), segment(30, 1500), segment(40, 4000)];

const count = (limits: Partial<RetentionLimits>): number =>
  deletableSegments(segments, {
    retentionMs: -1,
    retentionBytes: -1,
    logStart: 0 as Offset,
    highWatermark: offset(40),
    nowMs: 10_000,
    ...limits,
  });

describe("segments that may go", () => {
  test("none without limits", () => expect(count({})).toBe(0));
  test("those too old, up to the first that is not", () => {
    expect(count({ retentionMs: 8500 })).toBe(1);
    expect(count({ retentionMs: 8000 })).toBe(1);
    expect(count({ retentionMs: 7000 })).toBe(3);
    expect(count({ retentionMs: 1 })).toBe(4);
  });
  test("as many as leave retention.bytes", () => {
    expect(count({ retentionBytes: 400 })).toBe(0);
    expect(count({ retentionBytes: 301 })).toBe(0);
    expect(count({ retentionBytes: 300 })).toBe(1);
    expect(count({ retentionBytes: 0 })).toBe(4);
  });
  test("those below the log start, but not the active one", () => {
    expect(count({ logStart: offset(25) })).toBe(2);
    expect(count({ logStart: offset(40) })).toBe(3);
  });
  test("never one that is not committed", () =>
    expect(count({ retentionBytes: 0, highWatermark: offset(29) })).toBe(2));
  test("an unknown or empty timestamp is never too old", () =>
    expect(
      deletableSegments([segment(1, -1)], {
        retentionMs: 1,
        retentionBytes: -1,
        logStart: 0 as Offset,
        highWatermark: offset(1),
        nowMs: 9e9,
      }),
    ).toBe(0));
  test("one without a timestamp goes with those behind it that are too old", () => {
    const limits = { retentionMs: 10, retentionBytes: -1, logStart: 0 as Offset, highWatermark: offset(9) };
    const segments = [segment(1, -1), segment(2, 100), segment(3, -1), segment(4, 500)];
    expect(deletableSegments(segments, { ...limits, nowMs: 111 })).toBe(2);
    expect(deletableSegments(segments, { ...limits, nowMs: 110 })).toBe(0);
  });
});

describe("a log under retention", () => {
  async function logOfTen(fixture: LogFixture): Promise<void> {
    await fixture.open();
    for (let index = 0; index < 40; index++) fixture.append([`v${index}`], { timestamp: 1000 + index });
    await fixture.written();
  }

  test("drops its oldest segments, hides them at once and removes them later", async () => {
    const fixture = new LogFixture({ segmentBytes: 700, retentionBytes: 1500, fileDeleteDelayMs: 500 });
    await logOfTen(fixture);
    const { log, disk } = fixture;
    const removed = await log.applyRetention({ highWatermark: log.logEnd, nowMs: 0 });
    expect(removed).toBeGreaterThan(0);
    expect(log.sizeBytes).toBeGreaterThanOrEqual(1500);
    expect((await fixture.values())[0]).toBe(`v${log.logStart}`);
    expect(await log.read(offset(0), { endOffset: log.logEnd, maxBytes: 100 })).toEqual([]);
    const doomed = async (): Promise<number> =>
      (await disk.list(FOLDER)).filter((name) => name.endsWith(".log.deleted")).length;
    expect(await doomed()).toBe(removed);
    await fixture.clock.advance(500);
    expect(await doomed()).toBe(0);
    await log.close();
    await fixture.open({ checkpoint: fixture.checkpoint, isCleanStart: true });
    expect(fixture.log.logStart).toBe(log.logStart);
  });

  test("whose records are all too old is empty and goes on", async () => {
    const fixture = new LogFixture({ retentionMs: 1000 });
    await logOfTen(fixture);
    const { log } = fixture;
    await log.applyRetention({ highWatermark: log.logEnd, nowMs: 100_000 });
    expect([log.logStart, log.logEnd, log.lastEpoch]).toEqual([40, 40, 0]);
    fixture.append(["next"]);
    expect(await fixture.values()).toEqual(["next"]);
  });
});

describe("a record is found by its time", () => {
  const found = (at: number, timestampMs: number): FoundOffset =>
    ({ offset: at, timestampMs, leaderEpoch: 2 }) as FoundOffset;

  test("in memory, on disk, across segments, in batches of several, and not at all", async () => {
    const fixture = new LogFixture({ segmentBytes: 1500, indexIntervalBytes: 200 });
    const log = await fixture.open();
    for (let index = 0; index < 60; index++) fixture.append(["a", "b"], { timestamp: 1000 + index * 10, epoch: 2 });
    for (const turn of ["in memory", "reopened"]) {
      const { log: current } = fixture;
      for (const index of [0, 1, 13, 30, 59]) {
        const target = (1000 + index * 10) as never;
        expect([turn, await current.offsetForTimestamp(target)]).toEqual([turn, found(index * 2, 1000 + index * 10)]);
      }
      expect(await current.offsetForTimestamp(995 as never)).toEqual(found(0, 1000));
      expect(await current.offsetForTimestamp(1591 as never)).toBeNull();
      expect(await current.offsetOfMaxTimestamp()).toEqual(found(118, 1590));
      if (turn === "in memory") {
        await log.close();
        await fixture.open({ checkpoint: fixture.checkpoint, isCleanStart: true });
      }
    }
  });

  test("although times do not rise", async () => {
    const fixture = new LogFixture({ segmentBytes: 700, indexIntervalBytes: 100 });
    await fixture.open();
    const times = [500, 900, 300, 200, 900, 100, 950, 400, 400, 400, 400, 800];
    for (const timestamp of times) fixture.append(["x"], { timestamp, epoch: 2 });
    const { log } = fixture;
    for (const target of [50, 250, 450, 550, 890, 900, 901, 950]) {
      const first = times.findIndex((time) => time >= target);
      expect(await log.offsetForTimestamp(target as never)).toEqual(found(first, times[first]!));
    }
    expect(await log.offsetOfMaxTimestamp()).toEqual(found(6, 950));
  });
});

test("a log start inside a segment outlives a restart; a copy begins where the segment does", async () => {
  const fixture = new LogFixture();
  const log = await fixture.open();
  fixture.append(["a"]);
  fixture.append(["b"], { epoch: 3 });
  fixture.append(["c"], { epoch: 4 });
  await log.flush();
  log.advanceLogStart(offset(2));
  expect(log.readTail(offset(0), { endOffset: log.logEnd, maxBytes: 1000 })).toHaveLength(1);
  const { recoveryPoint, logStart } = log;
  fixture.disk.crash({ losesPageCache: true });
  const again = await fixture.open({ checkpoint: { recoveryPoint, logStart } });
  expect([again.copyStart, again.logStart, again.logEnd]).toEqual([0, 2, 3]);
  expect([0, 1, 2].map((at) => again.epochAt(offset(at)))).toEqual([0, 3, 4]);
  expect(await fixture.values()).toEqual(["c"]);
});
