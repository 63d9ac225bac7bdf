import { expect, test } from "@jest/globals";
import { settle } from "../base/testing/fake-clock.ts";
import type { Offset } from "../base/ids.ts";
import { TestCluster } from "./testing/test-cluster.ts";
import { countIsrChange, TopicTraffic, TopicTraffics } from "./topic-traffic.ts";

test("members that left the ISR and that came back are counted apart", () => {
  const traffic = new TopicTraffic();
  countIsrChange(traffic, [0, 1, 2], [0]);
  countIsrChange(traffic, [0], [0, 2]);
  countIsrChange(traffic, [0, 2], [0, 2]);
  expect([traffic.isrShrinks, traffic.isrExpands]).toEqual([2, 1]);
});

test("a topic's numbers stay while any of its partitions is here, so that they never fall", () => {
  const traffics = new TopicTraffics();
  traffics.add("orders").bytesIn += 5;
  traffics.add("orders").bytesIn += 2;
  traffics.remove("orders");
  expect([...traffics.all()].map(([topic, { bytesIn }]) => [topic, bytesIn])).toEqual([["orders", 7]]);
  traffics.remove("orders");
  expect([...traffics.all()]).toEqual([]);
});

test("a leader counts what it appended and what it gave to consumers; its followers count nothing", async () => {
  const cluster = new TestCluster([1, 2, 3], { minIsr: 2 });
  await cluster.start();
  await cluster.clock.advance(50);
  cluster.produce(1, "a");
  cluster.produce(1, "b");
  await settle();
  const read = cluster.replica(1).read(0 as Offset, { maxBytes: 1000, upTo: "highWatermark" });
  const given = "chunks" in read ? read.chunks.reduce((sum, chunk) => sum + chunk.length, 0) : 0;
  const traffic = (id: number) => [...cluster.managers.get(id)!.traffics.all()][0]?.[1];
  expect(traffic(1)).toMatchObject({ recordsIn: 2, bytesOut: given, isrShrinks: 0 });
  expect(traffic(1)?.bytesIn).toBe(given);
  expect(given).toBeGreaterThan(0);
  expect(traffic(2)).toMatchObject({ recordsIn: 0, bytesIn: 0, bytesOut: 0 });
  expect(cluster.failures).toEqual([]);
});

test("the lag of the slowest follower is seen by the leader", async () => {
  const cluster = new TestCluster([1, 2, 3], { minIsr: 2 });
  await cluster.start();
  await cluster.clock.advance(50);
  cluster.log(3).isStalled = true;
  for (const text of ["a", "b", "c"]) cluster.produce(1, text);
  await settle();
  const { leadership, log } = cluster.replica(1);
  expect([log.logEnd, leadership?.slowestEnd]).toEqual([3, 0]);
});
