import { enableCompileCache } from "node:module";
import { Command, CommanderError, Option } from "commander";
import { adminCommands } from "./admin-commands.ts";
import { bootstrapOption, collect, dataOption, wholeNumber } from "./command-options.ts";
import { exitWith, FAILED, USAGE } from "./exit.ts";

enableCompileCache();
// Node's and the client libraries' own warnings are not for those who use the command.
process.removeAllListeners("warning");

function upCommand(): Command {
  return new Command("up")
    .summary("start a cluster on this machine, from the YAML that kubectl applies")
    .description(
      "Starts a controller and brokers as processes of this machine and keeps them running until ctrl-C.\n" +
        "Without -f: one cluster of 3 brokers. The same data folder starts again with everything in it.",
    )
    .option("-f, --file <file>", "YAML of a Cluster and its Topics; may be given several times", collect, [])
    .addOption(dataOption())
    .option("--brokers <n>", "number of brokers (default: as the file says, else 3)", wholeNumber(1, 100))
    .option(
      "--port <port>",
      "Kafka port of the first broker; the others take the next ones; 0: any free ports",
      wholeNumber(0, 65_535),
    )
    .option(
      "--http-port <port>",
      "serve the HTTP API, without authentication: port of the first broker; 0: any free ones (default: as the file " +
        "says)",
      wholeNumber(0, 65_535),
    )
    .option(
      "--recover",
      "go on although the controller's metadata was lost or set back: from the newest that brokers kept; every " +
        "partition then waits for all its replicas",
    )
    .option("--no-restart", "leave brokers dead when they die, until SIGUSR2")
    .action(async (options) => (await import("./up.ts")).up(options));
}

function statusCommand(): Command {
  return new Command("status")
    .summary("show brokers, topics and what is missing")
    .addOption(dataOption())
    .option("--json", "the controller's own answer")
    .action(async (options) => (await import("./status.ts")).status(options));
}

function produceCommand(): Command {
  return new Command("produce")
    .summary("write lines of standard input to a topic")
    .description("Each line of standard input becomes a record, acknowledged by every in-sync replica.")
    .argument("<topic>", "name of the topic")
    .addOption(dataOption())
    .addOption(bootstrapOption())
    .option("--key-separator <text>", "what stands between key and value in a line (default: lines have no key)")
    .option("--partition <n>", "write to this partition only", wholeNumber(0, 2 ** 31 - 1))
    .addOption(
      new Option("--acks <acks>", "who must have a record before it counts").choices(["all", "1", "0"]).default("all"),
    )
    .action(async (topic: string, options) => (await import("./produce.ts")).produce(topic, options));
}

function consumeCommand(): Command {
  return new Command("consume")
    .summary("print the records of a topic")
    .description("Prints records to standard output, in order within each partition, up to the end as of the start.")
    .argument("<topic>", "name of the topic")
    .addOption(dataOption())
    .addOption(bootstrapOption())
    .option("--from <where>", "beginning, end, or an offset", "beginning")
    .option("--partition <n>", "this partition only", wholeNumber(0, 2 ** 31 - 1))
    .option("--count <n>", "stop after so many records", wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option("--follow", "go on with what is written from now on, until ctrl-C")
    .option("--format <text>", "%v value, %k key, %t topic, %p partition, %o offset, %T timestamp, \\n, \\t", "%v\\n")
    .option("--json", "one JSON object a line instead of --format")
    .action(async (topic: string, options) => (await import("./consume.ts")).consume(topic, options));
}

function program(): Command {
  const root = new Command("tidemark")
    .description("A replicated log that speaks the Kafka protocol.")
    .configureOutput({ outputError: (text, write) => write(`tidemark: ${oneLine(text)}\n`) });
  for (const command of [upCommand(), statusCommand(), produceCommand(), consumeCommand(), ...adminCommands()]) {
    root.addCommand(command);
  }
  for (const command of [root, ...root.commands, ...root.commands.flatMap(({ commands }) => commands)]) {
    if (command !== root) command.copyInheritedSettings(root);
    command.exitOverride();
  }
  return root;
}

const oneLine = (text: string): string =>
  text
    .replace(/^error: /, "")
    .trim()
    .replaceAll(/\s*\n\s*/g, " ");

try {
  await program().parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : USAGE;
  else exitWith(FAILED, error);
}
