import { describe, expect, test } from "@jest/globals";
import { formatter, type ReadRecord } from "./format.ts";
import { InputLines } from "./lines.ts";

const record: ReadRecord = {
  topic: "t",
  partition: 3,
  offset: 17n,
  timestampMs: 1_700_000_000_000n,
  key: Buffer.from([0, 255, 10]),
  value: Buffer.from("héllo"),
  headers: [
    [Buffer.from("trace"), Buffer.from("1")],
    [Buffer.from("tag"), Buffer.from("a")],
    [Buffer.from("tag"), null],
  ],
};

describe("the format of a record", () => {
  test.each([
    ["%v\\n", "héllo\n"],
    ["%t-%p@%o %T", "t-3@17 1700000000000"],
    ["%%\\t\\\\%v", "%\t\\héllo"],
    ["plain", "plain"],
    ["value", "héllo\n"],
    ["%h", "trace=1,tag=a,tag="],
  ])("%j", (format, text) => {
    expect(formatter(format)(record).toString()).toBe(text);
  });

  test("keys and values are printed byte for byte, and nothing for null", () => {
    expect([...formatter("%k")(record)]).toEqual([0, 255, 10]);
    expect(formatter("%k|%v")({ ...record, key: null, value: null }).toString()).toBe("|");
  });

  test("an unknown letter is refused by name", () => {
    expect(() => formatter("%x")).toThrow("--format: unknown %x");
    expect(() => formatter("a\\q")).toThrow("--format: unknown \\q");
    expect(() => formatter("50%")).toThrow("--format: unknown %");
  });

  test("keys and values are encoded where that is asked for", () => {
    expect(formatter("%k %v", { key: "hex", value: "base64" })(record).toString()).toBe("00ff0a aMOpbGxv");
    expect(formatter("key-value", { key: "hex", value: "utf8" })(record).toString()).toBe("00ff0a\théllo\n");
    const line = formatter("json", { key: "base64", value: "hex" })(record).toString();
    expect(JSON.parse(line)).toMatchObject({ key: "AP8K", value: "68c3a96c6c6f" });
  });

  test("as JSON, a record is one line", () => {
    const line = formatter("json")({ ...record, key: null }).toString();
    expect(line.endsWith("}\n")).toBe(true);
    expect(JSON.parse(line)).toEqual({
      topic: "t",
      partition: 3,
      offset: 17,
      timestampMs: 1_700_000_000_000,
      key: null,
      value: "héllo",
      headers: { trace: "1", tag: ["a", null] },
    });
  });
});

describe("cutting input into lines", () => {
  const cut = (...chunks: string[]): string[] => {
    const cutter = new InputLines("standard input");
    const lines = chunks.flatMap((chunk) => cutter.push(Buffer.from(chunk)));
    const last = cutter.end();
    return [...lines, ...(last === null ? [] : [last])].map((line) => line.toString());
  };

  test("lines may be spread over chunks, be empty, and lack the last line feed", () => {
    expect(cut("a\nb", "c", "\n\nd")).toEqual(["a", "bc", "", "d"]);
    expect(cut("a\n")).toEqual(["a"]);
    expect(cut("")).toEqual([]);
  });

  test("a line that can be no record is refused before it fills memory", () => {
    const cutter = new InputLines("standard input");
    const chunk = Buffer.alloc(16 * 1024 * 1024, "x");
    const fill = (): void => {
      for (let i = 0; i < 5; i++) cutter.push(chunk);
    };
    expect(fill).toThrow("standard input has a line of over");
  });
});
