import { enableCompileCache } from "node:module";
import { CommanderError } from "commander";
import { exitWith, FAILED, USAGE } from "./exit.ts";
import { program } from "./program.ts";

enableCompileCache();
// Node's and the client libraries' own warnings are not for those who use the command.
process.removeAllListeners("warning");

try {
  await program().parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : USAGE;
  else exitWith(FAILED, error);
}
