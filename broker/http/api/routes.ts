import { type Exchange, ok, type Reply } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import { listBrokers, listPartitions, listTopics, showOffsets, showPartition, showTopic } from "./metadata-pages.ts";
import { openApiPage } from "./openapi.ts";
import { produceLines } from "./produce-lines.ts";
import { produceToPartition, produceToTopic } from "./produce-pages.ts";
import { streamEvents, streamRecords } from "./read-pages.ts";

export interface Route {
  readonly method: "GET" | "POST";
  /** Parts in braces stand for one segment of any content. */
  readonly path: string;
  /** Answers in a type of its own choice, and judges parameters itself: a stream. */
  readonly isStream?: true;
  page(gateway: Gateway, exchange: Exchange): Reply | Promise<Reply>;
}

/** Every page of the API. The document at /openapi.json describes each. */
export const routes: readonly Route[] = [
  { method: "GET", path: "/", page: () => ok({}) },
  { method: "GET", path: "/topics", page: listTopics },
  { method: "GET", path: "/topics/{topic}", page: showTopic },
  { method: "POST", path: "/topics/{topic}", page: produceToTopic },
  { method: "GET", path: "/topics/{topic}/partitions", page: listPartitions },
  { method: "GET", path: "/topics/{topic}/partitions/{partition}", page: showPartition },
  { method: "POST", path: "/topics/{topic}/partitions/{partition}", page: produceToPartition },
  { method: "GET", path: "/topics/{topic}/partitions/{partition}/offsets", page: showOffsets },
  { method: "GET", path: "/topics/{topic}/events", isStream: true, page: streamEvents },
  { method: "GET", path: "/topics/{topic}/records", isStream: true, page: streamRecords },
  { method: "POST", path: "/topics/{topic}/records", isStream: true, page: produceLines },
  { method: "GET", path: "/brokers", page: listBrokers },
  { method: "GET", path: "/openapi.json", page: openApiPage },
];

/** What a request's path names. */
export interface Matched {
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  /** By method. */
  readonly routes: readonly Route[];
}

const segmented = [...Map.groupBy(routes, ({ path }) => path)].map(([path, ofPath]) => ({
  path,
  segments: path.split("/"),
  routes: ofPath,
}));

/** The routes of a path as a request gives it, still escaped; null when there is none, or it is no sound path. */
export function match(path: string): Matched | null {
  const given = path.split("/");
  for (const { path: found, segments, routes: ofPath } of segmented) {
    const params = segments.length === given.length ? paramsOf(segments, given) : null;
    if (params !== null) return { path: found, params, routes: ofPath };
  }
  return null;
}

function paramsOf(segments: readonly string[], given: readonly string[]): Record<string, string> | null {
  const params: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const name = /^\{(\w+)\}$/.exec(segment)?.[1];
    if (name === undefined) {
      if (segment !== given[index]) return null;
      continue;
    }
    const value = unescaped(given[index]!);
    if (value === null || value === "") return null;
    params[name] = value;
  }
  return params;
}

function unescaped(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
