import { describe, expect, test } from "@jest/globals";
import type { BrokerEpoch, BrokerId, LeaderEpoch, Offset, PartitionIndex, TopicId } from "../base/ids.ts";
import { FrameBuffers } from "./frame-buffers.ts";
import { FrameDecoder } from "./frame-decoder.ts";
import * as frames from "./frames.ts";

const topicId = "00112233445566778899aabbccddeeff" as TopicId;
const big = (2 ** 52 + 3) as Offset;
const opened = { kind: "opened", handle: 7 } as const;
const conversation: [frames.FromFollower | frames.FromLeader, Uint8Array[]][] = [
  with_(
    { kind: "hello", version: 1, follower: 2 as BrokerId, leader: 1 as BrokerId, clusterId: "c/µ" },
    frames.encodeHello,
  ),
  with_(
    {
      kind: "open",
      handle: 4_000_000,
      topicId,
      partition: 12 as PartitionIndex,
      leaderEpoch: 5 as LeaderEpoch,
      brokerEpoch: big as number as BrokerEpoch,
      lastEpoch: -1 as LeaderEpoch,
      logEnd: big,
    },
    frames.encodeOpen,
  ),
  with_(
    { kind: "statement", handle: 7, lastEpoch: 4 as LeaderEpoch, logEnd: big, isSynced: true },
    frames.encodeStatement,
  ),
  [{ kind: "close", handle: 7 }, [frames.encodeClose(7)]],
  [{ kind: "ended", handle: 7 }, [frames.encodeEnded(7)]],
  [{ kind: "ping" }, [frames.encodePing()]],
  with_({ ...opened, outcome: "aligned", highWatermark: big, logStart: 3 as Offset }, frames.encodeOpened),
  with_({ ...opened, outcome: "diverged", end: { epoch: 3 as LeaderEpoch, endOffset: big } }, frames.encodeOpened),
  with_({ ...opened, outcome: "restart", logStart: big }, frames.encodeOpened),
  with_({ ...opened, outcome: "refused" }, frames.encodeOpened),
  with_({ kind: "marks", handle: 7, highWatermark: big, logStart: 0 as Offset }, frames.encodeMarks),
  with_({ kind: "start", handle: 7, logStart: big }, frames.encodeStart),
  with_({ kind: "started", handle: 7, logStart: big }, frames.encodeStarted),
  data(5),
  data(3000),
  data(70_000),
];

function with_<T extends frames.FromFollower | frames.FromLeader>(
  frame: T,
  encode: (frame: T) => Uint8Array,
): [T, Uint8Array[]] {
  return [frame, [encode(frame)]];
}

function data(size: number): [frames.DataFrame, Uint8Array[]] {
  const batches = new Uint8Array(size).map((_, at) => at * 7);
  const frame: frames.DataFrame = { kind: "data", handle: 9, highWatermark: big, logStart: 1 as Offset, batches };
  return [frame, [frames.encodeDataHeader(frame, size), batches.subarray(0, 2), batches.subarray(2)]];
}

const bytes = (): Uint8Array => Buffer.concat(conversation.flatMap(([, chunks]) => chunks));

function decode(
  chunks: Uint8Array[],
  allocate: ((sizeBytes: number) => Uint8Array) | null = (sizeBytes) => new Uint8Array(sizeBytes),
): unknown[] {
  const found: unknown[] = [];
  const decoder = new FrameDecoder({ allocate }, (frame) => found.push(frame));
  for (const chunk of chunks) decoder.push(chunk);
  return found;
}

describe("frames", () => {
  const expected = conversation.map(([frame]) => frame);

  test("come out as they went in, however the bytes are cut", () => {
    const whole = bytes();
    expect(decode([whole])).toEqual(expected);
    for (const size of [1, 2, 3, 5, 7, 25, 61, 1000, 65_536]) {
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < whole.length; at += size) chunks.push(whole.subarray(at, at + size));
      expect(decode(chunks)).toEqual(expected);
    }
  });

  test("keep nothing of the chunks they came in", () => {
    const [frame, chunks] = data(70_000);
    const one = new Uint8Array(Buffer.concat(chunks));
    const [whole] = decode([one]) as [frames.DataFrame];
    one.fill(0);
    expect(whole).toEqual(frame);
  });

  test.each([
    ["an unknown kind", [0, 0, 0, 1, 99]],
    ["no kind at all", [0, 0, 0, 0, 1]],
    ["a small frame that claims to be large", [0, 16, 0, 0, 2]],
    ["a body too short", [0, 0, 0, 3, 4, 0, 0]],
    ["a body too long", [0, 0, 0, 6, 4, 0, 0, 0, 0, 0]],
    ["records beyond every limit", [127, 0, 0, 0, 6]],
    ["a data frame without records", [0, 0, 0, 21, 6, ...new Array(20).fill(0)]],
    ["a negative offset", [0, 0, 0, 21, 7, 0, 0, 0, 1, 255, ...new Array(15).fill(0)]],
  ])("are refused for %s", (_, malformed) => {
    expect(() => decode([Uint8Array.from(malformed)])).toThrow("a replication peer sent nonsense");
  });

  test("with records are refused from a follower", () => {
    expect(() => decode([Buffer.concat(data(5)[1])], null)).toThrow("nonsense");
  });
});

describe("memory for records", () => {
  test("is used again for what fits in, and not kept without bound", () => {
    const buffers = new FrameBuffers();
    const first = buffers.take(100_000);
    expect([first.length, first.byteOffset]).toEqual([100_000, 0]);
    buffers.giveBack(first);
    expect(buffers.take(70_000).buffer).toBe(first.buffer);
    expect(buffers.take(70_000).buffer).not.toBe(first.buffer);
    for (const one of Array.from({ length: 100 }, () => buffers.take(1024 * 1024))) buffers.giveBack(one);
    expect(buffers.idleBytes).toBe(8 * 1024 * 1024);
    const large = buffers.take(20_000_000);
    buffers.giveBack(large);
    expect([large.length, buffers.idleBytes]).toEqual([20_000_000, 8 * 1024 * 1024]);
  });
});
