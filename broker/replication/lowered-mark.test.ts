import { afterEach, expect, test } from "@jest/globals";
import type { MemoryStore } from "./testing/memory-store.ts";
import { TestCluster } from "./testing/test-cluster.ts";

let cluster: TestCluster;
afterEach(() => expect(cluster.failures).toEqual([]));

const kept = (id: number): number | undefined =>
  [...(cluster.stores.get(id) as MemoryStore).highWatermarks.values()][0];

/** Three records on both disks, and checkpoints that call them committed; then broker 1 loses all from `logEnd` on. */
async function lostWrites(logEnd: number): Promise<void> {
  cluster = new TestCluster([1, 2], { minIsr: 1 });
  await cluster.start();
  await cluster.clock.advance(50);
  for (const text of ["a", "b", "c"]) cluster.produce(1, text);
  await cluster.clock.advance(6000);
  expect([kept(1), kept(2)]).toEqual([3, 3]);
  await cluster.kill(1, { logEnd });
  await cluster.startBroker(1);
}

// Else a crash before the next checkpoint brings the old mark back, and whatever stands below it by then counts as
// committed.
test("a high watermark that a truncation lowers is checkpointed at once", async () => {
  await lostWrites(1);
  // Unclean: the log of broker 2 goes further than the new leader's.
  await cluster.elect(1, [1]);
  await cluster.clock.advance(300);
  expect(cluster.log(2).content).toEqual(["0:a@1"]);
  expect(kept(2)).toBe(1);
});

test("so is one that falls because nothing in common is left with the leader", async () => {
  await lostWrites(0);
  await cluster.elect(1, [1]);
  await cluster.clock.advance(300);
  expect(cluster.log(2).content).toEqual([]);
  expect(kept(2)).toBe(0);
});
