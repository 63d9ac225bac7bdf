import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { BrokerId, LeaderEpoch, Offset } from "../base/ids.ts";
import { settle } from "../base/testing/fake-clock.ts";
import { batchOf as recordsOf, valuesOf } from "../storage/testing/log-fixture.ts";
import { emptyBatch } from "../wire/record-batch.ts";
import type { ReadResult } from "./replica-answers.ts";
import { DiskStore } from "./testing/disk-store.ts";
import { textOf } from "./testing/memory-log.ts";
import { TestCluster } from "./testing/test-cluster.ts";

let cluster: TestCluster;
const first = { baseOffset: 0 as Offset, leaderEpoch: 0 as LeaderEpoch };
afterEach(() => expect(cluster.failures).toEqual([]));

/** A consumer's read of a replica: texts of the batches, or the error code. */
async function read(id: number, from: number): Promise<readonly string[] | number> {
  const options = { maxBytes: 10_000, upTo: "highWatermark", ofFollower: true } as const;
  const result: ReadResult = await cluster.replica(id).read(from as Offset, options);
  return result.kind === "refused" ? result.errorCode : result.chunks.map(textOf);
}

const followersAt = (from: number): number[] =>
  cluster
    .replica(1)
    .followersAt(from as Offset)
    .map(({ broker }) => broker);

async function start(replicas = [1, 2, 3]): Promise<void> {
  cluster = new TestCluster(replicas, { minIsr: 1 });
  await cluster.start();
  for (const text of ["a", "b", "c"]) cluster.produce(1, text);
  await cluster.clock.advance(50);
}

describe("a consumer that reads from a follower", () => {
  beforeEach(() => start());

  test("is given what the follower knows to be committed, in memory or on disk", async () => {
    expect(await read(2, 1)).toEqual(["b", "c"]);
    cluster.log(2).tailStart = 3;
    expect(await read(2, 1)).toEqual(["b", "c"]);
    cluster.log(3).isStalled = true;
    cluster.produce(1, "d");
    await settle();
    expect([cluster.log(2).logEnd, await read(2, 3)]).toEqual([4, []]);
    cluster.log(3).write();
    await cluster.clock.advance(50);
    expect(await read(2, 3)).toEqual(["d"]);
  });

  test("is not given memory that the follower uses again", async () => {
    const [chunk] = (cluster.log(2).readTail(0 as Offset, { endOffset: 3 as Offset, maxBytes: 1 }) ??
      []) as Uint8Array[];
    const options = { maxBytes: 1, upTo: "highWatermark", ofFollower: true } as const;
    const result = cluster.replica(2).read(0 as Offset, options) as ReadResult & { kind: "records" };
    chunk?.fill(0);
    expect(result.chunks.map(textOf)).toEqual(["a"]);
  });

  test("is not given such memory behind what compaction has emptied either", async () => {
    cluster.replica(1).append(emptyBatch({ ...first, lastOffset: 4 as Offset }), { acks: 1, nowMs: 0 });
    cluster.produce(1, "d");
    await cluster.clock.advance(50);
    const bounds = { endOffset: cluster.log(2).logEnd, maxBytes: 10_000 };
    const memory = cluster.log(2).readTail(8 as Offset, bounds) as Uint8Array[];
    const options = { maxBytes: 10_000, upTo: "highWatermark", ofFollower: true } as const;
    const result = (await cluster.replica(2).read(3 as Offset, options)) as ReadResult & { kind: "records" };
    for (const chunk of memory) chunk.fill(0);
    expect(result.chunks.map(textOf)).toEqual(["d"]);
  });

  test("is told by its kind where it is wrong: below the log, or beyond what has arrived", async () => {
    cluster.log(2).removeBelow(1);
    expect(await read(2, 0)).toBe(1);
    expect(await read(2, 3)).toEqual([]);
    expect(await read(2, 4)).toBe(78);
    expect(await read(1, 4)).toBe(1);
  });

  test("is refused by a replica not asked as a follower, or that leads no more and follows nobody yet", async () => {
    expect(cluster.replica(2).read(0 as Offset, { maxBytes: 10, upTo: "highWatermark" })).toMatchObject({
      errorCode: 6,
    });
    cluster.separate(2, 3);
    await cluster.elect(3, [1, 2, 3]);
    await cluster.clock.advance(50);
    expect(await read(1, 0)).toEqual(["a", "b", "c"]);
    expect(await read(2, 0)).toBe(6);
    cluster.join(2, 3);
    await cluster.clock.advance(1000);
    expect(await read(2, 0)).toEqual(["a", "b", "c"]);
  });

  test("is sent away when the log is cut or has another role before the disk has answered", async () => {
    cluster.log(2).tailStart = 3;
    const answer = read(2, 0);
    await cluster.elect(2, [1, 2, 3]);
    expect(await answer).toBe(6);
    expect(await read(2, 0)).toEqual(["a", "b", "c"]);
  });

  test("waits there: the follower says when its high watermark moves", async () => {
    let moves = 0;
    cluster.replica(2).listen({ onReplicaChange: () => moves++ });
    cluster.produce(1, "d");
    await cluster.clock.advance(50);
    expect(moves).toBeGreaterThan(0);
    expect(await read(2, 3)).toEqual(["d"]);
  });
});

test.each([
  [true, 10],
  [false, 100],
])(
  "a high watermark that no records follow is told a follower soon (consumers there: %s)",
  async (serveReads, waitMs) => {
    await start();
    cluster.followersServeReads = serveReads;
    cluster.produce(1, "d");
    await cluster.clock.advance(waitMs - 1);
    const before = cluster.replica(2).highWatermark;
    await cluster.clock.advance(1);
    expect([before, cluster.replica(2).highWatermark]).toEqual([3, 4]);
  },
);

test("what a follower has not written yet is read from its memory, and the rest from its disk", async () => {
  cluster = new TestCluster([1, 2], { minIsr: 1, newStore: (clock) => new DiskStore(clock) });
  await cluster.start();
  await cluster.clock.advance(50);
  const options = { maxBytes: 1, upTo: "highWatermark", ofFollower: true } as const;
  let count = 0;
  for (; cluster.replica(2).highWatermark < 20; count++) {
    cluster.replica(1).append(recordsOf([`${count}`]), { acks: 1, nowMs: 0 });
    await cluster.clock.advance(1);
    const last = (cluster.replica(2).highWatermark - 1) as Offset;
    if (last < 0) continue;
    const result = await cluster.replica(2).read(last, options);
    expect(result.kind === "records" && valuesOf(result.chunks as Uint8Array[])).toEqual([`${last}`]);
  }
  expect(count).toBeGreaterThanOrEqual(20);
});

describe("a leader that sends consumers to followers", () => {
  beforeEach(() => start());

  test("names those that are in sync and hold the offset", async () => {
    expect(followersAt(3)).toEqual([2, 3]);
    cluster.log(2).isStalled = true;
    cluster.append(1, "d", 1);
    await settle();
    expect([followersAt(4), followersAt(3)]).toEqual([[3], [2, 3]]);
    await cluster.commit({ isr: [1, 2] as BrokerId[] });
    expect(followersAt(0)).toEqual([2]);
    expect(cluster.replica(2).followersAt(0 as Offset)).toEqual([]);
  });

  test("names none whose stream is broken", async () => {
    cluster.separate(1, 2);
    await settle();
    expect(followersAt(0)).toEqual([3]);
  });

  test("knows where a follower's own retention has removed records, also after it came back", async () => {
    cluster.log(2).retentionStart = 2;
    await cluster.replica(2).applyRetention({ nowMs: 0, producerIdExpirationMs: 1 });
    await settle();
    expect([followersAt(1), followersAt(2)]).toEqual([[3], [2, 3]]);
    await cluster.kill(2);
    await cluster.startBroker(2);
    await cluster.clock.advance(1000);
    expect([followersAt(1), followersAt(2)]).toEqual([[3], [2, 3]]);
  });
});
