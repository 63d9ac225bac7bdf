import { isTidemarkError } from "../base/errors.ts";
import type { Logger } from "../base/logging.ts";

/** Why a process ends, for people: one line for what the world did to us, the stack of what is a bug. */
export const reasonOf = (error: unknown): string => {
  if (isTidemarkError(error)) return error.message;
  return Error.isError(error) ? (error.stack ?? error.message) : String(error);
};

/** A promise nobody handled or a throw nobody caught is a bug: the state behind it cannot be trusted. */
export function endOnBugs(logger: Logger, die: (reason: string) => never): void {
  const end = (error: unknown): void => {
    logger.error("a bug; this process ends", { error: reasonOf(error) });
    die(reasonOf(error));
  };
  process.on("uncaughtException", end);
  process.on("unhandledRejection", end);
}
