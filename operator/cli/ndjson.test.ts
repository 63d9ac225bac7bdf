import { describe, expect, test } from "@jest/globals";
import { formatter } from "./format.ts";
import { recordOfJson } from "./ndjson.ts";

const plain = { key: "utf8", value: "utf8" } as const;
const read = (value: unknown, how: Parameters<typeof recordOfJson>[1] = plain) =>
  recordOfJson(Buffer.from(typeof value === "string" ? value : JSON.stringify(value)), how);

describe("a record as a line of JSON", () => {
  test("has a key, a value, headers, a partition and a time, and needs none of them", () => {
    const headers = { trace: "1", tag: ["a", "b"] };
    expect(read({ key: "k", value: "v", headers, partition: 3, timestampMs: 1_700_000_000_000 })).toEqual({
      key: Buffer.from("k"),
      value: Buffer.from("v"),
      headers,
      partition: 3,
      timestamp: "1700000000000",
    });
    expect(read({})).toEqual({ key: null, value: null });
    expect(read({ key: null, value: "" })).toEqual({ key: null, value: Buffer.alloc(0) });
  });

  test("is what consume prints", () => {
    const record = {
      topic: "t",
      partition: 1,
      offset: 9n,
      timestampMs: 5n,
      key: Buffer.from([0, 255]),
      value: null,
      headers: [[Buffer.from("a"), Buffer.from("b")]] as const,
    };
    const how = { key: "base64", value: "hex" } as const;
    const line = formatter("json", how)(record).toString();
    expect(read(line, how)).toEqual({
      key: record.key,
      value: null,
      headers: { a: "b" },
      partition: 1,
      timestamp: "5",
    });
  });

  test("holds bytes as hex or base64", () => {
    expect(read({ key: "00FF", value: "AP8=" }, { key: "hex", value: "base64" })).toEqual({
      key: Buffer.from([0, 255]),
      value: Buffer.from([0, 255]),
    });
    expect(() => read({ key: "0g" }, { ...plain, key: "hex" })).toThrow("key is no hex");
    expect(() => read({ value: "a*b" }, { ...plain, value: "base64" })).toThrow("value is no base64");
  });

  test.each([
    ["{", /^it is no JSON: [^\n]+$/],
    ["", /^it is no JSON: [^\n]+$/],
    ["[]", "it must be a JSON object"],
    ["7", "it must be a JSON object"],
    [{ valeu: "v" }, "unknown field valeu; known: key, value, headers, partition, timestampMs"],
    [{ value: 7 }, "value must be a string, or null"],
    [{ key: {} }, "key must be a string, or null"],
    [{ partition: -1 }, "partition must be a whole number from 0"],
    [{ partition: "1" }, "partition must be a whole number from 0"],
    [{ timestampMs: 1.5 }, "timestampMs must be a whole number from 0"],
    [{ headers: [] }, "headers must be an object of names and strings"],
    [{ headers: { a: 1 } }, "headers.a must be a string, or a list of them"],
  ])("is refused as %j", (value, says) => {
    expect(() => read(value)).toThrow(says);
  });

  test("that is no UTF-8 is refused", () => {
    expect(() => recordOfJson(Buffer.from([0x22, 0xff, 0x22]), plain)).toThrow("it must be a JSON object");
  });
});
