import { TidemarkError } from "#base/errors.ts";

export interface ReadRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly timestampMs: bigint;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

export type Formatter = (record: ReadRecord) => Buffer;

const LINE_FEED = Buffer.from("\n");
const NOTHING = Buffer.alloc(0);

const fields: Readonly<Record<string, (record: ReadRecord) => Buffer>> = {
  v: (record) => record.value ?? NOTHING,
  k: (record) => record.key ?? NOTHING,
  t: (record) => Buffer.from(record.topic),
  p: (record) => Buffer.from(String(record.partition)),
  o: (record) => Buffer.from(String(record.offset)),
  T: (record) => Buffer.from(String(record.timestampMs)),
  "%": () => Buffer.from("%"),
};
const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", "0": "\0", "\\": "\\" };

/**
 * Compiles a format such as `%k\t%v\n`. Keys and values are printed byte for byte.
 * @throws TidemarkError BAD_INPUT naming an unknown `%x` or `\x`.
 */
export function formatter(format: string): Formatter {
  const parts: ((record: ReadRecord) => Buffer)[] = [];
  for (const [token] of format.matchAll(/%.?|\\.?|[^%\\]+/gs)) parts.push(part(token));
  return (record) => Buffer.concat(parts.map((one) => one(record)));
}

function part(token: string): (record: ReadRecord) => Buffer {
  const letter = token.slice(1);
  if (token.startsWith("%")) {
    const field = Object.hasOwn(fields, letter) ? fields[letter] : undefined;
    if (field !== undefined) return field;
    throw new TidemarkError("BAD_INPUT", `--format: unknown ${token}; known: %v %k %t %p %o %T %%`);
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

/** One JSON object a line; keys and values as UTF-8 text. */
export const formatJson: Formatter = (record) => {
  const { topic, partition, offset, timestampMs, key, value } = record;
  const text = JSON.stringify({
    topic,
    partition,
    offset: Number(offset),
    timestampMs: Number(timestampMs),
    key: key?.toString("utf8") ?? null,
    value: value?.toString("utf8") ?? null,
  });
  return Buffer.concat([Buffer.from(text), LINE_FEED]);
};
