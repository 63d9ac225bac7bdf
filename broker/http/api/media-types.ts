import { notAcceptable, type Refusal, unsupportedMediaType } from "./refusal.ts";

/** How keys and values stand in JSON: as themselves, in base64, or as text. */
export type Format = "json" | "binary" | "text";

const V2 = "application/vnd.kafka.v2+json";
/** Types without an embedded format mean binary. Source: REST Proxy API reference, "Content Types". */
const formatsByType: ReadonlyMap<string, Format> = new Map([
  ["application/vnd.kafka.json.v2+json", "json"],
  ["application/vnd.kafka.binary.v2+json", "binary"],
  ["application/vnd.kafka.text.v2+json", "text"],
  [V2, "binary"],
  ["application/vnd.kafka+json", "binary"],
  ["application/json", "binary"],
]);
const EMBEDDED = /^application\/vnd\.kafka\.\w+\.v2\+json$/;
const NDJSON_TYPES: ReadonlySet<string> = new Set(["application/x-ndjson", "application/ndjson", "application/jsonl"]);

/** Types in which answers are given, the preferred one first. */
const ANSWER_TYPES = [V2, "application/vnd.kafka+json", "application/json"] as const;

/** What a request's headers say of its body. */
export interface BodyHeaders {
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
}

/** The embedded format of a produce request's body. */
export function formatOf(headers: BodyHeaders): Format | Refusal {
  const type = plainType(headers);
  if (typeof type !== "string") return type;
  const format = formatsByType.get(type);
  if (format !== undefined) return format;
  const schema = /^application\/vnd\.kafka\.(avro|protobuf|jsonschema)\.v\d\+json$/.exec(type)?.[1];
  if (schema !== undefined) return unsupportedMediaType(`${schema} needs schemas, which are not served; use ${SERVED}`);
  return unsupportedMediaType(type === "" ? `no content-type is given; use ${SERVED}` : `use ${SERVED}`);
}

const SERVED = "application/vnd.kafka.json.v2+json, .binary.v2+json or .text.v2+json";

/** Null when the body is newline-delimited JSON. */
export function ndjsonProblem(headers: BodyHeaders): Refusal | null {
  const type = plainType(headers);
  if (typeof type !== "string") return type;
  return NDJSON_TYPES.has(type) ? null : unsupportedMediaType("use application/x-ndjson");
}

/** The type without its parameters, in lower case, once charset and encoding are what can be read. */
function plainType({ contentType = "", contentEncoding = "identity" }: BodyHeaders): string | Refusal {
  if (contentEncoding.toLowerCase() !== "identity") {
    return unsupportedMediaType(`content-encoding ${contentEncoding} is not read; send the body as it is`);
  }
  const [type = "", ...parameters] = contentType.split(";").map((part) => part.trim().toLowerCase());
  for (const parameter of parameters) {
    const charset = /^charset="?([^"]*)"?$/.exec(parameter)?.[1];
    if (charset !== undefined && charset !== "utf-8" && charset !== "utf8") {
      return unsupportedMediaType(`charset ${charset} is not read; send UTF-8`);
    }
  }
  return type;
}

/** The first of `served` that a request's Accept header takes; JSON of any kind of the dialect counts as JSON. */
export function acceptedOf(accept: string | undefined, served: readonly string[]): string | Refusal {
  if (accept === undefined || accept.trim() === "") return served[0]!;
  const ranges = accept
    .split(",")
    .map((range) => range.split(";").map((part) => part.trim().toLowerCase()))
    .filter(([, ...parameters]) => !parameters.some((one) => /^q=0(\.0*)?$/.test(one)))
    .map(([type = ""]) => type);
  const found = served.find((type) => ranges.some((range) => takes(range, type)));
  return found ?? notAcceptable(served.join(" or "));
}

function takes(range: string, type: string): boolean {
  if (range === "*/*" || range === type) return true;
  // Clients that produce one format name it in Accept, too, though the answer embeds nothing.
  if (EMBEDDED.test(range) && type === V2) return true;
  return range.endsWith("/*") && type.startsWith(range.slice(0, -1));
}

/** The type in which an answer of the dialect is given. */
export const answerType = (accept: string | undefined): string | Refusal => acceptedOf(accept, ANSWER_TYPES);
/** For errors, which are told whatever the client accepts. */
export const ERROR_TYPE = V2;
export const NDJSON_TYPE = "application/x-ndjson";
export const EVENTS_TYPE = "text/event-stream";
