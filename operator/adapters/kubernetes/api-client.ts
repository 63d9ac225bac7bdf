import type { ClientRequest, IncomingMessage } from "node:http";
import type { Agent } from "node:https";
import { nodeHttp } from "#adapters/node-http.ts";
import { LineCutter } from "#base/line-cutter.ts";
import type { ApiAccess } from "./credentials.ts";

const nodeHttps: typeof import("node:https") = process.getBuiltinModule("node:https");

const BODY_BYTES_MAX = 256 * 1024 * 1024;
/** Of requests, which are over soon. A watch keeps its connection, so each has one of its own beside these. */
const SOCKETS_MAX = 32;

export interface ApiRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With its query. */
  readonly path: string;
  readonly body?: unknown;
  /** Of the body; JSON when absent. */
  readonly contentType?: string;
  readonly timeoutMs: number;
}

/** `status` 0: no answer, or half of one; then `body` is null. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
  /** One line: the API server's own words where it had any. */
  readonly message: string;
}

/** A watch that stands; `done` resolves, never rejects, when it ended for whatever reason. */
export interface ApiStream {
  readonly done: Promise<string>;
  close(): void;
}

/** Plain requests to an API server over connections that are kept. No call rejects. */
export class ApiClient {
  readonly #access: ApiAccess;
  readonly #agent: Agent | import("node:http").Agent;
  readonly #streamAgent: Agent | import("node:http").Agent;
  readonly #request: typeof import("node:https").request | typeof import("node:http").request;

  constructor(access: ApiAccess) {
    this.#access = access;
    const isPlain = access.server.protocol === "http:";
    this.#agent = isPlain
      ? new nodeHttp.Agent({ keepAlive: true, maxSockets: SOCKETS_MAX })
      : new nodeHttps.Agent({ keepAlive: true, maxSockets: SOCKETS_MAX, ...access.tls });
    this.#streamAgent = isPlain ? new nodeHttp.Agent() : new nodeHttps.Agent({ ...access.tls });
    this.#request = isPlain ? nodeHttp.request : nodeHttps.request;
  }

  async request(request: ApiRequest): Promise<ApiAnswer> {
    try {
      return await this.#send(request);
    } catch (error) {
      return { status: 0, body: null, message: Error.isError(error) ? error.message : String(error) };
    }
  }

  /** Opens a stream of lines (a watch). `onLine` gets each parsed; an answer that is no 200 ends it. */
  stream(path: string, handlers: { silenceMsMax: number; onLine: (line: unknown) => void }): ApiStream {
    let call: ClientRequest | null = null;
    let isClosed = false;
    const { promise: done, resolve } = Promise.withResolvers<string>();
    const run = async (): Promise<void> => {
      const opened = await this.#open({ method: "GET", path, timeoutMs: handlers.silenceMsMax }, this.#streamAgent);
      if (isClosed) opened.destroy();
      call = opened;
      opened.on("error", (error) => resolve(error.message));
      // The request is over as soon as its answer is, which may have been read by nobody yet.
      let hasAnswered = false;
      opened.on("response", (response) => {
        hasAnswered = true;
        readLines(response, handlers.onLine, resolve);
      });
      opened.on("close", () => {
        if (!hasAnswered) resolve("the stream was closed");
      });
      // Bookmarks come about once a minute: a connection that says nothing for longer is dead.
      opened.setTimeout(handlers.silenceMsMax, () => opened.destroy(new Error("the stream fell silent")));
      opened.end();
    };
    run().catch((error: unknown) => resolve(String(error)));
    return {
      done,
      close() {
        isClosed = true;
        call?.destroy();
        resolve("closed");
      },
    };
  }

  close(): void {
    this.#agent.destroy();
    this.#streamAgent.destroy();
  }

  async #open(request: ApiRequest, agent = this.#agent): Promise<ClientRequest> {
    const { method, path, body, contentType = "application/json" } = request;
    const { server, headers } = this.#access;
    const all: Record<string, string | number> = { accept: "application/json", ...(await headers()) };
    if (body !== undefined) {
      all["content-type"] = contentType;
      all["content-length"] = Buffer.byteLength(JSON.stringify(body));
    }
    const prefix = server.pathname === "/" ? "" : server.pathname;
    return this.#request({
      protocol: server.protocol,
      host: server.hostname.replace(/^\[(.*)\]$/, "$1"),
      port: server.port === "" ? undefined : server.port,
      agent,
      method,
      path: prefix + path,
      headers: all,
    });
  }

  async #send(request: ApiRequest): Promise<ApiAnswer> {
    const call = await this.#open(request);
    return new Promise((resolve) => {
      const fail = (message: string): void => resolve({ status: 0, body: null, message });
      const timer = setTimeout(() => {
        fail(`no answer in ${request.timeoutMs} ms`);
        call.destroy();
      }, request.timeoutMs);
      call.on("response", (response) => {
        readText(response).then(
          (text) => resolve(answerOf(response.statusCode ?? 0, text)),
          (error: unknown) => fail(String(error)),
        );
      });
      call.on("error", (error) => fail(error.message));
      call.on("close", () => clearTimeout(timer));
      call.end(request.body === undefined ? undefined : JSON.stringify(request.body));
    });
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > BODY_BYTES_MAX) throw new Error(`an answer of over ${BODY_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function answerOf(status: number, text: string): ApiAnswer {
  let body: unknown = null;
  try {
    body = JSON.parse(text);
  } catch {
    return { status, body: null, message: text.slice(0, 300).replaceAll("\n", " ") };
  }
  const message = (body as { message?: unknown } | null)?.message;
  return { status, body, message: typeof message === "string" ? message : `status ${status}` };
}

/** Undefined when it is no JSON. */
function parsed(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString());
  } catch {
    return undefined;
  }
}

function readLines(response: IncomingMessage, onLine: (line: unknown) => void, end: (why: string) => void): void {
  if (response.statusCode !== 200) {
    readText(response).then(
      (text) => end(`${response.statusCode}: ${answerOf(response.statusCode ?? 0, text).message}`),
      (error: unknown) => end(String(error)),
    );
    return;
  }
  const lines = new LineCutter();
  const take = (line: Buffer): void => {
    const value = parsed(line);
    if (value !== undefined) return onLine(value);
    end(`a line came that is no JSON: ${line.toString().slice(0, 100)}`);
    response.destroy();
  };
  response.on("data", (chunk: Buffer) => {
    for (const line of lines.push(chunk)) if (line.length > 0 && !response.destroyed) take(line);
  });
  response.on("end", () => end("the API server ended the stream"));
  response.on("close", () => end("the stream was closed"));
  response.on("error", (error) => end(error.message));
}
