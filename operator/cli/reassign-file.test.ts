import { describe, expect, test } from "@jest/globals";
import { readReassignments, reassignmentJson } from "./reassign-file.ts";

const one = { topic: "t", partition: 0, replicas: [1, 2] };
const read = (value: unknown) => readReassignments(JSON.stringify(value), "plan.json");

describe("a file of reassignments", () => {
  test("is read as Kafka's tool writes it, and is written so that it is read again", () => {
    expect(read({ version: 1, partitions: [{ ...one, log_dirs: ["any", "any"] }] })).toEqual([one]);
    expect(read(reassignmentJson([one, { ...one, partition: 1 }]))).toEqual([one, { ...one, partition: 1 }]);
    expect(read({ ...reassignmentJson([one]), moves: [{ anything: true }] })).toEqual([one]);
  });

  test.each([
    [[], "the file must be an object"],
    [{ partitions: [one] }, "version must be 1, not undefined"],
    [{ version: 2, partitions: [one] }, "version must be 1, not 2"],
    [{ version: 1 }, "partitions must be a list"],
    [{ version: 1, partitions: [] }, "partitions is empty"],
    [{ version: 1, partitions: [one], topics: [] }, 'the file has an unknown field "topics"'],
    [{ version: 1, partitions: [one, 7] }, "partitions[1] must be an object"],
    [{ version: 1, partitions: [{ ...one, topic: "" }] }, "partitions[0].topic must be the name of a topic"],
    [{ version: 1, partitions: [{ ...one, topic: "t\u001b[2J" }] }, "partitions[0].topic must be the name of a topic"],
    [{ version: 1, partitions: [{ ...one, partition: -1 }] }, "partitions[0].partition must be a whole number from 0"],
    [{ version: 1, partitions: [{ ...one, replicas: [] }] }, "partitions[0].replicas must be a list of brokers' ids"],
    [{ version: 1, partitions: [{ ...one, replicas: ["1"] }] }, "partitions[0].replicas must be a list"],
    [{ version: 1, partitions: [{ ...one, replicas: [1, 1] }] }, "partitions[0].replicas names a broker twice"],
    [{ version: 1, partitions: [{ ...one, log_dirs: ["/d", "any"] }] }, "partitions[0].log_dirs: a broker has one"],
    [{ version: 1, partitions: [one, one] }, "t-0 stands there twice"],
  ])("is refused as %j", (value, says) => {
    expect(() => read(value)).toThrow(`plan.json: ${says}`);
  });

  test("that is no JSON is refused in one line", () => {
    expect(() => readReassignments("{", "plan.json")).toThrow(/^plan\.json: is no JSON: [^\n]+$/);
  });
});
