import { isUtf8 } from "node:buffer";
import type { OpenedRecord, RecordHeader } from "../../wire/record-batch-records.ts";
import type { Format } from "./media-types.ts";

/**
 * A record as one line of JSON, without its end: partition, offset, timestamp (milliseconds since 1970), key, value,
 * and headers where there are any. What is not of the format comes under another name, never changed: `value_text` for
 * text that is no JSON, `value_base64` for bytes that are no text.
 */
export function lineOf(record: OpenedRecord, partition: number, format: Format): string {
  const { offset, timestamp, key, value, headers } = record;
  const shown = headers.length === 0 ? "" : `,"headers":[${headers.map(headerOf).join(",")}]`;
  return (
    `{"partition":${partition},"offset":${offset},"timestamp":${timestamp},` +
    `${fieldOf("key", key, format)},${fieldOf("value", value, format)}${shown}}`
  );
}

function fieldOf(name: "key" | "value", bytes: Uint8Array | null, format: Format): string {
  if (bytes === null) return `"${name}":null`;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (format === "binary") return `"${name}":"${buffer.toString("base64")}"`;
  if (!isUtf8(buffer)) return `"${name}_base64":"${buffer.toString("base64")}"`;
  const text = buffer.toString("utf8");
  if (format === "text") return `"${name}":${JSON.stringify(text)}`;
  return isJson(text) ? `"${name}":${onOneLine(text)}` : `"${name}_text":${JSON.stringify(text)}`;
}

/** First characters of JSON texts. A look at it spares most texts that are none the cost of an exception. */
const JSON_START = /^[\s]*[{["\-0-9tfn]/;

function isJson(text: string): boolean {
  if (!JSON_START.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Ends of lines stand between the tokens of JSON only, where a blank means the same. */
const onOneLine = (json: string): string => (/[\r\n]/.test(json) ? json.replaceAll(/[\r\n]+/g, " ") : json);

function headerOf({ key, value }: RecordHeader): string {
  const name = `{"key":${JSON.stringify(key)},`;
  if (value === null) return `${name}"value":null}`;
  const buffer = Buffer.from(value.buffer, value.byteOffset, value.length);
  if (!isUtf8(buffer)) return `${name}"value_base64":"${buffer.toString("base64")}"}`;
  return `${name}"value":${JSON.stringify(buffer.toString("utf8"))}}`;
}
