import { readFile } from "node:fs/promises";
import { nodeClock } from "./adapters/node-clock.ts";
import { endOnBugs, reasonOf } from "./adapters/process-end.ts";
import { TokenFiles } from "./adapters/token-files.ts";
import { winstonLogger } from "./adapters/winston-logger.ts";
import { podOptions } from "./pod-options.ts";
import { die, EXIT, serve } from "./serve.ts";

/** Where the pod has what it is told and what it keeps. */
export interface PodFolders {
  readonly settings: string;
  readonly token: string;
  readonly data: string;
}

/** The broker as a pod: it is told by a mounted file and its environment, and writes into its volume alone. */
export async function runPod(env: NodeJS.ProcessEnv, folders: PodFolders): Promise<void> {
  try {
    const file = `${folders.settings}/broker.json`;
    const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) =>
      die(EXIT.badStart, `cannot read ${file}: ${error.message}`),
    );
    const { listeners, http, apiPort, ...options } = podOptions(text, env, file);
    const logger = winstonLogger({ broker: options.brokerId }, options.logLevel);
    endOnBugs(logger, (reason) => die(EXIT.failed, reason));
    const files = { current: `${folders.token}/current`, previous: `${folders.token}/previous` };
    const tokens = new TokenFiles(files, () => nodeClock.monotonic());
    const everywhere = listeners.map(({ port, ...listener }) => ({ ...listener, at: { host: "", port } }));
    const at = { host: "", port: http.port };
    const api = apiPort === null ? null : { host: "", port: apiPort };
    // Where the pod stands is seen by the operator, which tells the controller.
    await serve(
      { ...options, rack: null, dataFolder: folders.data, listeners: everywhere, http: { at, host: http.host }, api },
      { logger, tokens },
    );
  } catch (error) {
    die(EXIT.badStart, reasonOf(error));
  }
}
