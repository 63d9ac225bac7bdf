import { afterEach, describe, expect, test } from "@jest/globals";
import type { BrokerId, LeaderEpoch, Offset } from "../base/ids.ts";
import { batchOf, valuesOf } from "../storage/testing/log-fixture.ts";
import { DiskStore } from "./testing/disk-store.ts";
import { TestCluster } from "./testing/test-cluster.ts";

let cluster: TestCluster;
async function started(replicas: number[], minIsr: number): Promise<TestCluster> {
  cluster = new TestCluster(replicas, { minIsr, newStore: (clock) => new DiskStore(clock) });
  await cluster.start();
  await cluster.clock.advance(50);
  return cluster;
}
afterEach(() => expect(cluster.failures).toEqual([]));

type Outcome = { errorCode: number | null; baseOffset: number; kind: string };

/** Produces one batch with acks=all, as an idempotent producer when it has a sequence. */
function produce(id: number, text: string, sequence?: number): Outcome {
  const producer = sequence === undefined ? {} : { producer: { id: 9, epoch: 0, baseSequence: sequence } };
  const result = cluster.replica(id).append(batchOf([text], producer), { acks: -1, nowMs: cluster.clock.now() });
  if (result.kind === "held") throw new Error("nothing is held here");
  if (result.kind === "refused") return { errorCode: result.errorCode, baseOffset: -1, kind: result.kind };
  const outcome: Outcome = { errorCode: null, baseOffset: result.baseOffset, kind: result.kind };
  cluster.replica(id).whenCommitted(result.lastOffset, { timeoutMs: 30_000 }, (code) => {
    outcome.errorCode = code;
  });
  return outcome;
}

/** "value@epoch" of every record, in order. */
async function content(id: number): Promise<string[]> {
  const { log } = cluster.replica(id);
  const found: string[] = [];
  for (let at = log.logStart; at < log.logEnd; at++) {
    const [view] = await log.read(at, { endOffset: log.logEnd, maxBytes: 1 });
    found.push(`${valuesOf(view === undefined ? [] : [view])[0]}@${log.epochAt(at)}`);
  }
  return found;
}

describe("with real logs", () => {
  test("what was acked survives the leader's death, and its process comes back as a follower", async () => {
    await started([1, 2, 3], 2);
    const acked = [produce(1, "a", 0), produce(1, "b", 1)];
    await cluster.clock.advance(20);
    expect(acked.map((one) => one.errorCode)).toEqual([0, 0]);
    await cluster.kill(1);
    await cluster.elect(2, [2, 3]);
    await cluster.clock.advance(300);
    const next = produce(2, "c", 2);
    await cluster.clock.advance(20);
    expect(next).toMatchObject({ errorCode: 0, baseOffset: 2 });
    await cluster.startBroker(1);
    await cluster.clock.advance(300);
    for (const id of [1, 2, 3]) expect(await content(id)).toEqual(["a@1", "b@1", "c@2"]);
  });

  test("a retry at the new leader is a duplicate, answered only once the first is committed", async () => {
    await started([1, 2, 3], 2);
    cluster.separate(1, 3);
    const first = produce(1, "a", 0);
    await cluster.clock.advance(20);
    expect(first.errorCode).toBeNull();
    await cluster.kill(1);
    cluster.separate(2, 3);
    await cluster.elect(2, [2, 3]);
    const retry = produce(2, "a", 0);
    await cluster.clock.advance(20);
    expect(retry).toEqual({ kind: "duplicate", baseOffset: 0, errorCode: null });
    cluster.join(2, 3);
    await cluster.clock.advance(300);
    expect(retry.errorCode).toBe(0);
    expect(await content(3)).toEqual(["a@1"]);
  });

  test("what a deposed leader appended goes, and its producer's sequence with it", async () => {
    await started([1, 2, 3], 2);
    produce(1, "a", 0);
    await cluster.clock.advance(20);
    cluster.separate(1, 2);
    cluster.separate(1, 3);
    produce(1, "only here", 1);
    await cluster.elect(2, [2, 3], { late: [1] });
    await cluster.clock.advance(300);
    cluster.join(1, 2);
    await cluster.tellRow(1);
    await cluster.clock.advance(300);
    await cluster.commit({ isr: [1, 2, 3] as BrokerId[] });
    await cluster.elect(1, [1, 2]);
    await cluster.clock.advance(300);
    const again = produce(1, "b", 1);
    await cluster.clock.advance(20);
    expect(again).toEqual({ kind: "appended", baseOffset: 1, errorCode: 0 });
    expect(await content(2)).toEqual(["a@1", "b@3"]);
  });

  test("a leader that wrote nothing in its epoch follows one that has records of an epoch before", async () => {
    await started([1, 2, 3], 1);
    produce(1, "a");
    await cluster.clock.advance(20);
    // 1 goes on alone in epoch 1; 2 is elected, writes nothing, and 1 takes over again.
    cluster.separate(1, 2);
    cluster.separate(1, 3);
    produce(1, "b");
    await cluster.elect(2, [1, 2, 3], { late: [1] });
    await cluster.clock.advance(100);
    await cluster.elect(1, [1, 2, 3]);
    cluster.join(1, 2);
    cluster.join(1, 3);
    await cluster.clock.advance(500);
    produce(1, "c");
    await cluster.clock.advance(500);
    for (const id of [1, 2, 3]) expect(await content(id)).toEqual(["a@1", "b@1", "c@3"]);
  });

  test("a follower far behind catches up over several segments", async () => {
    cluster = new TestCluster([1, 2], { minIsr: 1, newStore: (clock) => new DiskStore(clock) });
    cluster.config = { ...cluster.config, segmentBytes: 20_000 };
    await cluster.start();
    await cluster.kill(2);
    await cluster.commit({ isr: [1] as BrokerId[] });
    const texts = new Array(200).fill(0).map((_, at) => `${at}`.padEnd(1000, "."));
    for (const text of texts) produce(1, text);
    await cluster.clock.advance(100);
    await cluster.startBroker(2);
    await cluster.clock.advance(500);
    expect(await content(2)).toEqual(texts.map((text) => `${text}@1`));
    expect(cluster.replica(2).log.endOffsetFor(1 as LeaderEpoch).endOffset).toBe(200 as Offset);
  });

  test("under flush.messages=1 only what is synced counts, and the controller is told once everybody is", async () => {
    cluster = new TestCluster([1, 2], { minIsr: 1, newStore: (clock) => new DiskStore(clock) });
    cluster.config = { ...cluster.config, flushMessages: 1 };
    await cluster.start();
    const produced = produce(1, "a");
    await cluster.clock.advance(50);
    expect(produced.errorCode).toBe(0);
    for (const id of [1, 2]) expect(cluster.replica(id).log.syncedEnd).toBe(1);
    const reports = cluster.said.flatMap(({ message }) => (message.type === "synced" ? [message.synced] : []));
    expect(reports).toEqual([true]);
  });

  test("the controller is told, too, when what was written before flush.messages=1 is synced at last", async () => {
    await started([1, 2], 1);
    produce(1, "a");
    await cluster.clock.advance(50);
    const reports = () => cluster.said.flatMap(({ message }) => (message.type === "synced" ? [message.synced] : []));
    await cluster.configure({ ...cluster.config, flushMessages: 1 }, { late: [2] });
    await cluster.clock.advance(2000);
    expect(reports()).toEqual([]);
    await cluster.configure(cluster.config);
    await cluster.clock.advance(2000);
    expect(reports()).toEqual([true]);
    // A row that came meanwhile may have another ISR: what was said counts for the earlier one alone.
    await cluster.commit({});
    const latest = cluster.said.flatMap(({ message }) => (message.type === "synced" ? [message] : [])).at(-1);
    expect(reports()).toEqual([true, true]);
    expect(latest?.partitionEpoch).toBe(cluster.replica(1).row.partitionEpoch);
  });

  test("a row that promises synced members admits no other, and admits it once it is", async () => {
    await started([1, 2], 1);
    await cluster.configure({ ...cluster.config, flushMessages: 1 });
    await cluster.kill(2);
    await cluster.commit({ isr: [1] as BrokerId[], synced: true });
    produce(1, "a");
    const flushing = cluster.config;
    cluster.config = { ...cluster.config, flushMessages: 1000 };
    await cluster.startBroker(2);
    await cluster.clock.advance(2000);
    expect(cluster.replica(2).log.logEnd).toBe(1);
    expect(cluster.proposals()).toEqual([]);
    await cluster.configure(flushing, { late: [1] });
    await cluster.clock.advance(2000);
    expect(
      cluster
        .proposals()
        .at(-1)
        ?.isr.map((one) => one.broker),
    ).toEqual([1, 2]);
  });
});
