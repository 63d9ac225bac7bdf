import { describe, expect, test } from "@jest/globals";
import type { BrokerEpoch, BrokerId, LeaderEpoch, Offset } from "../base/ids.ts";
import { countsLogEnd } from "./count-log-end.ts";
import { mayJoinIsr } from "./may-join-isr.ts";
import { afterClose, afterLogEnd, afterOpening, type LogEndStatement, lagMs, newProgress } from "./progress.ts";

const at = (value: number): Offset => value as Offset;
const view = (nowMs: number, logEnd: number) => ({ nowMs, logEnd: at(logEnd) });
const statement = (logEnd: number, other: Partial<LogEndStatement> = {}): LogEndStatement => ({
  leaderEpoch: 7 as LeaderEpoch,
  brokerEpoch: 40 as BrokerEpoch,
  lastEpoch: 7 as LeaderEpoch,
  logEnd: at(logEnd),
  isSynced: false,
  ...other,
});
const opened = (isInIsr: boolean) => {
  const progress = newProgress(2 as BrokerId, { ...view(1000, 100), isInIsr });
  return afterOpening(progress, { brokerEpoch: 40 as BrokerEpoch, logEnd: at(50), isAligned: true }).progress;
};

describe("a follower's progress", () => {
  test("a member of the ISR has the full lag time to open, any other must show that it is caught up", () => {
    expect(lagMs(newProgress(2 as BrokerId, { ...view(1000, 100), isInIsr: true }), view(5000, 100))).toBe(4000);
    const outside = newProgress(2 as BrokerId, { ...view(1000, 100), isInIsr: false });
    expect(lagMs(outside, view(5000, 100))).toBe(Number.POSITIVE_INFINITY);
  });

  test("an opening gives no log end: only a statement does", () => {
    expect(opened(true).logEnd).toBeNull();
    expect(opened(true).isAligned).toBe(true);
  });

  test("whoever has all that the leader has does not lag, however long nothing is said", () => {
    const { progress } = afterLogEnd(opened(false), statement(100), view(2000, 100));
    expect(lagMs(progress, view(900_000, 100))).toBe(0);
    expect(lagMs(progress, view(900_000, 101))).toBe(898_000);
  });

  test("who never reaches the end but reaches where it was lags by the age of that", () => {
    let progress = afterLogEnd(opened(false), statement(100), view(2000, 200)).progress;
    expect(progress.sampleEnd).toBe(200);
    progress = afterLogEnd(progress, statement(200), view(3000, 300)).progress;
    expect(lagMs(progress, view(3000, 300))).toBe(1000);
    progress = afterLogEnd(progress, statement(250), view(9000, 400)).progress;
    expect(lagMs(progress, view(9000, 400))).toBe(7000);
  });

  test("a log end below one given before in the same epoch is lost writes, out of sync at once", () => {
    const before = afterLogEnd(opened(true), statement(100), view(2000, 120)).progress;
    const after = afterLogEnd(before, statement(99), view(2001, 120));
    expect(after.hasLostWrites).toBe(true);
    expect(after.progress.logEnd).toBe(99);
    expect(lagMs(after.progress, view(2001, 120))).toBe(Number.POSITIVE_INFINITY);
  });

  test("an opening below a log end given before is lost writes too, and what was given counts no more", () => {
    const before = afterLogEnd(opened(true), statement(100), view(2000, 120)).progress;
    const opening = { brokerEpoch: 41 as BrokerEpoch, logEnd: at(99), isAligned: true };
    const after = afterOpening(before, opening);
    expect(after.hasLostWrites).toBe(true);
    expect(after.progress.logEnd).toBeNull();
    expect(afterOpening(before, { ...opening, logEnd: at(100) }).hasLostWrites).toBe(false);
  });

  test("a closed follower keeps what it gave, and gives nothing new", () => {
    const progress = afterClose(afterLogEnd(opened(true), statement(100), view(2000, 120)).progress);
    expect(progress.logEnd).toBe(100);
    expect(progress.isAligned).toBe(false);
  });
});

describe("a stated log end", () => {
  const context = {
    leaderEpoch: 7 as LeaderEpoch,
    brokerEpoch: 40 as BrokerEpoch,
    isAligned: true,
    copyStart: at(10),
    logStart: at(20),
    logEnd: at(100),
    epochBefore: 7 as LeaderEpoch,
  };

  test("counts when everything about it is current", () => {
    expect(countsLogEnd(statement(100), context)).toBe(true);
  });

  test.each([
    ["of an older leader epoch", statement(100, { leaderEpoch: 6 as LeaderEpoch }), {}],
    ["of another process than the metadata knows", statement(100, { brokerEpoch: 39 as BrokerEpoch }), {}],
    ["after an opening that diverged", statement(100), { isAligned: false }],
    ["beyond the leader's own log", statement(101), {}],
    ["whose last record is another one than the leader's", statement(90, { lastEpoch: 6 as LeaderEpoch }), {}],
    ["above the log start without any record", statement(90, { lastEpoch: -1 as LeaderEpoch }), {}],
  ])("does not count %s", (_, stated, different) => {
    expect(countsLogEnd(stated, { ...context, ...different })).toBe(false);
  });

  test("at or below the log start has nothing to compare, and counts for what it is", () => {
    expect(countsLogEnd(statement(10, { lastEpoch: -1 as LeaderEpoch }), context)).toBe(true);
    expect(countsLogEnd(statement(5, { lastEpoch: 1 as LeaderEpoch }), context)).toBe(true);
    // Its own retention was faster: it lacks only what nobody can read any more.
    expect(countsLogEnd(statement(20, { lastEpoch: -1 as LeaderEpoch }), context)).toBe(true);
  });
});

describe("a candidate for the ISR", () => {
  const candidate = {
    logEnd: at(100),
    isAligned: true,
    isLagging: false,
    brokerEpoch: 40 as BrokerEpoch,
    brokerEpochInMetadata: 40 as BrokerEpoch,
    isFenced: false,
    isShuttingDown: false,
  };
  const leader = { highWatermark: at(90), epochStart: at(100) };

  test("may join with all that is committed and all from before the leader's epoch", () => {
    expect(mayJoinIsr(candidate, leader)).toBe(true);
  });

  test.each([
    ["at the high watermark but below the start of the leader's epoch", { logEnd: at(99) }, {}],
    ["below the high watermark", { logEnd: at(100) }, { highWatermark: at(101) }],
    ["that gave no log end", { logEnd: null }, {}],
    ["of an older process", { brokerEpoch: 39 as BrokerEpoch }, {}],
    ["that is fenced", { isFenced: true }, {}],
    ["that is shutting down", { isShuttingDown: true }, {}],
    ["whose stream broke", { isAligned: false }, {}],
    ["that would be removed for its lag at once", { isLagging: true }, {}],
  ])("may not join %s", (_, different, otherLeader) => {
    expect(mayJoinIsr({ ...candidate, ...different }, { ...leader, ...otherLeader })).toBe(false);
  });
});
