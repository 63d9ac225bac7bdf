import { readFile } from "node:fs/promises";
import { nodeClock } from "./adapters/node-clock.ts";
import { endOnBugs, reasonOf } from "./adapters/process-end.ts";
import { TokenFiles } from "./adapters/token-files.ts";
import { winstonLogger } from "./adapters/winston-logger.ts";
import { type BrokerOptions, parseBrokerOptions } from "./options.ts";
import { die, EXIT, serve } from "./serve.ts";

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
    const tokens = new TokenFiles({ current: options.tokenFile }, () => nodeClock.monotonic());
    const { kafka, http } = options;
    const { host, port, listener: name, advertisedHost } = kafka;
    const listeners = [{ name, at: { host, port }, advertisedHost, advertisedPort: null }];
    await serve({ ...options, listeners, http: { at: http, host: http.host } }, { logger, tokens });
  } catch (error) {
    die(EXIT.badStart, reasonOf(error));
  }
}
