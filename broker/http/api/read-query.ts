import type { Format } from "./media-types.ts";
import { badRequest, isRefusal, type Refusal } from "./refusal.ts";

/** Where a reader begins. */
export type ReadStart =
  | { readonly kind: "beginning" }
  | { readonly kind: "end" }
  | { readonly kind: "offset"; readonly offset: number }
  /** Milliseconds since 1970: the first record that is not older. */
  | { readonly kind: "time"; readonly timestampMs: number };

/** What a reader asks for in the query of its URL. */
export interface ReadQuery {
  /** Null: the page's own, or the group's committed offsets. */
  readonly start: ReadStart | null;
  /** Null: all. */
  readonly partition: string | null;
  readonly limit: number;
  readonly format: Format;
  readonly group: string | null;
  readonly follows: boolean;
  /** Id of the last event that the client has seen, for clients that cannot set the header. */
  readonly lastEventId: string | null;
}

const FORMATS: readonly string[] = ["json", "text", "binary"] satisfies Format[];
const COMMON = ["from", "partition", "limit", "format", "group"];

export const eventQuery = (query: URLSearchParams): ReadQuery | Refusal =>
  read(query, [...COMMON, "last_event_id"], { follows: true });

export function recordQuery(query: URLSearchParams): ReadQuery | Refusal {
  const follow = query.get("follow") ?? "false";
  if (follow !== "true" && follow !== "false") return badRequest("follow must be true or false");
  return read(query, [...COMMON, "follow"], { follows: follow === "true" });
}

function read(
  query: URLSearchParams,
  names: readonly string[],
  { follows }: { follows: boolean },
): ReadQuery | Refusal {
  const format = formatIn(query, names);
  if (isRefusal(format)) return format;
  const partition = query.get("partition");
  const limit = limitIn(query.get("limit"));
  if (isRefusal(limit)) return limit;
  const start = startIn(query.get("from"));
  if (isRefusal(start)) return start;
  if (start?.kind === "offset" && partition === null) return badRequest("from an offset needs a partition, too");
  const group = query.get("group");
  if (group === "") return badRequest("group must be the name of a group");
  const lastEventId = query.get("last_event_id");
  return { start, partition, limit, format, group, follows, lastEventId };
}

/** The format that is asked for, once no parameter but those of `names` is given. */
export function formatIn(query: URLSearchParams, names: readonly string[]): Format | Refusal {
  const problem = namesProblem(query, names);
  if (problem !== null) return problem;
  const format = query.get("format") ?? "json";
  return FORMATS.includes(format) ? (format as Format) : badRequest(`format must be one of ${FORMATS.join(", ")}`);
}

export function namesProblem(query: URLSearchParams, names: readonly string[]): Refusal | null {
  for (const name of new Set(query.keys())) {
    if (!names.includes(name)) {
      const known = names.length === 0 ? "there are none here" : `there are ${names.join(", ")}`;
      return badRequest(`unknown parameter ${JSON.stringify(name.slice(0, 64))}; ${known}`);
    }
    if (query.getAll(name).length > 1) return badRequest(`${name} is given more than once`);
  }
  return null;
}

function limitIn(text: string | null): number | Refusal {
  if (text === null) return Number.POSITIVE_INFINITY;
  return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : badRequest("limit must be a whole number from 1 on");
}

function startIn(text: string | null): ReadStart | null | Refusal {
  if (text === null) return null;
  if (text === "beginning" || text === "end") return { kind: text };
  if (/^\d{1,15}$/.test(text)) return { kind: "offset", offset: Number(text) };
  const time = /^time:(.*)$/.exec(text)?.[1];
  const timestampMs = time === undefined ? null : millisecondsOf(time);
  if (timestampMs !== null) return { kind: "time", timestampMs };
  return badRequest(
    "from must be beginning, end, an offset, or time: with milliseconds since 1970 or a date as ISO 8601",
  );
}

interface Instant {
  readonly epochMilliseconds: number;
}
/** Of ECMAScript, and not in the type library yet. */
declare const Temporal: { readonly Instant: { from(text: string): Instant } };

/**
 * From milliseconds since 1970, or a date and time with its zone: 2026-11-28T12:00:00Z. Of what is older than 1970
 * ListOffsets cannot be asked: below 0 it has meanings of its own.
 */
function millisecondsOf(text: string): number | null {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  try {
    return Math.max(0, Temporal.Instant.from(text).epochMilliseconds);
  } catch {
    return null;
  }
}
