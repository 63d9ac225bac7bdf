import { spawnSync } from "node:child_process";
import path from "node:path";
import { describe, expect, test } from "@jest/globals";
import { decodeLike, goldenFrames, reencode } from "./golden-frames.ts";

const frames = await goldenFrames();

test("every declared key has frames of a real client, and four unrelated clients have frames", () => {
  const keys = [...new Set(frames.map(({ api }) => api.key))];
  expect(keys).toEqual([
    0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 21, 22, 23, 32, 33, 35, 37, 42, 43, 44, 45, 46, 47, 60,
    74, 75,
  ]);
  const clients = [...new Set(frames.map(({ client }) => client))].sort();
  expect(clients).toEqual(["java", "kafka-python", "kafkajs", "librdkafka", "platformatic"]);
});

describe("a recorded frame", () => {
  test.each(frames.map((frame) => [frame.name, frame] as const))(
    "%s is written again byte for byte",
    (_name, frame) => {
      expect(reencode(frame).toString("hex")).toBe(frame.bytes.toString("hex"));
    },
  );

  test("of each kind decodes to what its client meant", () => {
    const body = (name: string): unknown => {
      const frame = frames.find((each) => each.name === name);
      return frame === undefined ? undefined : decodeLike(frame, frame.bytes);
    };
    expect(body("19-create-topics/java-4.3.1-v7.request.hex")).toMatchObject({
      topics: [
        {
          name: "golden-java",
          numPartitions: 2,
          replicationFactor: 1,
          configs: [{ name: "max.message.bytes", value: "100000" }],
        },
        { name: "golden-java-2", numPartitions: -1, replicationFactor: -1, configs: [] },
      ],
      validateOnly: false,
    });
    expect(body("00-produce/kafkajs-2.2.4-v7.request.hex")).toMatchObject({
      transactionalId: null,
      acks: -1,
      topicData: [{ name: "golden-js" }],
    });
    expect(body("45-alter-partition-reassignments/kafka-python-3.0.12-v1.request.hex")).toMatchObject({
      allowReplicationFactorChange: true,
      topics: [
        {
          name: "golden-moves",
          partitions: [
            { partitionIndex: 0, replicas: [3, 2] },
            { partitionIndex: 1, replicas: null },
          ],
        },
      ],
    });
    expect(body("43-elect-leaders/java-4.3.1-v2.response.hex")).toMatchObject({
      errorCode: 0,
      replicaElectionResults: [{ topic: "golden-java", partitionResult: [{ partitionId: 0, errorCode: 84 }] }],
    });
  });
});

test("a recorded fetch session names in turn all, what is new, what is forgotten, and its end", () => {
  const bodies = (direction: string): Record<string, unknown>[] =>
    frames
      .filter(({ name }) => name.includes("-session-") && name.endsWith(`.${direction}.hex`))
      .map((frame) => decodeLike(frame, frame.bytes));
  const lengthsOf = (each: Record<string, unknown>, key: string): number =>
    (each[key] as { partitions: unknown[] }[]).reduce((sum, { partitions }) => sum + partitions.length, 0);
  const requests = bodies("request");
  expect(requests.map(({ sessionEpoch }) => sessionEpoch)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, -1]);
  expect(requests.map((each) => lengthsOf(each, "topics"))).toEqual([3, 3, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0]);
  expect(requests.map((each) => lengthsOf(each, "forgottenTopicsData"))).toEqual([0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0]);
  const responses = bodies("response");
  expect(responses.map((each) => lengthsOf(each, "responses"))).toEqual([3, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
  const [first, ...others] = responses.map(({ sessionId }) => sessionId);
  expect([requests[0]?.["sessionId"], others.at(-1)]).toEqual([0, 0]);
  expect(new Set([first, ...others.slice(0, -1), ...requests.slice(1).map(({ sessionId }) => sessionId)]).size).toBe(1);
});

test("no truncation and no hostile length of a recorded frame does more than be refused", () => {
  const program = path.join(import.meta.dirname, "hostile.ts");
  const { stdout, stderr, status } = spawnSync(process.execPath, [program], { encoding: "utf8" });
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  const tally = JSON.parse(stdout) as Record<string, number>;
  expect(tally).toMatchObject({ frames: frames.length, failures: 0 });
  expect(tally["refused"]).toBeGreaterThan(100_000);
  expect(tally["decoded"]).toBeGreaterThan(100_000);
}, 120_000);
