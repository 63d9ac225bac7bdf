import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { hostIdentity } from "./adapters/host-identity.ts";
import { type HttpServer, httpNetwork, serveHttp } from "./adapters/http-network.ts";
import { nodeClock } from "./adapters/node-clock.ts";
import { openFolder } from "./adapters/node-disk.ts";
import { nodeRandom } from "./adapters/node-random.ts";
import { endOnBugs, reasonOf } from "./adapters/process-end.ts";
import { listenTcp, type TcpListener } from "./adapters/tcp-listener.ts";
import { addProcessMetrics } from "./adapters/process-metrics.ts";
import { tokenGuard } from "./adapters/request-guard.ts";
import { TokenFiles } from "./adapters/token-files.ts";
import { winstonLogger } from "./adapters/winston-logger.ts";
import type { Logger } from "./base/logging.ts";
import { Broker } from "./broker.ts";
import { type BrokerOptions, parseBrokerOptions } from "./options.ts";

/** Exit codes of a broker process: the supervisor starts it again after any but BAD_START and BANNED. */
const EXIT = { cleanStop: 0, failed: 1, badStart: 2, banned: 3 } as const;

/** One line for people on standard error, then the end. */
function die(code: number, what: string): never {
  process.stderr.write(`tidemark broker: ${what}\n`);
  process.exit(code);
}

async function readOptions(args: readonly string[]): Promise<BrokerOptions> {
  const [file] = args;
  if (file === undefined || args.length !== 1) die(EXIT.badStart, "usage: broker/main.ts OPTIONS_FILE");
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) =>
    die(EXIT.badStart, `cannot read ${file}: ${error.message}`),
  );
  return parseBrokerOptions(text, file);
}

/** The broker as a process of its own: real ports, signals, exit codes. */
export async function runBroker(args: readonly string[]): Promise<void> {
  try {
    const options = await readOptions(args);
    const logger = winstonLogger({ broker: options.brokerId }, options.logLevel);
    endOnBugs(logger, (reason) => die(EXIT.failed, reason));
    await serve(options, logger);
  } catch (error) {
    die(EXIT.badStart, reasonOf(error));
  }
}

async function serve(options: BrokerOptions, logger: Logger): Promise<void> {
  const folder = await openFolder(options.dataFolder);
  // The sockets are bound first, so that the addresses registered are real ones; nothing is served before registration.
  let broker: Broker | null = null;
  const tokens = new TokenFiles({ current: options.tokenFile }, () => nodeClock.monotonic());
  const { listener, advertisedHost } = options.kafka;
  const kafka = await listenTcp(options.kafka, (stream) => {
    if (broker === null) stream.destroy();
    else broker.acceptClient(stream, listener);
  });
  const http = await serveHttp({
    ...options.http,
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
    { clock: nodeClock, random: nodeRandom, disk: folder.disk, network: httpNetwork(tokens), logger },
    {
      ...options,
      endpoints: [{ listener, host: advertisedHost, port: kafka.address.port }],
      http: http.address,
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
  addProcessMetrics(started.metrics);
  stopOnSignals(started, { kafka, http, logger });
  await started.start();
  await started.registered();
  logger.info("serving", { kafka: kafka.address.port, http: http.address.port });
}

/** Health, metrics and the API are Express pages: loaded when somebody first asks, not at every start. */
function lazyPages(broker: () => Broker | null): (request: IncomingMessage, response: ServerResponse) => void {
  let pages: Promise<(request: IncomingMessage, response: ServerResponse) => void> | null = null;
  return (request, response) => {
    pages ??= import("./http/pages.ts").then(({ pagesOf }) => pagesOf(broker));
    pages.then(
      (serve) => serve(request, response),
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
  { kafka, http, logger }: { kafka: TcpListener; http: HttpServer; logger: Logger },
): void {
  let isStopping = false;
  const stop = (signal: string): void => {
    if (isStopping) die(EXIT.failed, `${signal} came again; ending without a clean stop`);
    isStopping = true;
    logger.info("stopping", { signal });
    void Promise.all([kafka.close(), broker.stop()])
      .then(() => http.close())
      .then(
        () => process.exit(EXIT.cleanStop),
        (error: unknown) => die(EXIT.failed, reasonOf(error)),
      );
  };
  process.on("SIGTERM", () => stop("SIGTERM"));
  process.on("SIGINT", () => stop("SIGINT"));
}
