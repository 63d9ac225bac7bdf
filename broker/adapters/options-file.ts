import { readFile } from "node:fs/promises";
import { TidemarkError } from "../base/errors.ts";

/**
 * The options file that a process was started with, as its only argument.
 * @throws TidemarkError BAD_INPUT when there is none, or it cannot be read
 */
export async function readOptionsFile(
  args: readonly string[],
  program: string,
): Promise<{ file: string; text: string }> {
  const [file] = args;
  if (file === undefined || args.length !== 1) throw new TidemarkError("BAD_INPUT", `usage: ${program} OPTIONS_FILE`);
  try {
    return { file, text: await readFile(file, "utf8") };
  } catch (cause) {
    const why = Error.isError(cause) ? cause.message : String(cause);
    throw new TidemarkError("BAD_INPUT", `cannot read ${file}: ${why}`, { cause });
  }
}
