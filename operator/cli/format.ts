import { TidemarkError } from "#base/errors.ts";

export interface ReadRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly timestampMs: bigint;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** In their order; a name may stand there several times. */
  readonly headers: readonly (readonly [name: Buffer | null, value: Buffer | null])[];
}

export type Formatter = (record: ReadRecord) => Buffer;

/** How bytes are shown; utf8 is the bytes themselves wherever the output is not JSON. */
export const encodings = ["utf8", "hex", "base64"] as const;
export type Encoding = (typeof encodings)[number];

export interface Encodings {
  readonly key: Encoding;
  readonly value: Encoding;
}

const PLAIN: Encodings = { key: "utf8", value: "utf8" };
const LINE_FEED = Buffer.from("\n");
const NOTHING = Buffer.alloc(0);

/** Formats that have a name. */
const templates: Readonly<Record<string, string>> = { value: "%v\\n", "key-value": "%k\\t%v\\n" };

type Field = (record: ReadRecord, encodings: Encodings) => Buffer;

const fields: Readonly<Record<string, Field>> = {
  v: ({ value }, { value: encoding }) => shown(value, encoding),
  k: ({ key }, { key: encoding }) => shown(key, encoding),
  h: ({ headers }) => Buffer.from(headers.map(([name, value]) => `${textOf(name)}=${textOf(value)}`).join(",")),
  t: (record) => Buffer.from(record.topic),
  p: (record) => Buffer.from(String(record.partition)),
  o: (record) => Buffer.from(String(record.offset)),
  T: (record) => Buffer.from(String(record.timestampMs)),
  "%": () => Buffer.from("%"),
};
const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", "0": "\0", "\\": "\\" };

const textOf = (bytes: Buffer | null): string => bytes?.toString() ?? "";

function shown(bytes: Buffer | null, encoding: Encoding): Buffer {
  if (bytes === null) return NOTHING;
  return encoding === "utf8" ? bytes : Buffer.from(bytes.toString(encoding));
}

/**
 * Compiles `value`, `key-value`, `json`, or a format such as `%k\t%v\n`. Unless they are encoded, keys and values are
 * printed byte for byte; nothing stands for null.
 * @throws TidemarkError BAD_INPUT naming an unknown `%x` or `\x`.
 */
export function formatter(format: string, how: Encodings = PLAIN): Formatter {
  if (format === "json") return (record) => json(record, how);
  const template = Object.hasOwn(templates, format) ? templates[format]! : format;
  const parts: Field[] = [];
  for (const [token] of template.matchAll(/%.?|\\.?|[^%\\]+/gs)) parts.push(part(token));
  return (record) => Buffer.concat(parts.map((one) => one(record, how)));
}

function part(token: string): Field {
  const letter = token.slice(1);
  if (token.startsWith("%")) {
    const field = Object.hasOwn(fields, letter) ? fields[letter] : undefined;
    if (field !== undefined) return field;
    throw new TidemarkError("BAD_INPUT", `--format: unknown ${token}; known: %v %k %h %t %p %o %T %%`);
  }
  let bytes = Buffer.from(token);
  if (token.startsWith("\\")) {
    const escaped = Object.hasOwn(escapes, letter) ? escapes[letter] : undefined;
    if (escaped === undefined)
      throw new TidemarkError("BAD_INPUT", `--format: unknown ${token}; known: \\n \\t \\r \\0 \\\\`);
    bytes = Buffer.from(escaped);
  }
  return () => bytes;
}

/** One object a line, which `tidemark produce --format json` reads. */
function json(record: ReadRecord, how: Encodings): Buffer {
  const { topic, partition, offset, timestampMs, key, value } = record;
  const text = JSON.stringify({
    topic,
    partition,
    offset: Number(offset),
    timestampMs: Number(timestampMs),
    key: key?.toString(how.key) ?? null,
    value: value?.toString(how.value) ?? null,
    headers: headersOf(record),
  });
  return Buffer.concat([Buffer.from(text), LINE_FEED]);
}

type HeaderValue = string | null;

/** By name; of those that stand there several times, all in their order. */
function headersOf({ headers }: ReadRecord): Record<string, HeaderValue | HeaderValue[]> {
  const byName = Map.groupBy(headers, ([name]) => name?.toString() ?? "");
  return Object.fromEntries(
    [...byName].map(([name, of]) => {
      const values = of.map(([, value]): HeaderValue => value?.toString() ?? null);
      return [name, values.length === 1 ? values[0]! : values];
    }),
  );
}
