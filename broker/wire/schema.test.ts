import { describe, expect, test } from "@jest/globals";
import { defineApi } from "./api.ts";
import { decodeRequest, encodeRequest, joined } from "./frame.ts";
import { isMalformed } from "./malformed.ts";
import { Reader } from "./reader.ts";
import { array, boolean, int32, string, struct } from "./schema.ts";
import { Writer } from "./writer.ts";

const sample = defineApi({
  key: 99,
  name: "Sample",
  versions: { min: 0, max: 3 },
  flexibleFrom: 2,
  request: {
    name: string.nullable(1),
    limit: int32.since(1).default(-1),
    hint: string.since(1).ignorable(),
    old: boolean.until(0).ignorable(),
    parts: array({ index: int32, tags: array(int32).since(2).tagged(5) }),
    place: struct({ rack: string.default("none"), slot: int32 })
      .since(2)
      .tagged(1),
    cursor: struct({ at: int32 }).since(3).nullable().default(null),
  },
  response: {},
});

type Body = Parameters<typeof sample.writeRequest>[2];

const bodyBytes = (version: number, body: Body): Buffer => {
  const writer = new Writer();
  sample.writeRequest(writer, version, body);
  return Buffer.concat(writer.chunks());
};
const read = (version: number, bytes: string) => sample.readRequest(new Reader(Buffer.from(bytes, "hex")), version);

describe("a field that a version lacks", () => {
  test("is read with its default", () => {
    expect(read(0, "000161" + "01" + "00000000")).toEqual({
      name: "a",
      limit: -1,
      hint: "",
      old: true,
      parts: [],
      place: { rack: "none", slot: 0 },
      cursor: null,
    });
  });

  test("may be given its default, or be left out", () => {
    expect(bodyBytes(0, { name: "a", limit: -1, parts: [] }).toString("hex")).toBe("0001610000000000");
  });

  test("stops the writer when it holds anything else", () => {
    expect(() => bodyBytes(0, { name: "a", limit: 5, parts: [] })).toThrow(
      "SampleRequest v0 can hold the value given for limit",
    );
    expect(() => bodyBytes(1, { name: "a", parts: [{ index: 1, tags: [1] }] })).toThrow("parts[].tags");
    expect(() => bodyBytes(1, { name: "a", parts: [], place: { slot: 1 } })).toThrow("place");
  });

  test("is dropped without complaint when it is ignorable", () => {
    expect(bodyBytes(0, { name: "a", hint: "x", parts: [] }).toString("hex")).toBe("0001610000000000");
  });
});

describe("null", () => {
  test("is written and read only in versions that allow it", () => {
    expect(bodyBytes(1, { name: null, parts: [] }).toString("hex")).toBe("ffff" + "ffffffff" + "0000" + "00000000");
    expect(() => bodyBytes(0, { name: null, parts: [] })).toThrow("name");
    expect(() => read(0, "ffff" + "00" + "00000000")).toThrow("null where the protocol allows none");
  });

  test("of a struct is one byte", () => {
    const left = "0261" + "ffffffff" + "01" + "01";
    expect(bodyBytes(3, { name: "a", parts: [] }).toString("hex")).toBe(`${left}ff00`);
    expect(bodyBytes(3, { name: "a", parts: [], cursor: { at: 7 } }).toString("hex")).toBe(
      `${left}010000000700` + "00",
    );
    expect(() => read(3, `${left}0200`)).toThrow("presence marker 2");
  });
});

describe("tagged fields", () => {
  test("are written in the order of their tags, and only when they are not their default", () => {
    const plain = bodyBytes(2, { name: "a", parts: [{ index: 1 }], place: { rack: "none", slot: 0 } });
    expect(plain.toString("hex")).toBe("0261" + "ffffffff" + "01" + "02" + "00000001" + "00" + "00");
    const tagged = bodyBytes(2, { name: "a", parts: [{ index: 1, tags: [3] }], place: { slot: 2 } });
    expect(tagged.toString("hex")).toBe(
      "0261" +
        "ffffffff" +
        "01" +
        "02" +
        "00000001" +
        "01" +
        "05" +
        "05" +
        "0200000003" +
        "01" +
        "01" +
        "0a" +
        "056e6f6e65" +
        "00000002" +
        "00",
    );
  });

  test("longer than 127 bytes are read back", () => {
    const body = { name: "a", parts: [{ index: 1, tags: Array.from({ length: 5_000 }, (_, index) => index) }] };
    const frame = joined(encodeRequest(sample, { version: 2, correlationId: 1, clientId: null }, body));
    expect(decodeRequest(sample, frame.subarray(4)).body.parts[0]?.tags).toEqual(body.parts[0]?.tags);
  });

  test("that nobody here knows are skipped", () => {
    const { name, parts } = read(2, "0261" + "ffffffff" + "01" + "02" + "00000001" + "01" + "2a02beef" + "01" + "0700");
    expect({ name, parts }).toEqual({ name: "a", parts: [{ index: 1, tags: [] }] });
  });

  test("whose size is not that of their value are refused", () => {
    let caught: unknown;
    try {
      read(2, "0261" + "ffffffff" + "01" + "02" + "00000001" + "01" + "0506" + "020000000300" + "00");
    } catch (error) {
      caught = error;
    }
    expect(isMalformed(caught)).toBe(true);
  });
});

test("a version that is not declared is an error of the caller", () => {
  expect(() => read(4, "00")).toThrow("Sample has a version 4");
});
