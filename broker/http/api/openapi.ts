import { ok, type Reply } from "./exchange.ts";

/*
 * The description of the API for programs: OpenAPI 3.1, whose schemas are JSON Schema 2020-12. A test holds its paths
 * against the routes, and what its schemas take against what the pages take.
 */

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

const V2 = "application/vnd.kafka.v2+json";
const NDJSON = "application/x-ndjson";

const object = (properties: { readonly [name: string]: Json }, required = Object.keys(properties)): Json => ({
  type: "object",
  properties,
  required,
  additionalProperties: false,
});

const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });
const content = (type: string, schema: Json): Json => ({ [type]: { schema } });
const answer = (description: string, schema: Json): Json => ({ description, content: content(V2, schema) });
const refused: Json = { description: "Not done.", content: content(V2, ref("Error")) };

const inPath = (name: string, schema: Json, description: string): Json => ({
  name,
  in: "path",
  required: true,
  schema,
  description,
});
const inQuery = (name: string, schema: Json, description: string): Json => ({ name, in: "query", schema, description });

const topic = inPath("topic", { type: "string" }, "Name of the topic.");
const partition = inPath("partition", { type: "integer", minimum: 0 }, "Number of the partition.");
const format = inQuery(
  "format",
  { type: "string", enum: ["json", "text", "binary"], default: "json" },
  "How keys and values stand in a line.",
);
const reading: readonly Json[] = [
  inQuery("from", { type: "string" }, "beginning, end, an offset (with partition), or time: with a time."),
  inQuery("partition", { type: "integer", minimum: 0 }, "This partition only."),
  inQuery("limit", { type: "integer", minimum: 1 }, "Ends after so many records."),
  inQuery("group", { type: "string" }, "Begins at this group's committed offsets, and commits."),
  format,
];

const produced: Json = { "200": answer("Where each record is, or why it is not.", ref("Produced")), default: refused };

/** The formats of a produce request, and what each embeds. */
const embedded = { json: "JsonRecords", binary: "BinaryRecords", text: "TextRecords" } as const;

const records = (suffix: string): Json => ({
  required: true,
  content: Object.fromEntries(
    Object.entries(embedded).map(([name, schema]) => [
      `application/vnd.kafka.${name}.v2+json`,
      { schema: ref(schema + suffix) },
    ]),
  ),
});

const get = (summary: string, parameters: readonly Json[], success: Json): Json => ({
  summary,
  parameters,
  responses: { "200": success, default: refused },
});

const paths: Json = {
  "/": { get: get("Answers as long as the broker serves.", [], answer("Nothing.", object({}))) },
  "/topics": { get: get("Names of the topics.", [], answer("Sorted.", { type: "array", items: { type: "string" } })) },
  "/topics/{topic}": {
    get: get("A topic: its configuration and partitions.", [topic], answer("The topic.", ref("Topic"))),
    post: {
      summary: "Appends records, each to its partition, that of its key, or any.",
      parameters: [topic],
      requestBody: records(""),
      responses: produced,
    },
  },
  "/topics/{topic}/partitions": {
    get: get("Partitions of a topic.", [topic], answer("In order.", { type: "array", items: ref("Partition") })),
  },
  "/topics/{topic}/partitions/{partition}": {
    get: get("A partition.", [topic, partition], answer("The partition.", ref("Partition"))),
    post: {
      summary: "Appends records to a partition.",
      parameters: [topic, partition],
      requestBody: records("OfPartition"),
      responses: produced,
    },
  },
  "/topics/{topic}/partitions/{partition}/offsets": {
    get: get("First and next offset of a partition.", [topic, partition], answer("Offsets.", ref("Offsets"))),
  },
  "/topics/{topic}/events": {
    get: get(
      "Server-sent events: every record from now on, or from where the client was.",
      [
        topic,
        ...reading,
        { name: "Last-Event-ID", in: "header", schema: { type: "string" }, description: "Id of the last event seen." },
        inQuery("last_event_id", { type: "string" }, "The same, for clients that cannot set the header."),
      ],
      { description: "Events whose data is a line.", content: content("text/event-stream", { type: "string" }) },
    ),
  },
  "/topics/{topic}/records": {
    get: get(
      "Records as lines of JSON: what is there, or from now on too.",
      [topic, ...reading, inQuery("follow", { type: "boolean", default: false }, "Goes on with what comes.")],
      { description: "One record a line.", content: content(NDJSON, ref("Line")) },
    ),
    post: {
      summary: "Appends lines of JSON for as long as they come.",
      parameters: [topic, format],
      requestBody: { required: true, content: content(NDJSON, ref("Line")) },
      responses: {
        "200": { description: "One batch a line.", content: content(NDJSON, ref("Batch")) },
        default: refused,
      },
    },
  },
  "/brokers": { get: get("Ids of the brokers that serve.", [], answer("In order.", ref("Brokers"))) },
  "/openapi.json": {
    get: get("This document.", [], { description: "OpenAPI 3.1.", content: content(V2, { type: "object" }) }),
  },
};

const integer: Json = { type: "integer" };
const text: Json = { type: ["string", "null"] };
const base64: Json = {
  type: ["string", "null"],
  contentEncoding: "base64",
  pattern: "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2,3})?={0,2}$",
};

function recordsSchema(embeds: Json, hasPartition: boolean): Json {
  const own = hasPartition ? { partition: { type: ["integer", "null"], minimum: 0, maximum: 0x7fff_ffff } } : {};
  const list = {
    type: "array",
    minItems: 1,
    maxItems: 50_000,
    items: object({ key: embeds, value: embeds, ...own }, []),
  };
  const none: Json = { type: "null" };
  const schemas = { key_schema: none, key_schema_id: none, value_schema: none, value_schema_id: none };
  return object({ records: list, ...schemas }, ["records"]);
}

const embeds: Readonly<Record<keyof typeof embedded, Json>> = { json: {}, binary: base64, text };

const produceSchemas = Object.fromEntries(
  (["json", "binary", "text"] as const).flatMap((name) => [
    [embedded[name], recordsSchema(embeds[name], true)],
    [`${embedded[name]}OfPartition`, recordsSchema(embeds[name], false)],
  ]),
);

const partitionSchema = object({
  partition: integer,
  leader: integer,
  replicas: {
    type: "array",
    items: object({ broker: integer, leader: { type: "boolean" }, in_sync: { type: "boolean" } }),
  },
});

const lineSchema = object(
  {
    partition: { type: ["integer", "null"], minimum: 0 },
    offset: integer,
    timestamp: { type: ["integer", "null"], minimum: 0 },
    key: {},
    key_text: { type: "string" },
    key_base64: base64,
    value: {},
    value_text: { type: "string" },
    value_base64: base64,
    headers: { type: "array", items: object({ key: { type: "string" }, value: text, value_base64: base64 }, ["key"]) },
  },
  [],
);

const schemas: Json = {
  ...produceSchemas,
  Line: lineSchema,
  Batch: object({ partition: integer, offset: integer, count: integer, error_code: integer, error: text }, []),
  Produced: object({
    offsets: {
      type: "array",
      items: object({
        partition: { type: ["integer", "null"] },
        offset: { type: ["integer", "null"] },
        error_code: { type: ["integer", "null"] },
        error: text,
      }),
    },
    key_schema_id: { type: "null" },
    value_schema_id: { type: "null" },
  }),
  Topic: object({
    name: { type: "string" },
    configs: { type: "object", additionalProperties: text },
    partitions: { type: "array", items: partitionSchema },
  }),
  Partition: partitionSchema,
  Offsets: object({ beginning_offset: integer, end_offset: integer }),
  Brokers: object({ brokers: { type: "array", items: integer } }),
  Error: object({ error_code: integer, message: { type: "string" } }),
};

/** The document. It names no server: a client has it from the one that it asks. */
export const openApi: { readonly [name: string]: Json } = {
  openapi: "3.1.1",
  info: {
    title: "Tidemark HTTP API",
    version: "2",
    description: "Produces as REST Proxy v2 does; reads as server-sent events and lines of JSON.",
  },
  paths,
  components: { schemas },
};

export const openApiPage = (): Reply => ok(openApi);
