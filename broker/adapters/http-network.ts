import type { ClientRequest, IncomingMessage, Server, ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TidemarkError } from "../base/errors.ts";
import { INCARNATION_PATH } from "../contract/control.ts";
import type { Tokens } from "../ports/tokens.ts";
import type { Address, ExchangeResult, ExchangeServer, Network, ProbeResult } from "../ports/network.ts";
import { nodeHttp } from "./node-http.ts";
import type { GuardedRequest, RequestGuard } from "./request-guard.ts";
import { dialExchange } from "./exchange-dial.ts";
import { EXCHANGE_ACCEPTED, EXCHANGE_PROTOCOL, exchangeRequest } from "./exchange-request.ts";
import { reusingSocket } from "./reusing-socket.ts";

const BODY_BYTES_MAX = 64 * 1024 * 1024;
/** Whoever is refused has so long to take the answer and go. */
const REFUSED_MS_MAX = 5000;

/** Text of a small response or request body; stops reading at the bound. */
async function readBody(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > BODY_BYTES_MAX) throw new TidemarkError("PEER_MALFORMED", `a body of over ${BODY_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

const bearer = (token: string): Record<string, string> => (token === "" ? {} : { authorization: `Bearer ${token}` });

function exchange(
  address: Address,
  path: string,
  options: { timeoutMs: number; token: string },
): Promise<ExchangeResult> {
  const head = exchangeRequest(address, path, bearer(options.token));
  if (head !== null) return dialExchange(address, head, options);
  return Promise.resolve({ kind: "unreachable", reason: `no address: ${JSON.stringify(address)}` });
}

/** Runs one small request; null when it could not be answered in time. */
function ask(
  address: Address,
  options: { method: string; path: string; body: string | null; timeoutMs: number; token: string },
): Promise<{ status: number; text: string } | { errorCode: string }> {
  return new Promise((resolve) => {
    const headers = {
      ...(options.body === null ? {} : { "content-type": "application/json" }),
      ...bearer(options.token),
    };
    const { method } = options;
    const path = `${address.path ?? ""}${options.path}`;
    const call: ClientRequest = nodeHttp.request({
      host: address.host,
      port: address.port,
      method,
      path,
      headers,
      agent: false,
    });
    const timer = setTimeout(() => call.destroy(new Error("timed out")), options.timeoutMs);
    const settle = (result: { status: number; text: string } | { errorCode: string }): void => {
      clearTimeout(timer);
      resolve(result);
    };
    call.on("response", (response) => {
      readBody(response).then(
        (text) => settle({ status: response.statusCode ?? 0, text }),
        () => settle({ errorCode: "BROKEN" }),
      );
    });
    call.on("error", (error: NodeJS.ErrnoException) => settle({ errorCode: error.code ?? "BROKEN" }));
    call.end(options.body ?? undefined);
  });
}

function parseJson(text: string): unknown {
  try {
    return text === "" ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

/** The network between brokers and controller: HTTP/1.1. Each request shows the token that is current then. */
export const httpNetwork = (tokens: Tokens): Network => ({
  exchange: (address, path, options) => exchange(address, path, { ...options, token: tokens.current }),

  async probe(address, { timeoutMs }): Promise<ProbeResult> {
    // Whoever has a broker's address now may be a stranger: a probe shows nothing.
    const answer = await ask(address, { method: "GET", path: INCARNATION_PATH, body: null, timeoutMs, token: "" });
    if ("errorCode" in answer) return answer.errorCode === "ECONNREFUSED" ? { kind: "refused" } : { kind: "silent" };
    const body = parseJson(answer.text) as { incarnation?: unknown } | null;
    if (typeof body?.incarnation !== "string") return { kind: "silent" };
    return { kind: "answered", incarnation: body.incarnation };
  },

  async post(address, path, body, { timeoutMs }) {
    const text = JSON.stringify(body);
    const answer = await ask(address, { method: "POST", path, body: text, timeoutMs, token: tokens.current });
    return "errorCode" in answer ? null : { status: answer.status, body: parseJson(answer.text) };
  },
});

export interface HttpServer {
  readonly address: Address;
  close(): Promise<void>;
}

export interface HttpServerOptions {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  readonly exchanges: ExchangeServer;
  /** Asked before anything else. */
  readonly guard: RequestGuard;
  /** Everything that is neither an exchange nor a message between processes: health, metrics, API. */
  readonly fallback: (request: IncomingMessage, response: ServerResponse) => void;
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

async function handlePost(
  exchanges: ExchangeServer,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // A web page in somebody's browser cannot send this type to another origin without asking first.
  if (!/^application\/json\b/.test(message.headers["content-type"] ?? "")) {
    return sendJson(response, 415, { error: "content-type must be application/json" });
  }
  const text = await readBody(message);
  const body = parseJson(text);
  if (text !== "" && body === null) return sendJson(response, 400, { error: "the body is no JSON" });
  const answer = await exchanges.onPost(message.url ?? "", body);
  sendJson(response, answer.status, answer.body);
}

const guarded = (message: IncomingMessage): GuardedRequest => ({
  method: message.method ?? "",
  path: message.url ?? "",
  authorization: message.headers.authorization,
  remote: message.socket.remoteAddress ?? "",
});

function onRequest(options: HttpServerOptions, message: IncomingMessage, response: ServerResponse): void {
  const refusal = options.guard(guarded(message));
  if (refusal !== null) {
    // What may follow as a body is not read.
    response.setHeader("connection", "close");
    return sendJson(response, 401, { error: refusal });
  }
  if (message.method === "GET" && message.url === INCARNATION_PATH) {
    return sendJson(response, 200, { incarnation: options.exchanges.incarnation });
  }
  if (message.method === "POST") {
    handlePost(options.exchanges, message, response).catch((error: unknown) => {
      if (!response.headersSent)
        sendJson(response, 500, { error: Error.isError(error) ? error.message : String(error) });
      else response.destroy();
    });
    return;
  }
  options.fallback(message, response);
}

/** Accepts or refuses an exchange; `upgraded` has the sockets of those that are open. */
function onUpgrade(
  options: HttpServerOptions,
  message: IncomingMessage,
  { accepted, head, upgraded }: { accepted: Duplex; head: Buffer; upgraded: Set<Duplex> },
): void {
  upgraded.add(accepted);
  accepted.on("close", () => upgraded.delete(accepted));
  accepted.on("error", () => accepted.destroy());
  const refuse = (status: number, text: string): void => {
    // Who has more to say is not listened to, and its end has to be seen.
    accepted.resume();
    message.socket.setTimeout(REFUSED_MS_MAX, () => message.socket.destroy());
    accepted.end(
      `HTTP/1.1 ${status} Refused\r\nconnection: close\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    );
  };
  const refusal = options.guard(guarded(message));
  if (refusal !== null) return refuse(401, refusal);
  if (message.headers.upgrade !== EXCHANGE_PROTOCOL)
    return refuse(400, `upgrade to ${EXCHANGE_PROTOCOL} or not at all`);
  // Before an announced body has come, Node gives something that is not the socket.
  if (!(accepted instanceof Socket)) return refuse(400, "a request for an exchange has no body");
  if (accepted.destroyed) return;
  options.exchanges.onExchange(
    message.url ?? "",
    () => {
      const { socket, stream } = reusingSocket(accepted, head);
      upgraded.add(socket);
      socket.on("close", () => upgraded.delete(socket));
      stream.write(EXCHANGE_ACCEPTED);
      return stream;
    },
    refuse,
  );
}

/**
 * Listens for the other processes of the cluster.
 * @throws TidemarkError PORT_IN_USE
 */
export function serveHttp(options: HttpServerOptions): Promise<HttpServer> {
  const server: Server = nodeHttp.createServer((message, response) => onRequest(options, message, response));
  const upgraded = new Set<Duplex>();
  server.on("upgrade", (message, accepted, head) => onUpgrade(options, message, { accepted, head, upgraded }));
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const where = `${options.host}:${options.port}`;
      reject(
        cause.code === "EADDRINUSE"
          ? new TidemarkError(
              "PORT_IN_USE",
              `HTTP port ${where} is in use; choose another or stop what listens there`,
              { cause },
            )
          : new TidemarkError("BAD_INPUT", `cannot listen on ${where}: ${cause.message}`, { cause }),
      );
    });
    server.listen(options.port, options.host, () => {
      const bound = server.address();
      const port = typeof bound === "object" && bound !== null ? bound.port : options.port;
      resolve({ address: { host: options.host, port }, close: () => closeServer(server, upgraded) });
    });
  });
}

function closeServer(server: Server, upgraded: ReadonlySet<Duplex>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
    for (const socket of upgraded) socket.destroy();
  });
}
