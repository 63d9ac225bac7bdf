import { expect, test } from "@jest/globals";
import type { HandOver } from "#contract/control.ts";
import type { StoreFault } from "../adapters/memory/memory-store.ts";
import { FakeBroker, TestCluster } from "./testing/cluster.ts";

/** Broker 1 leads, wishes to stop, and was asked to hand over to broker 2; it answers nothing by itself. */
async function asked(cluster: TestCluster): Promise<{ old: FakeBroker; question: HandOver }> {
  await cluster.start(2);
  await cluster.createTopic("t", [[1, 2]]);
  const old = cluster.broker(1);
  old.isObliging = false;
  old.say({ type: "shutdownWish" });
  await cluster.pass(100);
  const question = old.received.findLast((message) => message.type === "handOver");
  if (question?.type !== "handOver") throw new Error("it was not asked");
  return { old, question };
}

const readyOf = ({ topicId, partition, leaderEpoch, target, attempt }: HandOver) =>
  ({ type: "handOverReady", topicId, partition, leaderEpoch, target, attempt, isReady: true }) as const;

const voids = (broker: FakeBroker): number[] =>
  broker.received.flatMap((message) => (message.type === "handOverVoid" ? [message.attempt] : []));

test("an answer that comes too late is no answer to the next question, and its sender is told so", async () => {
  const cluster = new TestCluster();
  const { old, question } = await asked(cluster);
  await cluster.pass(1600);
  old.say(readyOf(question));
  await cluster.pass(50);
  expect(voids(old)).toEqual([question.attempt]);
  expect(cluster.row().leader).toBe(1);
  old.say(readyOf({ ...question, attempt: question.attempt + 1 }));
  await cluster.pass(50);
  expect(cluster.row().leader).toBe(2);
  expect(voids(old)).toEqual([question.attempt]);
});

test("a move that cannot be made any more is void for the leader that is ready", async () => {
  const cluster = new TestCluster();
  const { old, question } = await asked(cluster);
  cluster.broker(2).die();
  await cluster.pass(200);
  old.say(readyOf(question));
  await cluster.pass(50);
  expect(cluster.row()).toMatchObject({ leader: 1, isr: [1] });
  expect(voids(old)).toEqual([question.attempt]);
});

test("while the outcome of the commit is unknown nothing is void, and nothing else is asked", async () => {
  let isReachable = true;
  const faults = { next: (): StoreFault => (isReachable ? { kind: "none" } : { kind: "unreachable" }) };
  const cluster = new TestCluster({ faults });
  const { old, question } = await asked(cluster);
  isReachable = false;
  old.say(readyOf(question));
  await cluster.pass(10_000);
  expect(voids(old)).toEqual([]);
  expect(old.received.filter((message) => message.type === "handOver").length).toBe(1);
  isReachable = true;
  await cluster.pass(1000);
  expect(cluster.row().leader).toBe(2);
  expect(voids(old)).toEqual([]);
});

test("what the last session still brings changes nothing behind the back of the next one", async () => {
  let delayMs = 0;
  const cluster = new TestCluster({ faults: { next: (): StoreFault => ({ kind: "none", delayMs }) } });
  const { old, question } = await asked(cluster);
  // The registration waits in the queue for the end of another commit.
  delayMs = 200;
  const created = cluster.createTopic("another", [[2, 1]]);
  const next = new FakeBroker(1);
  cluster.brokers.push(next);
  next.dial(cluster.controller);
  await cluster.pass(50);
  old.say(readyOf(question));
  await cluster.pass(1000);
  await created;
  const told = next.registered?.snapshot.partitions.find((row) => row.topicId === question.topicId);
  expect(told?.leader).toBe(1);
  expect(cluster.metadata.state.partitions.get(question.topicId)?.[0]?.leader).toBe(1);
});
