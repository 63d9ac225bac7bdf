import type { IncomingMessage, ServerResponse } from "node:http";
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
import type { BrokerId } from "./base/ids.ts";
import type { Logger } from "./base/logging.ts";
import { Broker } from "./broker.ts";
import type { Address } from "./ports/network.ts";
import type { Tokens } from "./ports/tokens.ts";

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
  readonly rack: string | null;
  readonly config: Readonly<Record<string, string>>;
}

/** A broker with real ports, until a signal stops it; resolves once it serves. */
export async function serve(options: ServeOptions, { logger, tokens }: { logger: Logger; tokens: Tokens }) {
  const folder = await openFolder(options.dataFolder);
  // The sockets are bound first, so that the addresses registered are real ones; nothing is served before registration.
  let broker: Broker | null = null;
  const kafka = await listenAll(options.listeners, () => broker);
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
  stopOnSignals(started, { kafka, http, logger });
  await started.start();
  await started.registered();
  logger.info("serving", { kafka: kafka.map(({ address }) => address.port), http: http.address.port });
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
  { kafka, http, logger }: { kafka: readonly TcpListener[]; http: HttpServer; logger: Logger },
): void {
  let isStopping = false;
  const stop = (signal: string): void => {
    if (isStopping) die(EXIT.failed, `${signal} came again; ending without a clean stop`);
    isStopping = true;
    logger.info("stopping", { signal });
    void Promise.all([...kafka.map((one) => one.close()), broker.stop()])
      .then(() => http.close())
      .then(
        () => process.exit(EXIT.cleanStop),
        (error: unknown) => die(EXIT.failed, reasonOf(error)),
      );
  };
  process.on("SIGTERM", () => stop("SIGTERM"));
  process.on("SIGINT", () => stop("SIGINT"));
}
