import type { IncomingMessage, ServerResponse } from "node:http";
import { type ApiListener, listenApi } from "./adapters/api-listener.ts";
import { hostIdentity } from "./adapters/host-identity.ts";
import { type HttpServer, httpNetwork, serveHttp } from "./adapters/http-network.ts";
import { nodeClock } from "./adapters/node-clock.ts";
import { openFolder } from "./adapters/node-disk.ts";
import { nodeRandom } from "./adapters/node-random.ts";
import { reasonOf } from "./adapters/process-end.ts";
import { addProcessMetrics } from "./adapters/process-metrics.ts";
import { tokenGuard } from "./adapters/request-guard.ts";
import { listenTcp, type TcpListener } from "./adapters/tcp-listener.ts";
import { ThreadCompactor } from "./adapters/thread-compactor.ts";
import { assert } from "./base/assert.ts";
import type { BrokerId } from "./base/ids.ts";
import type { Logger } from "./base/logging.ts";
import { Broker } from "./broker.ts";
import type { HttpApi } from "./http/api/http-api.ts";
import type { Address } from "./ports/network.ts";
import type { Tokens } from "./ports/tokens.ts";

/** What is under way over HTTP when a broker stops is answered for so long. */
const API_GRACE_MS = 5000;

/** Exit codes of a broker process: the supervisor starts it again after any but BAD_START and BANNED. */
export const EXIT = { cleanStop: 0, failed: 1, badStart: 2, banned: 3 } as const;

const COMPACTION_THREAD = new URL("./compaction-thread.ts", import.meta.url);

/** One line for people on standard error, then the end. */
export function die(code: number, what: string): never {
  process.stderr.write(`tidemark broker: ${what}\n`);
  process.exit(code);
}

export interface Listener {
  readonly name: string;
  /** Where it listens; port 0 = any free one. */
  readonly at: Address;
  readonly advertisedHost: string;
  /** Null: the port it listens on. */
  readonly advertisedPort: number | null;
}

export interface ServeOptions {
  readonly brokerId: BrokerId;
  readonly dataFolder: string;
  readonly clusterId: string;
  readonly controller: Address;
  readonly listeners: readonly Listener[];
  /** Where the HTTP server listens, and by which host other processes reach it. */
  readonly http: { readonly at: Address; readonly host: string };
  /** Where it serves applications over HTTP; null: nowhere. */
  readonly api: Address | null;
  readonly rack: string | null;
  readonly config: Readonly<Record<string, string>>;
}

/** A broker with real ports, until a signal stops it; resolves once it serves. */
export async function serve(options: ServeOptions, { logger, tokens }: { logger: Logger; tokens: Tokens }) {
  const folder = await openFolder(options.dataFolder);
  // The sockets are bound first, so that the addresses registered are real ones; nothing is served before registration.
  let broker: Broker | null = null;
  let api: HttpApi | null = null;
  const kafka = await listenAll(options.listeners, () => broker);
  const apiListener = options.api === null ? null : await listenApi(options.api, (...call) => answerApi(api, ...call));
  const http = await serveHttp({
    ...options.http.at,
    exchanges: {
      get incarnation() {
        return broker?.incarnation ?? "";
      },
      onExchange: (path, accept, refuse) =>
        broker === null ? refuse(503, "starting") : broker.exchangeServer.onExchange(path, accept, refuse),
      onPost: async (path, body) =>
        broker === null ? { status: 503, body: {} } : broker.exchangeServer.onPost(path, body),
    },
    guard: tokenGuard({ logger, nowMs: () => nodeClock.monotonic() }, () => tokens),
    fallback: lazyPages(() => broker),
  });
  const started = new Broker(
    {
      clock: nodeClock,
      random: nodeRandom,
      disk: folder.disk,
      network: httpNetwork(tokens),
      logger,
      compactor: new ThreadCompactor(COMPACTION_THREAD, options.dataFolder),
    },
    {
      ...options,
      endpoints: options.listeners.map(({ name, advertisedHost, advertisedPort }, index) => ({
        listener: name,
        host: advertisedHost,
        port: advertisedPort ?? kafka[index]?.address.port ?? 0,
      })),
      http: { host: options.http.host, port: http.address.port },
      host: await hostIdentity(options.dataFolder),
    },
    {
      onFailure: (error) => {
        logger.error("storage failed; this process ends", { error: reasonOf(error) });
        die(EXIT.failed, reasonOf(error));
      },
      onBanned: (refused) => die(EXIT.banned, refused.reason),
    },
  );
  broker = started;
  addProcessMetrics(started.metrics, options.dataFolder);
  const stopApi = (): Promise<void> => closeApi(api, apiListener);
  stopOnSignals(started, { kafka, http, stopApi, logger });
  await started.start();
  if (apiListener !== null) api = await apiOf(started, logger);
  await started.registered();
  await api?.prepare();
  logger.info("serving", {
    kafka: kafka.map(({ address }) => address.port),
    http: http.address.port,
    ...(apiListener === null ? {} : { api: apiListener.address.port }),
  });
}

/** The API for applications: loaded only where it is served. */
async function apiOf(broker: Broker, logger: Logger): Promise<HttpApi> {
  const { HttpApi } = await import("./http/api/http-api.ts");
  const { gateway } = broker;
  assert(gateway !== null, "a broker that has started has what its API works with");
  return new HttpApi({
    ...gateway,
    metrics: broker.metrics,
    logger,
    clock: nodeClock,
    random: nodeRandom,
    isServing: () => broker.isServing,
    onBug: (error) => broker.onBug(error),
  });
}

function answerApi(api: HttpApi | null, request: IncomingMessage, response: ServerResponse): void {
  if (api !== null) return api.handle(request, response);
  response.writeHead(503, { "content-type": "application/json", "retry-after": "1" });
  response.end(JSON.stringify({ error_code: 50003, message: "this broker starts; try another one" }));
}

async function closeApi(api: HttpApi | null, listener: ApiListener | null): Promise<void> {
  api?.stop();
  await listener?.close(API_GRACE_MS);
}

function listenAll(listeners: readonly Listener[], broker: () => Broker | null): Promise<TcpListener[]> {
  return Promise.all(
    listeners.map(({ at, name }) =>
      listenTcp(at, (stream) => {
        const serving = broker();
        if (serving === null) stream.destroy();
        else serving.acceptClient(stream, name);
      }),
    ),
  );
}

/** Health, metrics and the API are Express pages: loaded when somebody first asks, not at every start. */
function lazyPages(broker: () => Broker | null): (request: IncomingMessage, response: ServerResponse) => void {
  let pages: Promise<(request: IncomingMessage, response: ServerResponse) => void> | null = null;
  return (request, response) => {
    pages ??= import("./http/pages.ts").then(({ pagesOf }) => pagesOf(broker));
    pages.then(
      (answer) => answer(request, response),
      (error: unknown) => {
        response.writeHead(500);
        response.end(reasonOf(error));
      },
    );
  };
}

/** SIGTERM and ctrl-C stop cleanly; a second one ends at once. */
function stopOnSignals(
  broker: Broker,
  {
    kafka,
    http,
    stopApi,
    logger,
  }: { kafka: readonly TcpListener[]; http: HttpServer; stopApi: () => Promise<void>; logger: Logger },
): void {
  let isStopping = false;
  const stop = (signal: string): void => {
    if (isStopping) die(EXIT.failed, `${signal} came again; ending without a clean stop`);
    isStopping = true;
    logger.info("stopping", { signal });
    void stopApi()
      .then(() => Promise.all([...kafka.map((one) => one.close()), broker.stop()]))
      .then(() => http.close())
      .then(
        () => process.exit(EXIT.cleanStop),
        (error: unknown) => die(EXIT.failed, reasonOf(error)),
      );
  };
  process.on("SIGTERM", () => stop("SIGTERM"));
  process.on("SIGINT", () => stop("SIGINT"));
}
