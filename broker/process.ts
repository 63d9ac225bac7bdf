import { nodeClock } from "./adapters/node-clock.ts";
import { readOptionsFile } from "./adapters/options-file.ts";
import { endOnBugs, reasonOf } from "./adapters/process-end.ts";
import { TokenFiles } from "./adapters/token-files.ts";
import { winstonLogger } from "./adapters/winston-logger.ts";
import { parseBrokerOptions } from "./options.ts";
import { die, EXIT, serve } from "./serve.ts";

/** The broker as a process of its own: real ports, signals, exit codes. */
export async function runBroker(args: readonly string[]): Promise<void> {
  try {
    const { text, file } = await readOptionsFile(args, "broker/main.ts");
    const options = parseBrokerOptions(text, file);
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
