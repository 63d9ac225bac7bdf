import type { Api } from "./api.ts";
import { Reader } from "./reader.ts";
import type { Draft, Infer, Shape } from "./schema.ts";
import { Writer } from "./writer.ts";

/** Bytes of the size that stands before every request and response; the size does not count itself. */
export const SIZE_BYTES = 4;
/** ApiVersions: its response header never has tagged fields, so that any client can read a refusal (KIP-511). */
const API_VERSIONS_KEY = 18;

/** The part of a request's header that is the same in all its versions. */
export interface RequestStart {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
}

export interface RequestHeader extends RequestStart {
  /** Null and "" mean the same: no name given. */
  readonly clientId: string | null;
}

interface Flexibility {
  isFlexible(version: number): boolean;
}

/** Reads the first eight bytes of a request: enough to find the API and to refuse it. */
export function readRequestStart(reader: Reader): RequestStart {
  return { apiKey: reader.int16(), apiVersion: reader.int16(), correlationId: reader.int32() };
}

/**
 * Reads what follows the start: the client id, which is never compact, and, in flexible versions (header v2), tagged
 * fields, which are skipped. Leaves the reader at the body.
 */
export function readRequestHeaderRest(reader: Reader, start: RequestStart, api: Flexibility): RequestHeader {
  const clientId = reader.nullableString();
  if (api.isFlexible(start.apiVersion)) reader.skipTags();
  return { ...start, clientId };
}

/** Reads a whole request of a known API and version, its size prefix already taken off. */
export function decodeRequest<Q extends Shape, S extends Shape>(
  api: Api<Q, S>,
  frame: Uint8Array,
): { header: RequestHeader; body: Infer<Q> } {
  const reader = new Reader(frame);
  const start = readRequestStart(reader);
  const header = readRequestHeaderRest(reader, start, api);
  return { header, body: api.readRequest(reader, start.apiVersion) };
}

/**
 * Writes a response with its size prefix. The chunks are to be sent in order; record batches of 1 KiB and more are the
 * very views given in `body`, never copies.
 */
export function encodeResponse<Q extends Shape, S extends Shape>(
  api: Api<Q, S>,
  { version, correlationId }: { readonly version: number; readonly correlationId: number },
  body: Draft<S>,
): Uint8Array[] {
  const writer = new Writer();
  writer.int32(0);
  writer.int32(correlationId);
  if (hasTaggedResponseHeader(api, version)) writer.int8(0);
  api.writeResponse(writer, version, body);
  return sized(writer);
}

/** Writes a request with its size prefix, as a client does. */
export function encodeRequest<Q extends Shape, S extends Shape>(
  api: Api<Q, S>,
  header: { readonly version: number; readonly correlationId: number; readonly clientId: string | null },
  body: Draft<Q>,
): Uint8Array[] {
  const writer = new Writer();
  writer.int32(0);
  writer.int16(api.key);
  writer.int16(header.version);
  writer.int32(header.correlationId);
  writer.nullableString(header.clientId);
  if (api.isFlexible(header.version)) writer.int8(0);
  api.writeRequest(writer, header.version, body);
  return sized(writer);
}

/** The correlation id of a response, its size prefix already taken off: it tells which request is answered. */
export const correlationIdOf = (frame: Uint8Array): number => new Reader(frame).int32();

/** Reads a response, its size prefix already taken off, as a client does. */
export function decodeResponse<Q extends Shape, S extends Shape>(
  api: Api<Q, S>,
  version: number,
  frame: Uint8Array,
): { correlationId: number; body: Infer<S> } {
  const reader = new Reader(frame);
  const correlationId = reader.int32();
  if (hasTaggedResponseHeader(api, version)) reader.skipTags();
  return { correlationId, body: api.readResponse(reader, version) };
}

/** Chunks as one piece of memory: for tests, tools and whoever sends little. */
export const joined = (chunks: readonly Uint8Array[]): Buffer => {
  const [only] = chunks;
  if (chunks.length === 1 && Buffer.isBuffer(only)) return only;
  return Buffer.concat(chunks);
};

const hasTaggedResponseHeader = (api: Flexibility & { readonly key: number }, version: number): boolean =>
  api.key !== API_VERSIONS_KEY && api.isFlexible(version);

function sized(writer: Writer): Uint8Array[] {
  writer.patchInt32(0, writer.sizeBytes - SIZE_BYTES);
  return writer.chunks();
}
