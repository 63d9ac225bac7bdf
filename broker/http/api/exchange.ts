import type { IncomingMessage, ServerResponse } from "node:http";
import { ERROR_TYPE } from "./media-types.ts";
import type { Refusal } from "./refusal.ts";

/** A whole answer, or null: the page has answered in its own time. */
export type Reply = { readonly status: number; readonly json: string } | Refusal | null;

export const ok = (body: unknown): Reply => ({ status: 200, json: JSON.stringify(body) });

/** One request and its answer, after it was matched to a page. */
export interface Exchange {
  /** Of the path, decoded, by their names in the route. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Tells a refusal. What still comes of the request's body is read and thrown away. */
export function sendRefusal(response: ServerResponse, refusal: Refusal): void {
  const text = JSON.stringify(refusal.body);
  response.writeHead(refusal.status, {
    ...refusal.headers,
    "content-type": ERROR_TYPE,
    "content-length": Buffer.byteLength(text),
  });
  response.end(text);
}
