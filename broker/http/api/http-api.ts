import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../../base/clock.ts";
import { LimitedLogger } from "../../base/limited-logger.ts";
import type { Metrics } from "../../base/metrics.ts";
import type { Logger } from "../../base/logging.ts";
import type { Random } from "../../base/random.ts";
import type { BrokerContext } from "../../handlers/context.ts";
import type { Peers } from "../../peers/peers.ts";
import { ApiMetrics } from "./api-metrics.ts";
import { ByteBudget } from "./byte-budget.ts";
import { type Exchange, sendRefusal } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import { answerType } from "./media-types.ts";
import { Producer } from "./producer.ts";
import { namesProblem } from "./read-query.ts";
import { Readers } from "./readers.ts";
import { isRefusal, methodNotAllowed, noSuchPage, Refusal, tryAgain } from "./refusal.ts";
import { match, type Matched, type Route } from "./routes.ts";

/** Of all requests under way together. */
const BUDGET_BYTES = 32 * 1024 * 1024;
/** Metrics name what no route has so. */
const NO_ROUTE = "none";

export interface ApiParts {
  readonly broker: BrokerContext;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Clients are served. */
  isServing(): boolean;
  /** A page threw: its request has failed. */
  onBug(error: unknown): void;
}

/** The HTTP API of one broker: what its server hands every request to (docs/http.md). */
export class HttpApi {
  readonly #gateway: Gateway;
  readonly #parts: ApiParts;
  /** Clients can cause what is logged. */
  readonly #logger: Logger;
  #isStopped = false;

  constructor(parts: ApiParts) {
    const { broker, peers, random } = parts;
    this.#parts = parts;
    const readers: Readers = new Readers({ broker, peers, metrics: () => metrics });
    const metrics: ApiMetrics = new ApiMetrics(parts.metrics, { readers: () => readers.count });
    const producer = new Producer({ broker, peers });
    const budget = new ByteBudget(BUDGET_BYTES);
    this.#logger = new LimitedLogger(parts);
    this.#gateway = { broker, peers, random, logger: this.#logger, producer, readers, budget, metrics };
  }

  /** To be called once there is a controller: what it hands out is there when it is gone. */
  prepare(): Promise<void> {
    return this.#gateway.producer.prepare();
  }

  /** Answers one request. Never throws. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    const { method = "", url = "" } = request;
    const [path, search] = split(url);
    const matched = match(path);
    response.on("close", () => {
      const status = response.headersSent ? response.statusCode : 0;
      const route = matched?.path ?? NO_ROUTE;
      this.#gateway.metrics.answered(isKnown(matched, method) ? method : "other", route, status);
    });
    // A client that goes away in the middle is no news.
    request.on("error", () => {});
    response.on("error", () => {});
    this.#answer(request, response, { matched, search }).catch((error: unknown) =>
      this.#failed(request, response, error),
    );
  }

  /** Refuses what comes, and ends every stream. What is under way is answered. */
  stop(): void {
    this.#isStopped = true;
    this.#gateway.readers.stop();
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    { matched, search }: { matched: Matched | null; search: string },
  ): Promise<void> {
    const found = this.#routeOf(request, matched);
    if (isRefusal(found)) return sendRefusal(response, found);
    const { route, params } = found;
    const type = route.isStream === true ? "" : answerType(request.headers.accept);
    if (isRefusal(type)) return sendRefusal(response, type);
    const query = new URLSearchParams(search);
    const problem = route.isStream === true ? null : namesProblem(query, []);
    if (problem !== null) return sendRefusal(response, problem);
    const exchange: Exchange = { params, query, request, response };
    const reply = await route.page(this.#gateway, exchange);
    if (reply === null || response.destroyed) return;
    if (isRefusal(reply)) return sendRefusal(response, reply);
    response.writeHead(reply.status, { "content-type": type, "content-length": Buffer.byteLength(reply.json) });
    response.end(reply.json);
  }

  #routeOf(
    request: IncomingMessage,
    matched: Matched | null,
  ): { readonly route: Route; readonly params: Exchange["params"] } | Refusal {
    if (this.#isStopped || !this.#parts.isServing()) return tryAgain("this broker does not serve now; try another one");
    const forbidden = whyForbidden(request);
    if (forbidden !== null) return new Refusal({ status: 403 }, forbidden);
    if (matched === null) return noSuchPage();
    const route = matched.routes.find(({ method }) => method === request.method);
    if (route === undefined) return methodNotAllowed(matched.routes.map(({ method }) => method));
    return { route, params: matched.params };
  }

  #failed(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    const stack = Error.isError(error) ? error.stack : undefined;
    const fields = { method: request.method, path: request.url, error: String(error), stack };
    this.#logger.error("a request over HTTP failed by a bug of the broker", fields);
    if (response.headersSent) response.destroy();
    else sendRefusal(response, new Refusal({ status: 500 }, "Internal Server Error"));
    this.#parts.onBug(error);
  }
}

/** Methods are labels of metrics, and clients make up their own. */
const isKnown = (matched: Matched | null, method: string): boolean =>
  matched !== null && matched.routes.some((route) => route.method === method);

function split(url: string): [string, string] {
  const at = url.indexOf("?");
  return at < 0 ? [url, ""] : [url.slice(0, at), url.slice(at + 1)];
}

/**
 * Browsers say whether a page asks across origins: by Sec-Fetch-Site where the API is trusted (TLS, or this machine),
 * else by the page's origin, which must be the host that it asks. There is no authentication, so a page that somebody
 * happens to look at must not read or write where only its reader's browser reaches. Null when nothing is against it.
 */
function whyForbidden({ headers, socket }: IncomingMessage): string | null {
  const { origin, host = "" } = headers;
  const site = headers["sec-fetch-site"];
  if (site !== undefined) return site === "same-origin" || site === "none" ? null : OTHER_ORIGIN;
  if (origin !== undefined && origin.replace(/^https?:\/\//, "") !== host) return OTHER_ORIGIN;
  // A page whose name was pointed at this machine meanwhile (DNS rebinding) has its origin: the name shows it.
  const isOnLoopback = LOOPBACK_ADDRESS.test(socket.localAddress ?? "");
  return isOnLoopback && host !== "" && !LOOPBACK_HOST.test(host) ? OTHER_NAME : null;
}

const OTHER_ORIGIN = "a page of another origin may not use this API";
const OTHER_NAME =
  "on loopback this API is asked as localhost or 127.0.0.1, by no other name; a proxy in front of it sends one as Host";
const LOOPBACK_ADDRESS = /^(::ffff:)?127\.|^::1$/;
const LOOPBACK_HOST = /^((.+\.)?localhost|127\.[0-9.]+|\[::1\])(:\d+)?$/i;
