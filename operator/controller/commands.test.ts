import { expect, test } from "@jest/globals";
import { brokerId } from "#base/ids.ts";
import { TestCluster } from "./testing/cluster.ts";

test("whatever a broker leads and others can take is handed over when it is asked for", async () => {
  const cluster = new TestCluster();
  await cluster.start(2);
  await cluster.createTopic("t", [
    [1, 2],
    [2, 1],
  ]);
  await cluster.createTopic("alone", [[1]]);
  const left = cluster.controller.moveLeadersAway(brokerId(1));
  await cluster.pass(100);
  expect(await left).toBe(1);
  const leaders = [...cluster.metadata.state.partitions.values()].flat().map(({ leader }) => leader);
  expect(leaders).toEqual([2, 2, 1]);
});

test("a broker that is said to have ended is looked at: one that answers is left alone", async () => {
  const cluster = new TestCluster();
  await cluster.start(3);
  await cluster.createTopic("t", [[1, 2, 3]]);
  cluster.controller.suspect(brokerId(1));
  await cluster.pass(2000);
  expect(cluster.row().leader).toBe(1);
  // Its machine is gone: no stream breaks, but somebody was told that the container ended.
  cluster.broker(1).process = "dead";
  cluster.controller.suspect(brokerId(1));
  await cluster.pass(300);
  expect(cluster.row().leader).toBe(2);
});

test("what brokers are started with may change under a running controller, and rows follow", async () => {
  const cluster = new TestCluster({ config: { "min.insync.replicas": "2" } });
  await cluster.start(2);
  await cluster.createTopic("t", [[1, 2]]);
  expect(cluster.row().minIsr).toBe(2);
  cluster.controller.configure({ "min.insync.replicas": "1" });
  await cluster.pass(50);
  expect(cluster.row().minIsr).toBe(1);
});
