import { isTidemarkError } from "#base/errors.ts";

/** Something went wrong that the line on standard error tells. */
export const FAILED = 1;
/** The command was called wrongly. */
export const USAGE = 2;
/** Broken off by ctrl-C. */
export const INTERRUPTED = 130;
/** A bug of ours. */
const BROKEN = 70;

/** Messages quote what files and servers say: what would move a terminal's cursor is shown as a mark. */
const firstLine = (text: string): string => (text.split("\n", 1)[0] ?? text).replaceAll(/\p{Cc}/gu, "\ufffd");

/** One line for an error: ours says what to do; any other is a bug and says so. */
export function lineFor(error: unknown): string {
  if (isTidemarkError(error)) return firstLine(error.message);
  const what = Error.isError(error) ? firstLine(error.message) : String(error);
  return `this is a bug of Tidemark, please report it: ${what}`;
}

/** Ends the process with one line on standard error, never a stack trace. */
export function exitWith(code: number, error: unknown): never {
  process.stderr.write(`tidemark: ${lineFor(error)}\n`);
  process.exit(isTidemarkError(error) ? code : BROKEN);
}

/** A reader of our output that has seen enough (`| head`) ends the command quietly. */
export function endWithReader(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    exitWith(FAILED, error);
  });
}
