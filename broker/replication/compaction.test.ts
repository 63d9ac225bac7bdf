import { afterEach, describe, expect, test } from "@jest/globals";
import { type LeaderEpoch, type Offset, offset } from "../base/ids.ts";
import { defaultLogConfig } from "../storage/log-config.ts";
import { SegmentCleaner } from "../storage/segment-cleaner.ts";
import { baseOffsetOf, batchPositions, lastOffsetOf } from "../wire/record-batch.ts";
import { buildBatch } from "../wire/record-batch-builder.ts";
import { recordsOf } from "../wire/record-batch-records.ts";
import { seededRandom } from "../storage/testing/log-fixture.ts";
import { CompactingCluster } from "./testing/compacting-cluster.ts";
import { DiskStore } from "./testing/disk-store.ts";
import { TestCluster } from "./testing/test-cluster.ts";

let cluster: TestCluster;

async function started(replicas: number[], minIsr = 1): Promise<void> {
  cluster = new TestCluster(replicas, { minIsr, newStore: (clock) => new DiskStore(clock) });
  cluster.config = { ...defaultLogConfig, segmentBytes: 400, indexIntervalBytes: 100, isCompacted: true };
  await cluster.start();
  await cluster.clock.advance(50);
}

afterEach(() => expect(cluster.failures).toEqual([]));

/** Appends `count` batches of one record each, over few keys. */
async function produce(id: number, count: number): Promise<void> {
  const replica = cluster.replica(id);
  for (let index = 0; index < count; index++) {
    const at = replica.log.logEnd;
    const batch = buildBatch([{ key: `key-${at % 3}`, value: `value-${at}`, timestamp: 1000 }]);
    expect(replica.append(batch, { acks: -1, nowMs: 0 }).kind).toBe("appended");
  }
  await cluster.clock.advance(100);
}

/** The second replica is away, and out of the ISR. */
async function separated(): Promise<void> {
  cluster.separate(1, 2);
  cluster.fence(2, true);
  await cluster.commit({ isr: [1] as never });
}

async function joined(): Promise<void> {
  cluster.fence(2, false);
  cluster.join(1, 2);
  await cluster.clock.advance(500);
}

const storeOf = (id: number): DiskStore => cluster.stores.get(id) as DiskStore;

async function compact(id: number): Promise<void> {
  const compactor = new SegmentCleaner(storeOf(id).disk, cluster.clock);
  const limits = { nowMs: 2000, keyBytesMax: 1 << 16, hashKey: [1, 2, 3, 4], bytesPerSecond: 1e15 } as const;
  const { log, highWatermark } = cluster.replica(id);
  const run = await log.compaction.run(compactor, { ...limits, highWatermark });
  expect(run).toMatchObject({ outcome: "done" });
  expect(run.bytesAfter).toBeLessThan(run.bytesBefore);
  // Memory has all that was appended; what is copied from now on comes from disk.
  log.setTailBytesMax(0);
}

/** Every record by its offset; every offset has its place. */
async function contentOf(id: number): Promise<Map<number, string>> {
  const { log } = cluster.replica(id);
  const found = new Map<number, string>();
  let next: number = log.logStart;
  while (next < log.logEnd) {
    for (const view of await log.read(offset(next), { endOffset: log.logEnd, maxBytes: 10_000 })) {
      for (const at of batchPositions(view)) {
        expect(baseOffsetOf(view, at)).toBe(next);
        next = lastOffsetOf(view, at) + 1;
        for (const record of recordsOf(view, at)) found.set(record.offset, Buffer.from(record.value ?? []).toString());
      }
    }
  }
  return found;
}

/** All that is there is where it was written, and the newest record of each key is there. */
async function checkContent(id: number, end: number): Promise<Map<number, string>> {
  const content = await contentOf(id);
  expect(cluster.replica(id).log.logEnd).toBe(end);
  for (const [at, value] of content) expect(value).toBe(`value-${at}`);
  for (let at = Math.max(0, end - 3); at < end; at++) expect(content.get(at)).toBe(`value-${at}`);
  return content;
}

describe("replicas compact by themselves", () => {
  test("and a new follower copies what is left, to the same offsets", async () => {
    await started([1, 2]);
    await separated();
    await produce(1, 40);
    await compact(1);
    await joined();
    expect(await checkContent(2, 40)).toEqual(await contentOf(1));
  });

  test("and a follower goes on where its log ends, in the middle of what its leader has put together", async () => {
    await started([1, 2]);
    await produce(1, 7);
    await separated();
    await produce(1, 40);
    await compact(1);
    await compact(1);
    const { log } = cluster.replica(1);
    const [around] = await log.read(offset(0), { endOffset: log.logEnd, maxBytes: 1 });
    expect(lastOffsetOf(around!, 0)).toBeGreaterThan(10);
    await joined();
    await checkContent(2, 47);
    await produce(1, 3);
    await checkContent(2, 50);
  });

  test("and the leader while its follower copies", async () => {
    await started([1, 2]);
    await separated();
    await produce(1, 60);
    cluster.fence(2, false);
    cluster.join(1, 2);
    const compacting = compact(1);
    await cluster.clock.advance(500);
    await compacting;
    await produce(1, 5);
    await checkContent(1, 65);
    await checkContent(2, 65);
  });

  test("and one that compacted what the other did not leads as well as that one", async () => {
    await started([1, 2, 3], 2);
    await produce(1, 40);
    await compact(2);
    await cluster.kill(1);
    await cluster.elect(2, [2, 3]);
    await cluster.clock.advance(300);
    await produce(2, 6);
    await compact(3);
    await cluster.startBroker(1);
    await cluster.clock.advance(500);
    for (const id of [1, 2, 3]) await checkContent(id, 46);
  });
});

describe("a follower that compacted", () => {
  test("is copied anew when its leader lacks what took the place of others", async () => {
    await started([1, 2]);
    await produce(1, 6);
    await separated();
    await produce(1, 40);
    await compact(1);
    // An unclean election: the second replica has little of it.
    cluster.join(1, 2);
    await cluster.kill(1);
    await cluster.elect(2, [2]);
    await produce(2, 2);
    await cluster.startBroker(1);
    await cluster.clock.advance(500);
    expect([...(await checkContent(1, 8)).keys()]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(cluster.replica(1).log.compaction.supersededEnd).toBe(0);
  });

  test("is copied anew when its disk has lost what took the place of others", async () => {
    await started([1, 2, 3], 2);
    await produce(1, 40);
    await compact(2);
    await cluster.kill(2);
    await cluster.commit({ isr: [1, 3] as never });
    const names = (await storeOf(2).disk.list("orders-0")).filter((name) => name.endsWith(".log"));
    for (const name of names.slice(-3)) await storeOf(2).disk.remove(`orders-0/${name}`);
    await cluster.startBroker(2);
    await cluster.clock.advance(500);
    const content = await checkContent(2, 40);
    expect(content.size).toBe((await contentOf(1)).size);
  });

  test("is cut below its end where nothing was compacted, and keeps the rest", async () => {
    await started([1, 2]);
    await produce(1, 40);
    await compact(2);
    const kept = cluster.replica(2).log.compaction.supersededEnd;
    await cluster.kill(1, {});
    await cluster.elect(2, [2]);
    await cluster.clock.advance(200);
    expect(cluster.replica(2).log.epochAt((kept - 1) as Offset)).toBe(1 as LeaderEpoch);
    await produce(2, 2);
    await cluster.startBroker(1);
    await cluster.clock.advance(500);
    await checkContent(1, 42);
  });
});

test("whoever compacts, dies and leads: no acknowledged record of a key is lost, none moves", async () => {
  let compactions = 0;
  for (let seed = 1; seed <= 25; seed++) {
    const life = new CompactingCluster(seededRandom(seed));
    cluster = life.cluster;
    await life.live(60).catch((error: unknown) => {
      throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
    });
    expect(cluster.failures).toEqual([]);
    compactions += life.compactions;
  }
  expect(compactions).toBeGreaterThan(100);
}, 120_000);
