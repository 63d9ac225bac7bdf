import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { settle } from "../base/testing/fake-clock.ts";
import type { BrokerId, Offset } from "../base/ids.ts";
import { TestCluster } from "./testing/test-cluster.ts";

let cluster: TestCluster;
async function started(replicas: number[], minIsr: number): Promise<void> {
  cluster = new TestCluster(replicas, { minIsr });
  await cluster.start();
  await cluster.clock.advance(50);
}
afterEach(() => expect(cluster.failures).toEqual([]));

describe("a follower that is slower than retention", () => {
  test("begins anew where the leader's log begins now, and its leader goes on", async () => {
    await started([1, 2], 1);
    cluster.produce(1, "a");
    await cluster.clock.advance(50);
    cluster.log(2).isStalled = true;
    for (let n = 0; n < 40; n++) cluster.append(1, `${n}`.repeat(500_000), 1);
    await cluster.clock.advance(50);
    const { logEnd } = cluster.log(2);
    expect(logEnd).toBeLessThan(cluster.log(1).logEnd);
    await cluster.commit({ isr: [1] as BrokerId[] });
    cluster.log(1).removeBelow(logEnd + 5);
    cluster.log(2).write();
    await cluster.clock.advance(1000);
    expect(cluster.log(2).content).toEqual(cluster.log(1).content);
    expect(cluster.log(2).logStart).toBe(logEnd + 5);
  });
});

describe("records deleted on purpose", () => {
  const deleteBefore = (offset: number): { told: (readonly number[])[] } => {
    const outcome: { told: (readonly number[])[] } = { told: [] };
    const done = (...answer: readonly number[]): void => void outcome.told.push(answer);
    cluster.replica(1).deleteRecords(offset as Offset, { timeoutMs: 2000 }, done);
    return outcome;
  };
  const starts = (...ids: number[]): number[] => ids.map((id) => cluster.log(id).logStart);

  beforeEach(async () => {
    await started([1, 2, 3], 2);
    for (const text of ["a", "b", "c", "d"]) cluster.produce(1, text);
    await cluster.clock.advance(50);
  });

  test("are hidden by every replica before the answer, and cannot be read any more", async () => {
    const deletion = deleteBefore(3);
    expect(cluster.replica(1).read(2 as Offset, { maxBytes: 1000, upTo: "highWatermark" })).toMatchObject({
      kind: "refused",
      errorCode: 1,
    });
    await settle();
    expect(deletion.told).toEqual([[0, 3]]);
    expect(starts(1, 2, 3)).toEqual([3, 3, 3]);
    expect(deleteBefore(1).told).toEqual([]);
    await settle();
    expect(starts(1, 2, 3)).toEqual([3, 3, 3]);
    const all = deleteBefore(-1);
    await settle();
    expect(all.told).toEqual([[0, 4]]);
    cluster.produce(1, "e");
    await cluster.clock.advance(50);
    expect(cluster.replica(1).highWatermark).toBe(5);
  });

  test("beyond what is committed are refused, as on a broker that does not lead", async () => {
    expect(deleteBefore(5).told).toEqual([[1, -1]]);
    expect(deleteBefore(-2).told).toEqual([[1, -1]]);
    const other: number[] = [];
    cluster.replica(2).deleteRecords(1 as Offset, { timeoutMs: 2000 }, (code) => other.push(code));
    expect(other).toEqual([6]);
    expect(starts(1, 2, 3)).toEqual([0, 0, 0]);
  });

  test("wait for an in-sync replica that is silent, until it comes back or dies, or time is over", async () => {
    cluster.separate(1, 3);
    const late = deleteBefore(1);
    await cluster.clock.advance(2500);
    expect(late.told).toEqual([[7, -1]]);
    const patient = deleteBefore(2);
    await cluster.clock.advance(500);
    expect(patient.told).toEqual([]);
    cluster.join(1, 3);
    await cluster.clock.advance(1000);
    expect(patient.told).toEqual([[0, 2]]);
    cluster.separate(1, 3);
    const relieved = deleteBefore(3);
    await settle();
    expect(relieved.told).toEqual([]);
    cluster.fence(3, true);
    await settle();
    expect(relieved.told).toEqual([[0, 3]]);
  });

  test("are not promised by a leader that leads no more", async () => {
    cluster.separate(1, 3);
    const deletion = deleteBefore(2);
    await settle();
    await cluster.elect(2, [1, 2]);
    await cluster.clock.advance(50);
    expect(deletion.told).toEqual([[6, -1]]);
  });

  test("are copied to a replica that has nothing, hidden too", async () => {
    await cluster.kill(3);
    await cluster.commit({ isr: [1, 2] as BrokerId[] });
    deleteBefore(3);
    await settle();
    cluster.log(3).removeBelow(0);
    await cluster.log(3).resetTo(0 as Offset);
    await cluster.startBroker(3);
    await cluster.clock.advance(500);
    expect(cluster.log(3).content).toEqual(cluster.log(1).content);
    expect(starts(1, 3)).toEqual([3, 3]);
  });
});
