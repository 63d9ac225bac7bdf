import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { TidemarkError } from "../base/errors.ts";
import type { Address } from "../ports/network.ts";
import { nodeHttp } from "./node-http.ts";

/** Connections of clients; the kernel keeps no more waiting than usual. */
const CONNECTIONS_MAX = 6000;
const HEADERS_MS_MAX = 20_000;
/** A connection on which nothing moves for so long is closed; streams have a pulse. */
const IDLE_MS_MAX = 120_000;
const KEEP_ALIVE_MS = 65_000;
const HEADER_BYTES_MAX = 16 * 1024;

export interface ApiListener {
  readonly address: Address;
  /** Stops accepting; resolves when what was under way is answered, or after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/**
 * An open port for applications. `host` "" = all interfaces, port 0 = any free one.
 * @throws TidemarkError PORT_IN_USE, BAD_INPUT
 */
export function listenApi(
  { host, port }: Address,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<ApiListener> {
  const limits = {
    headersTimeout: HEADERS_MS_MAX,
    // Bodies may come for as long as there are records: pages bound those that must end.
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: HEADER_BYTES_MAX,
    keepAlive: true,
    noDelay: true,
  };
  const server = nodeHttp.createServer(limits, handle);
  server.maxConnections = CONNECTIONS_MAX;
  server.timeout = IDLE_MS_MAX;
  server.on("clientError", (error, socket) => {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ECONNRESET" || !socket.writable) return void socket.destroy();
    socket.end(refusalOf(code));
  });
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => reject(listenError(cause, { host, port })));
    server.listen({ port, ...(host === "" ? {} : { host }) }, () => {
      const bound = server.address();
      const actual = typeof bound === "object" && bound !== null ? bound.port : port;
      resolve({ address: { host, port: actual }, close: (graceMs) => closeServer(server, graceMs) });
    });
  });
}

const refusals: ReadonlyMap<string | undefined, readonly [number, string]> = new Map([
  ["HPE_HEADER_OVERFLOW", [431, "the headers are too large"] as const],
  ["ERR_HTTP_REQUEST_TIMEOUT", [408, "the request did not come in time"] as const],
]);

/** An answer to what is no HTTP. */
function refusalOf(code: string | undefined): string {
  const [status, message] = refusals.get(code) ?? [400, "the request is no HTTP/1.1"];
  const body = JSON.stringify({ error_code: status, message });
  return (
    `HTTP/1.1 ${status} ${message}\r\nconnection: close\r\ncontent-type: application/vnd.kafka.v2+json\r\n` +
    `content-length: ${body.length}\r\n\r\n${body}`
  );
}

function listenError(cause: NodeJS.ErrnoException, { host, port }: Address): TidemarkError {
  const where = host === "" ? `port ${port}` : `${host}:${port}`;
  if (cause.code === "EADDRINUSE") {
    const what = `HTTP port ${where} is in use; choose another or stop what listens there`;
    return new TidemarkError("PORT_IN_USE", what, { cause });
  }
  return new TidemarkError("BAD_INPUT", `cannot listen on ${where}: ${cause.message}`, { cause });
}

function closeServer(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
