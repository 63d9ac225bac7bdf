import { parseExact } from "./exact-json.ts";
import { bytesIn, type IncomingRecord, isFault, isMap, partitionIn } from "./incoming-record.ts";
import type { Format } from "./media-types.ts";
import { badRequest, Refusal, unprocessable } from "./refusal.ts";

/** Each has its own line in the answer, which is many times longer than the shortest record. */
export const RECORDS_MAX = 50_000;

const SCHEMA_FIELDS = ["key_schema", "key_schema_id", "value_schema", "value_schema_id"];
const NO_HEADERS: IncomingRecord["headers"] = [];

/**
 * Reads the body of a produce request of REST Proxy v2: `{"records": [{"key": …, "value": …, "partition": …}]}`. The
 * records are handed over one by one; when any is at fault, the whole request is. Null when all is well.
 */
export function readProduceBody(
  text: string,
  { format, mayNamePartition }: { format: Format; mayNamePartition: boolean },
  take: (record: IncomingRecord) => Refusal | null,
): Refusal | null {
  const records = recordsIn(text);
  if (records instanceof Refusal) return records;
  const fields = mayNamePartition ? ["key", "value", "partition"] : ["key", "value"];
  for (let index = 0; index < records.length; index++) {
    const record = recordOf(records[index], { format, fields, path: `records[${index}]` });
    const refused = record instanceof Refusal ? record : take(record);
    if (refused !== null) return refused;
  }
  return null;
}

function recordsIn(text: string): readonly unknown[] | Refusal {
  let body: unknown;
  try {
    body = parseExact(text);
  } catch (error) {
    return badRequest(`the body is no JSON: ${Error.isError(error) ? error.message : "unreadable"}`);
  }
  if (!isMap(body)) return unprocessable("the body must be an object with records");
  for (const [name, value] of Object.entries(body)) {
    if (name === "records") continue;
    if (!SCHEMA_FIELDS.includes(name)) return unprocessable(`Unrecognized field: ${name}`);
    if (value !== null) return unprocessable(`${name} must be null: this format has no schemas`);
  }
  const { records } = body as { records?: unknown };
  if (!Array.isArray(records) || records.length === 0) return unprocessable("records may not be empty");
  if (records.length > RECORDS_MAX) return unprocessable(`records may be at most ${RECORDS_MAX}`);
  return records as unknown[];
}

function recordOf(
  given: unknown,
  { format, fields, path }: { format: Format; fields: readonly string[]; path: string },
): IncomingRecord | Refusal {
  if (!isMap(given)) return unprocessable(`${path} must be an object`);
  for (const name in given) {
    if (!fields.includes(name)) return unprocessable(`${path}: Unrecognized field: ${name}`);
  }
  const key = bytesIn(format, "key", given["key"]);
  if (isFault(key)) return unprocessable(`${path}: ${key.says}`);
  const value = bytesIn(format, "value", given["value"]);
  if (isFault(value)) return unprocessable(`${path}: ${value.says}`);
  const partition = partitionIn(given["partition"]);
  if (isFault(partition)) return unprocessable(`${path}: ${partition.says}`);
  return { key, value, partition, timestamp: null, headers: NO_HEADERS };
}
