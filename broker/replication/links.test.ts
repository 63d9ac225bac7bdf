import { describe, expect, test } from "@jest/globals";
import { FakeClock, settle } from "../base/testing/fake-clock.ts";
import type { BrokerId } from "../base/ids.ts";
import { silent } from "../base/logging.ts";
import type { ByteStream } from "../ports/network.ts";
import { streamPair } from "../ports/testing/stream-pair.ts";
import { CopyBudget } from "./copy-budget.ts";
import * as frames from "./frames.ts";
import { LeaderLink } from "./leader-link.ts";
import { TestCluster } from "./testing/test-cluster.ts";

function leader(): { clock: FakeClock; near: ByteStream; state: { isOpen: boolean; bytes: number } } {
  const clock = new FakeClock();
  const [near, far] = streamPair();
  const state = { isOpen: true, bytes: 0 };
  near.onClose = () => {
    state.isOpen = false;
  };
  near.onData = (chunk) => {
    state.bytes += chunk.length;
  };
  const copyBudget = new CopyBudget(clock, () => Number.MAX_SAFE_INTEGER);
  const host = {
    me: 1 as BrokerId,
    clock,
    logger: silent,
    clusterId: () => "test",
    find: () => undefined,
    followersServeReads: () => true,
    copyBudget,
  };
  new LeaderLink(host, far, () => {});
  return { clock, near, state };
}
const hello = {
  version: frames.REPLICATION_VERSION,
  follower: 2 as BrokerId,
  leader: 1 as BrokerId,
  clusterId: "test",
};
const open = { partition: 0, leaderEpoch: 1, brokerEpoch: 1, lastEpoch: -1, logEnd: 0, topicId: "a".repeat(32) };
const openFrame = (handle: number) => frames.encodeOpen({ ...open, handle } as unknown as frames.OpenFrame);

describe("a leader's end of a stream", () => {
  test.each([
    ["garbage", Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8])],
    ["a request of another protocol", new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n")],
    ["a frame before the greeting", frames.encodePing()],
    ["another version", frames.encodeHello({ ...hello, version: 99 })],
    ["a follower of another cluster", frames.encodeHello({ ...hello, clusterId: "other" })],
    ["a follower that looks for somebody else", frames.encodeHello({ ...hello, leader: 3 as BrokerId })],
  ])("is closed by %s", async (_, bytes) => {
    const { near, state } = leader();
    near.write(bytes);
    await settle();
    expect(state.isOpen).toBe(false);
  });

  test("refuses a partition that is not led here, and stays open", async () => {
    const { near, state } = leader();
    near.write(frames.encodeHello(hello));
    near.write(openFrame(1));
    near.write(frames.encodeClose(77));
    await settle();
    expect(state.isOpen).toBe(true);
    expect(state.bytes).toBeGreaterThan(0);
  });

  test("is closed after a long silence, and keeps a quiet follower that is alive", async () => {
    const quiet = leader();
    quiet.near.write(frames.encodeHello(hello));
    for (let at = 0; at < 10; at++) {
      await quiet.clock.advance(2000);
      quiet.near.write(frames.encodePing());
    }
    expect(quiet.state.isOpen).toBe(true);
    await quiet.clock.advance(13_000);
    expect(quiet.state.isOpen).toBe(false);
  });
});

describe("a stream between brokers", () => {
  test("that breaks is dialled again, and nothing is missing or double", async () => {
    const cluster = new TestCluster([1, 2, 3], { minIsr: 2 });
    await cluster.start();
    await cluster.clock.advance(50);
    const acked: (number | null)[] = [];
    for (let round = 0; round < 20; round++) {
      const produced = cluster.produce(1, `r${round}`);
      if (round % 3 === 0) for (const { ends } of cluster.streams.splice(0)) for (const end of ends) end.destroy();
      await cluster.clock.advance(100);
      acked.push(produced.errorCode);
    }
    expect(acked).toEqual(new Array(20).fill(0));
    const expected = new Array(20).fill(0).map((_, at) => `${at}:r${at}@1`);
    for (const id of [1, 2, 3]) expect(cluster.log(id).content).toEqual(expected);
  });

  test("moves the high watermark of an idle partition without records", async () => {
    const cluster = new TestCluster([1, 2], { minIsr: 1 });
    await cluster.start();
    await cluster.clock.advance(50);
    cluster.produce(1, "a");
    await settle();
    expect(cluster.replica(2).highWatermark).toBe(0);
    await cluster.clock.advance(15);
    expect(cluster.replica(2).highWatermark).toBe(1);
  });

  test("survives a leader that restarts at another address", async () => {
    const cluster = new TestCluster([1, 2], { minIsr: 1 });
    await cluster.start();
    await cluster.kill(1);
    await cluster.clock.advance(1000);
    await cluster.startBroker(1);
    await cluster.elect(1, [1, 2]);
    await cluster.clock.advance(500);
    const produced = cluster.produce(1, "a");
    await settle();
    expect(produced.errorCode).toBe(0);
    expect(cluster.log(2).content).toEqual(["0:a@2"]);
  });
});
