import { afterEach, describe, expect, test } from "@jest/globals";
import { TidemarkError } from "../base/errors.ts";
import { settle } from "../base/testing/fake-clock.ts";
import type { BrokerId } from "../base/ids.ts";
import { TestCluster } from "./testing/test-cluster.ts";

let cluster: TestCluster;
async function started(replicas: number[], minIsr: number): Promise<TestCluster> {
  cluster = new TestCluster(replicas, { minIsr });
  await cluster.start();
  await cluster.clock.advance(50);
  return cluster;
}
afterEach(() => expect(cluster.failures).toEqual([]));

describe("a leader and its followers", () => {
  test("what is produced is on all replicas before it is answered, and the high watermark tells so", async () => {
    await started([1, 2, 3], 2);
    const produced = ["a", "b", "c"].map((text) => cluster.produce(1, text));
    expect(produced.map((one) => one.errorCode)).toEqual([null, null, null]);
    await settle();
    expect(produced.map((one) => one.errorCode)).toEqual([0, 0, 0]);
    for (const id of [1, 2, 3]) expect(cluster.log(id).content).toEqual(["0:a@1", "1:b@1", "2:c@1"]);
    expect(cluster.replica(1).highWatermark).toBe(3);
    await cluster.clock.advance(20);
    expect(cluster.replica(2).highWatermark).toBe(3);
  });

  test("one follower whose write has not returned holds the ack back", async () => {
    await started([1, 2, 3], 2);
    cluster.log(3).isStalled = true;
    const produced = cluster.produce(1, "a");
    await settle();
    expect(cluster.log(3).content).toEqual(["0:a@1"]);
    expect([produced.errorCode, cluster.replica(1).highWatermark]).toEqual([null, 0]);
    cluster.log(3).write();
    await settle();
    expect([produced.errorCode, cluster.replica(1).highWatermark]).toEqual([0, 1]);
  });

  test("the leader's own write counts like any other", async () => {
    await started([1, 2, 3], 2);
    cluster.log(1).isStalled = true;
    const produced = cluster.produce(1, "a");
    await settle();
    expect(cluster.log(2).content).toEqual(["0:a@1"]);
    expect(produced.errorCode).toBeNull();
    cluster.log(1).write();
    await settle();
    expect(produced.errorCode).toBe(0);
  });

  test("consumers read up to the high watermark, nothing beyond it, and are refused beyond the log", async () => {
    await started([1, 2], 1);
    cluster.produce(1, "a");
    await settle();
    cluster.log(2).isStalled = true;
    cluster.produce(1, "b");
    await settle();
    const read = (from: number) => {
      const result = cluster.replica(1).read(from as never, { maxBytes: 1000, upTo: "highWatermark" });
      if (result instanceof Promise) throw new Error("the tail is in memory");
      return result.kind === "refused" ? result.errorCode : result.chunks.length;
    };
    expect([read(0), read(1), read(2), read(3)]).toEqual([1, 0, 0, 1]);
    expect(cluster.replica(2).read(0 as never, { maxBytes: 1000, upTo: "highWatermark" })).toMatchObject({
      errorCode: 6,
    });
  });

  test("below minIsr acks=all is refused, acks=1 accepted, and the high watermark stands still", async () => {
    await started([1, 2, 3], 3);
    await cluster.kill(3);
    const waiting = cluster.produce(1, "a");
    await settle();
    expect(waiting.errorCode).toBeNull();
    await cluster.commit({ isr: [1, 2] as BrokerId[], elr: [3] as BrokerId[] });
    expect(waiting.errorCode).toBe(20);
    expect(cluster.produce(1, "b").errorCode).toBe(19);
    expect(cluster.append(1, "c", 1)).toMatchObject({ kind: "appended", baseOffset: 1 });
    await settle();
    expect(cluster.replica(1).highWatermark).toBe(0);
    expect(cluster.log(2).content).toEqual(["0:a@1", "1:c@1"]);

    await cluster.startBroker(3);
    await cluster.clock.advance(500);
    expect(cluster.log(3).content).toEqual(["0:a@1", "1:c@1"]);
    expect(cluster.proposals().at(-1)).toMatchObject({
      isr: [{ broker: 1 }, { broker: 2 }, { broker: 3, brokerEpoch: 102 }],
    });
    await cluster.commit({ isr: [1, 2, 3] as BrokerId[], elr: [] });
    expect(cluster.replica(1).highWatermark).toBe(2);
  });

  test("a follower that falls behind for the lag time is proposed out, comes back and is proposed in", async () => {
    await started([1, 2, 3], 2);
    cluster.log(3).isStalled = true;
    const produced = cluster.produce(1, "a");
    await cluster.clock.advance(29_000);
    expect(cluster.proposals()).toEqual([]);
    await cluster.clock.advance(2000);
    const out = cluster.proposals();
    expect(out[0]?.isr.map((one) => one.broker)).toEqual([1, 2]);
    expect(cluster.replica(1).highWatermark).toBe(0);
    await cluster.commit({ isr: [1, 2] as BrokerId[] });
    expect([cluster.replica(1).highWatermark, produced.errorCode]).toEqual([1, 7]);
    cluster.log(3).write();
    await settle();
    expect(
      cluster
        .proposals()
        .at(-1)
        ?.isr.map((one) => one.broker),
    ).toEqual([1, 2, 3]);
  });

  test("a proposal is sent again until it is answered, and refused only by its newest sending", async () => {
    await started([1, 2], 1);
    await cluster.kill(2);
    await cluster.commit({ isr: [1] as BrokerId[] });
    await cluster.startBroker(2);
    await cluster.clock.advance(500);
    const [first] = cluster.proposals();
    await cluster.clock.advance(4000);
    const second = cluster.proposals().at(-1);
    expect(second?.attempt).toBeGreaterThan(first?.attempt ?? 99);
    const { leadership } = cluster.replica(1);
    const refusal = { type: "isrRefused", topicId: cluster.row.topicId, partition: cluster.row.partition } as const;
    const { leaderEpoch, partitionEpoch } = cluster.row;
    const refuse = (attempt: number) =>
      cluster.manager(1).onDirective({ ...refusal, leaderEpoch, partitionEpoch, attempt, reason: "fenced" });
    refuse(first?.attempt ?? 0);
    expect(leadership?.isr.kind).toBe("pendingExpand");
    refuse(second?.attempt ?? 0);
    expect(leadership?.isr.kind).toBe("committed");
    await cluster.clock.advance(1000);
    expect(leadership?.isr.kind).toBe("pendingExpand");
  });

  test("records in the proposed member count before the controller has answered", async () => {
    await started([1, 2], 1);
    await cluster.kill(2);
    await cluster.commit({ isr: [1] as BrokerId[] });
    cluster.produce(1, "a");
    await settle();
    expect(cluster.replica(1).highWatermark).toBe(1);
    await cluster.startBroker(2);
    await cluster.clock.advance(500);
    cluster.log(2).isStalled = true;
    cluster.produce(1, "b");
    await settle();
    expect(cluster.replica(1).highWatermark).toBe(1);
    cluster.log(2).write();
    await settle();
    expect(cluster.replica(1).highWatermark).toBe(2);
  });
});

describe("a change of leaders", () => {
  test("the new leader has what was acked, and the old one cuts what nobody else has", async () => {
    await started([1, 2, 3], 2);
    cluster.produce(1, "a");
    await settle();
    cluster.separate(1, 2);
    cluster.separate(1, 3);
    const unacked = cluster.produce(1, "lost");
    await cluster.elect(2, [2, 3], { late: [1] });
    await cluster.clock.advance(500);
    const acked = cluster.produce(2, "b");
    await settle();
    expect([acked.errorCode, unacked.errorCode]).toEqual([0, null]);
    expect(cluster.replica(2).isReadyAsLeader).toBe(true);
    cluster.join(1, 2);
    await cluster.tellRow(1);
    await cluster.clock.advance(500);
    expect(unacked.errorCode).toBe(6);
    expect(cluster.log(1).truncations).toEqual([1]);
    for (const id of [1, 2, 3]) expect(cluster.log(id).content).toEqual(["0:a@1", "1:b@2"]);
    expect(
      cluster
        .proposals()
        .at(-1)
        ?.isr.map((one) => one.broker),
    ).toEqual([2, 3, 1]);
  });

  test("a new leader's high watermark waits until its followers have opened in its epoch", async () => {
    await started([1, 2, 3], 2);
    cluster.produce(1, "a");
    await settle();
    await cluster.kill(1);
    cluster.separate(2, 3);
    await cluster.elect(2, [2, 3]);
    expect(cluster.replica(2).highWatermark).toBe(0);
    expect(cluster.replica(2).isReadyAsLeader).toBe(false);
    cluster.join(2, 3);
    await cluster.clock.advance(500);
    expect(cluster.replica(2).highWatermark).toBe(1);
    expect(cluster.replica(2).isReadyAsLeader).toBe(true);
  });

  test("the same broker elected again goes on in a new epoch, and its produces wait on", async () => {
    await started([1, 2], 2);
    cluster.log(2).isStalled = true;
    const produced = cluster.produce(1, "a");
    await settle();
    await cluster.elect(1, [1, 2]);
    expect(produced.errorCode).toBeNull();
    cluster.log(2).write();
    await cluster.clock.advance(500);
    expect(produced.errorCode).toBe(0);
    cluster.produce(1, "b");
    await settle();
    expect(cluster.log(2).content).toEqual(["0:a@1", "1:b@2"]);
  });

  test("a leader that is deposed without a successor refuses, and comes back", async () => {
    await started([1, 2], 1);
    await cluster.commit({ leader: -1 as BrokerId, isr: [] });
    expect(cluster.replica(1).role).toBe("offline");
    expect(cluster.produce(1, "a").errorCode).toBe(6);
    await cluster.elect(1, [1]);
    const produced = cluster.produce(1, "a");
    await settle();
    expect(produced.errorCode).toBe(0);
  });

  test("a late row of an older epoch changes nothing", async () => {
    await started([1, 2, 3], 2);
    const old = cluster.row;
    await cluster.elect(2, [1, 2, 3]);
    cluster.replica(2).applyRow(old);
    cluster.replica(2).applyRow({ ...old, partitionEpoch: 99 as never });
    expect(cluster.replica(2).role).toBe("leader");
  });

  test("a follower that lost writes is out of sync at once, though it opens with a new process", async () => {
    await started([1, 2], 1);
    for (const text of ["a", "b", "c"]) cluster.produce(1, text);
    await settle();
    expect(cluster.replica(1).highWatermark).toBe(3);
    await cluster.kill(2, { logEnd: 1 });
    await cluster.startBroker(2);
    await cluster.clock.advance(100);
    expect(cluster.proposals()[0]?.isr.map((one) => one.broker)).toEqual([1]);
    expect(cluster.log(2).content).toEqual(["0:a@1", "1:b@1", "2:c@1"]);
  });

  test("statements of a process that the metadata does not know yet count once it does", async () => {
    await started([1, 2], 1);
    const row = cluster.broker(2);
    cluster.setBroker({ ...row, epoch: (row.epoch - 1) as never });
    const produced = cluster.produce(1, "a");
    await settle();
    expect(produced.errorCode).toBe(null);
    cluster.setBroker(row);
    await settle();
    expect(produced.errorCode).toBe(0);
  });
});

describe("a planned move", () => {
  const handOver = () => ({
    type: "handOver" as const,
    topicId: cluster.row.topicId,
    partition: cluster.row.partition,
    leaderEpoch: cluster.row.leaderEpoch,
    target: 2 as BrokerId,
    attempt: 1,
  });
  const ready = () =>
    cluster.said.flatMap(({ message }) => (message.type === "handOverReady" ? [message.isReady] : []));

  test("holds appends until the target has everything, and loses none of them", async () => {
    await started([1, 2], 1);
    cluster.log(2).isStalled = true;
    cluster.append(1, "a", 1);
    cluster.manager(1).onDirective(handOver());
    expect(cluster.append(1, "b", 1).kind).toBe("held");
    await settle();
    expect(ready()).toEqual([]);
    cluster.log(2).write();
    await settle();
    expect(ready()).toEqual([true]);
    let again = "";
    cluster.replica(1).whenReleased(() => {
      again = cluster.append(1, "b", 1).kind;
    });
    expect(again).toBe("");
    await cluster.elect(2, [1, 2]);
    expect(again).toBe("refused");
    expect(cluster.log(2).content).toEqual(["0:a@1"]);
  });

  test("is given up after half a second, and what was held is appended in its order", async () => {
    await started([1, 2], 1);
    cluster.log(2).isStalled = true;
    cluster.append(1, "a", 1);
    cluster.manager(1).onDirective(handOver());
    for (const text of ["b", "c"]) cluster.replica(1).whenReleased(() => void cluster.append(1, text, 1));
    await cluster.clock.advance(400);
    expect(cluster.log(1).content).toEqual(["0:a@1"]);
    await cluster.clock.advance(200);
    expect(ready()).toEqual([false]);
    expect(cluster.log(1).content).toEqual(["0:a@1", "1:b@1", "2:c@1"]);
  });
});

describe("a planned move of which nothing is heard after it was ready", () => {
  const name = () => ({ topicId: cluster.row.topicId, partition: cluster.row.partition, attempt: 7 });
  /** The controller's commit takes longer than appends are held. */
  const undecided = async () => {
    await started([1, 2], 1);
    const { leaderEpoch } = cluster.row;
    cluster.manager(1).onDirective({ type: "handOver", ...name(), leaderEpoch, target: 2 as BrokerId });
    await cluster.clock.advance(600);
    cluster.log(2).isStalled = true;
    let code: number | null = null;
    const appended = cluster.append(1, "b", 1);
    if (appended.kind !== "appended") throw new Error(`"b" was not appended: ${appended.kind}`);
    cluster.replica(1).whenWritten(appended.lastOffset, { timeoutMs: 30_000 }, (errorCode) => {
      code = errorCode;
    });
    await settle();
    return { errorCode: () => code };
  };

  test("loses no acks=1 record when it is committed late: none was acknowledged by the old leader alone", async () => {
    const { errorCode } = await undecided();
    expect(errorCode()).toBe(null);
    await cluster.elect(2, [1, 2]);
    expect(errorCode()).toBe(6);
  });

  test("acknowledges acks=1 as soon as the target has the record, too", async () => {
    const { errorCode } = await undecided();
    cluster.log(2).write();
    await settle();
    expect(errorCode()).toBe(0);
  });

  test.each(["void", "session"] as const)("is over with a %s: the leader's word alone counts again", async (by) => {
    await undecided();
    if (by === "void") cluster.manager(1).onDirective({ type: "handOverVoid", ...name() });
    else cluster.manager(1).onSession();
    const appended = cluster.append(1, "c", 1);
    if (appended.kind !== "appended") throw new Error(`"c" was not appended: ${appended.kind}`);
    let code: number | null = null;
    cluster.replica(1).whenWritten(appended.lastOffset, { timeoutMs: 30_000 }, (errorCode) => {
      code = errorCode;
    });
    await settle();
    expect(code).toBe(0);
  });

  test("is not over with the refusal of an earlier question", async () => {
    const { errorCode } = await undecided();
    cluster.manager(1).onDirective({ type: "handOverVoid", ...name(), attempt: 6 });
    const held = cluster.append(1, "c", 1);
    if (held.kind !== "appended") throw new Error(`"c" was not appended: ${held.kind}`);
    let code: number | null = null;
    cluster.replica(1).whenWritten(held.lastOffset, { timeoutMs: 30_000 }, (later) => {
      code = later;
    });
    await settle();
    expect([errorCode(), code]).toEqual([null, null]);
  });
});

describe("a leader whose disk is slow", () => {
  test("holds appends beyond what may wait for it, and lets them go on in order", async () => {
    await started([1], 1);
    cluster.log(1).isStalled = true;
    const text = "x".repeat(1024 * 1024);
    let appended = 0;
    while (cluster.append(1, text, 0).kind === "appended") appended++;
    expect(appended).toBe(32);
    const went: number[] = [];
    for (const at of [1, 2]) cluster.replica(1).whenReleased(() => went.push(at));
    expect(went).toEqual([]);
    cluster.log(1).write();
    await settle();
    expect(went).toEqual([1, 2]);
    expect(cluster.append(1, text, 0).kind).toBe("appended");
  });
});

describe("a segment that cannot be read", () => {
  test("is answered with an error, and the broker goes on", async () => {
    await started([1, 2], 1);
    cluster.produce(1, "a");
    await settle();
    cluster.log(1).tailStart = 1;
    cluster.log(1).unreadable = new TidemarkError("LOG_CORRUPT", "a checksum is wrong");
    const read = await cluster.replica(1).read(0 as never, { maxBytes: 1000, upTo: "highWatermark" });
    expect(read).toMatchObject({ kind: "refused", errorCode: 56 });
    await cluster.clock.advance(301_000);
    const produced = cluster.produce(1, "b");
    await settle();
    expect(produced.errorCode).toBe(0);
  });
});

describe("a follower far behind", () => {
  test("catches up from disk, and what it has not stated is bounded", async () => {
    await started([1, 2], 1);
    await cluster.kill(2);
    await cluster.commit({ isr: [1] as BrokerId[] });
    const text = "x".repeat(100_000);
    for (let at = 0; at < 250; at++) cluster.append(1, text, 1);
    await settle();
    cluster.log(1).tailStart = 200;
    cluster.log(2).isStalled = true;
    await cluster.startBroker(2);
    await cluster.clock.advance(500);
    expect(cluster.log(1).diskReads).toBeGreaterThan(5);
    expect(cluster.log(2).sizeBytes).toBeGreaterThan(7_000_000);
    expect(cluster.log(2).sizeBytes).toBeLessThan(10_000_000);
    cluster.log(2).write();
    await cluster.clock.advance(500);
    expect(cluster.log(2).logEnd).toBe(250);
    expect(
      cluster
        .proposals()
        .at(-1)
        ?.isr.map((one) => one.broker),
    ).toEqual([1, 2]);
  });

  test("below the leader's log start empties its log and starts there", async () => {
    await started([1, 2], 1);
    cluster.produce(1, "a");
    await settle();
    await cluster.kill(2);
    await cluster.commit({ isr: [1] as BrokerId[] });
    for (const text of ["b", "c", "d"]) cluster.produce(1, text);
    await settle();
    cluster.log(1).removeBelow(2);
    await cluster.startBroker(2);
    await cluster.clock.advance(500);
    expect(cluster.log(2).content).toEqual(["2:c@1", "3:d@1"]);
    expect(cluster.log(2).logStart).toBe(2);
  });
});

describe("what a broker hosts", () => {
  test("goes with its topic's deletion, which is confirmed, again in every session", async () => {
    await started([1, 2], 1);
    await cluster.deleteTopic();
    expect(cluster.manager(1).get(cluster.row.topicId, 0)).toBeUndefined();
    expect(cluster.stores.get(1)?.removed).toEqual(["orders-0"]);
    const confirmed = () => cluster.said.filter(({ message }) => message.type === "topicRemoved").length;
    expect(confirmed()).toBe(2);
    await cluster.deleteTopic();
    expect(confirmed()).toBe(4);
  });

  test("is kept aside, never deleted, when the metadata does not mention it", async () => {
    await started([1, 2], 1);
    cluster.forgetTopic();
    cluster.manager(1).onSession();
    await settle();
    expect(cluster.stores.get(1)?.aside).toEqual(["orders-0"]);
    expect(cluster.stores.get(1)?.removed).toEqual([]);
    expect(cluster.manager(1).get(cluster.row.topicId, 0)).toBeUndefined();
  });

  test("is what log ends are asked of, and nothing else has any", async () => {
    await started([1, 2], 1);
    cluster.produce(1, "a");
    await settle();
    const { topicId, partition } = cluster.row;
    const partitions = [
      { topicId, partition },
      { topicId, partition: 7 as never },
    ];
    cluster.manager(2).onDirective({ type: "queryLogEnds", query: 4, partitions });
    expect(cluster.said.at(-1)?.message).toEqual({
      type: "logEnds",
      query: 4,
      ends: [
        { topicId, partition, lastEpoch: 1, logEnd: 1 },
        { topicId, partition: 7, lastEpoch: -1, logEnd: 0 },
      ],
    });
  });
});
