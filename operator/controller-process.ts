import type { IncomingMessage, ServerResponse } from "node:http";
import { httpNetwork, serveHttp } from "#adapters/http-network.ts";
import { nodeClock } from "#adapters/node-clock.ts";
import { openFolder } from "#adapters/node-disk.ts";
import { nodeRandom } from "#adapters/node-random.ts";
import { readOptionsFile } from "#adapters/options-file.ts";
import { endOnBugs, reasonOf } from "#adapters/process-end.ts";
import { tokenGuard } from "#adapters/request-guard.ts";
import { TokenFiles } from "#adapters/token-files.ts";
import { winstonLogger } from "#adapters/winston-logger.ts";
import type { Logger } from "#base/logging.ts";
import type { ExchangeServer } from "#ports/network.ts";
import { FileStore } from "./adapters/file/file-store.ts";
import { Controller, type ControllerEnd } from "./controller/controller.ts";
import { type ControllerProcessOptions, parseControllerOptions } from "./controller-options.ts";

/** Exit codes of a controller process: the supervisor starts it again after any but a bad start. */
const EXIT = { cleanStop: 0, failed: 1, badStart: 2 } as const;

/** GET: the cluster as the controller sees it (`ControllerStatus`). */
const STATUS_PATH = "/v1/status";

/** One line for people on standard error, then the end. */
function die(code: number, what: string): never {
  process.stderr.write(`tidemark controller: ${what}\n`);
  process.exit(code);
}

/** The controller as a process of its own, its state in a folder. */
export async function runController(args: readonly string[]): Promise<void> {
  try {
    const { text, file } = await readOptionsFile(args, "operator/controller-main.ts");
    const options = parseControllerOptions(text, file);
    const logger = winstonLogger({ controller: options.http.port }, options.logLevel);
    endOnBugs(logger, (reason) => die(EXIT.failed, reason));
    await serve(options, logger);
  } catch (error) {
    die(EXIT.badStart, reasonOf(error));
  }
}

function onEnd(end: ControllerEnd): never {
  if (end.kind === "deposed") die(EXIT.failed, "another controller took over the metadata store");
  die(EXIT.failed, reasonOf(end.error));
}

async function serve(options: ControllerProcessOptions, logger: Logger): Promise<void> {
  const folder = await openFolder(options.dataFolder);
  const store = new FileStore({ disk: folder.disk, logger });
  const tokens = new TokenFiles({ current: options.tokenFile }, () => nodeClock.monotonic());
  const ports = { clock: nodeClock, random: nodeRandom, network: httpNetwork(tokens), store, logger };
  let address = options.http;
  const controller: Controller = new Controller(ports, {
    clusterId: options.clusterId,
    config: options.config,
    isRecovering: options.recover,
    address: () => address,
    onEnd,
  });
  const exchanges: ExchangeServer = controller.exchangeServer;
  const http = await serveHttp({
    ...options.http,
    exchanges,
    guard: tokenGuard({ logger, nowMs: () => nodeClock.monotonic() }, () => tokens),
    fallback: (request, response) => answerPage(controller, request, response),
  });
  address = http.address;
  stopOnSignals(async () => {
    await controller.stop();
    await http.close();
  }, logger);
  await controller.start();
  logger.info("controller is active", { host: address.host, port: address.port });
}

function answerPage(controller: Controller, request: IncomingMessage, response: ServerResponse): void {
  const isStatus = request.method === "GET" && request.url === STATUS_PATH;
  const body = isStatus ? controller.status() : { error: `there is no ${request.method} ${request.url} here` };
  response.writeHead(isStatus ? 200 : 404, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

function stopOnSignals(stop: () => Promise<void>, logger: Logger): void {
  let isStopping = false;
  const onSignal = (): void => {
    if (isStopping) return;
    isStopping = true;
    stop().then(
      () => process.exit(EXIT.cleanStop),
      (error: unknown) => {
        logger.error("the controller could not stop cleanly", { error: reasonOf(error) });
        process.exit(EXIT.failed);
      },
    );
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
}
