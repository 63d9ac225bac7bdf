import { describe, expect, test } from "@jest/globals";
import { Compile } from "typebox/compile";
import { parseExact } from "./exact-json.ts";
import { type IncomingRecord, isFault } from "./incoming-record.ts";
import { acceptedOf, answerType, formatOf, type Format, ndjsonProblem } from "./media-types.ts";
import { openApi } from "./openapi.ts";
import { readProduceBody } from "./produce-body.ts";
import { recordOfLine } from "./record-line.ts";
import { isRefusal } from "./refusal.ts";

const typed = (contentType: string | undefined, contentEncoding?: string) => ({ contentType, contentEncoding });
const told = (value: unknown): unknown => (isRefusal(value) ? [value.status, value.message] : value);

describe("the type of a body", () => {
  test.each([
    ["application/vnd.kafka.json.v2+json", "json"],
    ["application/vnd.kafka.binary.v2+json", "binary"],
    ["application/vnd.kafka.text.v2+json", "text"],
    ["Application/VND.kafka.JSON.v2+json; charset=UTF-8", "json"],
    ["application/vnd.kafka.v2+json", "binary"],
    ["application/vnd.kafka+json", "binary"],
    ["application/json", "binary"],
  ])("%s embeds %s", (type, format) => {
    expect(formatOf(typed(type))).toBe(format);
  });

  test.each([
    [undefined, undefined, "no content-type is given"],
    ["text/plain", undefined, "use application/vnd.kafka.json.v2+json"],
    ["application/vnd.kafka.json.v1+json", undefined, "use application/vnd.kafka.json.v2+json"],
    ["application/vnd.kafka.avro.v2+json", undefined, "avro needs schemas, which are not served"],
    ["application/vnd.kafka.jsonschema.v2+json", undefined, "jsonschema needs schemas"],
    ["application/vnd.kafka.protobuf.v2+json", undefined, "protobuf needs schemas"],
    ["application/vnd.kafka.json.v2+json; charset=latin1", undefined, "charset latin1 is not read"],
    ["application/vnd.kafka.json.v2+json", "gzip", "content-encoding gzip is not read"],
  ])("%s (encoded: %s) is refused: %s", (type, encoding, why) => {
    expect(told(formatOf(typed(type, encoding)))).toEqual([415, expect.stringContaining(why)]);
  });

  test("lines have types of their own", () => {
    expect(ndjsonProblem(typed("application/x-ndjson"))).toBeNull();
    expect(told(ndjsonProblem(typed("application/json")))).toEqual([415, expect.stringContaining("x-ndjson")]);
  });

  test.each([
    [undefined, "application/vnd.kafka.v2+json"],
    ["*/*", "application/vnd.kafka.v2+json"],
    ["application/json", "application/json"],
    ["application/vnd.kafka.binary.v2+json, application/json;q=0.5", "application/vnd.kafka.v2+json"],
    ["text/html, application/*;q=0.1", "application/vnd.kafka.v2+json"],
  ])("to whom accepts %s the answer is %s", (accept, type) => {
    expect(answerType(accept)).toBe(type);
  });

  test("what cannot be given is not acceptable", () => {
    expect(told(answerType("text/html, application/json;q=0"))).toEqual([406, expect.any(String)]);
    expect(acceptedOf("text/*", ["text/event-stream"])).toBe("text/event-stream");
  });
});

test("numbers are written as they were read, however wide", () => {
  const texts = ['{"a":[12345678901234567890,1.0,-0,1e3,0.1],"b":"1e3 \\" 9007199254740993"}', "[1,2]", '"x"'];
  expect(texts.map((text) => JSON.stringify(parseExact(text)))).toEqual(texts);
  expect(() => parseExact("{1.0")).toThrow(SyntaxError);
});

/** Bodies of a produce request to a topic, and whether they are taken in each format. */
const bodies: readonly [string, readonly Format[]][] = [
  ['{"records":[{"value":"YQ=="}]}', ["json", "binary", "text"]],
  ['{"records":[{"key":null,"value":null,"partition":null}]}', ["json", "binary", "text"]],
  ['{"records":[{}]}', ["json", "binary", "text"]],
  ['{"records":[{"value":"%"}]}', ["json", "text"]],
  ['{"records":[{"value":{"a":1},"key":[1]}]}', ["json"]],
  ['{"records":[{"value":"a","partition":2}],"value_schema":null}', ["json", "text"]],
  ['{"records":[{"value":"YQ==","partition":-1}]}', []],
  ['{"records":[{"value":"YQ==","partition":1.5}]}', []],
  ['{"records":[{"value":"YQ==","partition":"1"}]}', []],
  ['{"records":[{"valu":"YQ=="}]}', []],
  ['{"records":[]}', []],
  ['{"records":{}}', []],
  ["{}", []],
  ["[]", []],
  ['{"records":[1]}', []],
  ['{"records":[{"value":"YQ=="}],"key_schema_id":1}', []],
  ['{"records":[{"value":"YQ=="}],"more":1}', []],
];

const componentsOf = (format: Format): string => `${format[0]!.toUpperCase()}${format.slice(1)}Records`;
const schemas = (openApi["components"] as { schemas: Record<string, object> }).schemas;

describe.each(["json", "binary", "text"] as const)("the body of a produce request in format %s", (format) => {
  const schema = Compile(schemas[componentsOf(format)]!);

  test.each(bodies)("%s is judged as the published schema judges it", (body, takenIn) => {
    const refused = readProduceBody(body, { format, mayNamePartition: true }, () => null);
    const isTaken = takenIn.includes(format);
    expect(refused?.status ?? 200).toBe(isTaken ? 200 : 422);
    expect(schema.Check(JSON.parse(body))).toBe(isTaken);
  });
});

describe("a produce request", () => {
  const taken = (body: string, format: Format, mayNamePartition = true): unknown => {
    const records: IncomingRecord[] = [];
    const refused = readProduceBody(body, { format, mayNamePartition }, (record) => (records.push(record), null));
    if (refused !== null) return told(refused);
    const text = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString());
    return records.map(({ key, value, partition }) => [text(key), text(value), partition]);
  };

  test("stores JSON compactly, text as it is, and what base64 stands for", () => {
    const body = '{"records":[{"key":"YQ==","value":"YmM","partition":3}]}';
    expect(taken(body, "json")).toEqual([['"YQ=="', '"YmM"', 3]]);
    expect(taken(body, "text")).toEqual([["YQ==", "YmM", 3]]);
    expect(taken(body, "binary")).toEqual([["a", "bc", 3]]);
    expect(taken('{"records":[{"value":{ "a" : 1 }}]}', "json")).toEqual([[null, '{"a":1}', null]]);
  });

  test("is refused whole, with the place of the fault", () => {
    const body = '{"records":[{"value":"YQ=="},{"value":"*"}]}';
    expect(taken(body, "binary")).toEqual([422, "records[1]: value contains invalid base64 encoding"]);
    expect(taken('{"records":[{"value":1,"partition":0}]}', "json", false)).toEqual([
      422,
      "records[0]: Unrecognized field: partition",
    ]);
    expect(taken('{"records":', "json")).toEqual([400, expect.stringContaining("the body is no JSON")]);
  });
});

describe("a line", () => {
  const line = (text: string | Buffer, format: Format = "json"): unknown => {
    const record = recordOfLine(Buffer.from(text), format);
    return isFault(record) ? record.says : record;
  };

  test("has what a record has, keys and values under any of their names", () => {
    const text = { key_text: "k", value_base64: "AAE=", partition: 1, timestamp: 5, offset: 9 };
    const headers = [
      { key: "a", value: "b" },
      { key: "c", value_base64: "/w==" },
      { key: "d", value: null },
    ];
    expect(line(JSON.stringify({ ...text, headers }))).toEqual({
      key: Buffer.from("k"),
      value: Buffer.of(0, 1),
      partition: 1,
      timestamp: 5,
      headers: [
        { key: Buffer.from("a"), value: Buffer.from("b") },
        { key: Buffer.from("c"), value: Buffer.of(0xff) },
        { key: Buffer.from("d"), value: null },
      ],
    });
  });

  test.each([
    ["{", "is no JSON"],
    [Buffer.of(0x22, 0xff, 0x22), "is not UTF-8"],
    ["[]", "must be an object"],
    ["{}", "must have a value"],
    ['{"value":1,"value_text":"a"}', "has value and value_text: give one of them"],
    ['{"value":1,"key_base64":"*"}', "key_base64 contains invalid base64 encoding"],
    ['{"value_text":1}', "value_text must be a string"],
    ['{"value":1,"timestamp":-1}', "timestamp must be milliseconds since 1970"],
    ['{"value":1,"timestamp":1e300}', "timestamp must be milliseconds since 1970"],
    ['{"value":1,"headers":[{"value":"x"}]}', "headers must be objects of key and value"],
    ['{"value":1,"headers":{}}', "headers must be a list"],
    ['{"value":1,"topic":"t"}', "Unrecognized field: topic"],
  ])("%s is refused: %s", (text, why) => {
    expect(line(text)).toContain(why);
  });
});
