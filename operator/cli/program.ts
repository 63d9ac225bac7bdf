import { Command, Option } from "commander";
import { adminCommands } from "./admin-commands.ts";
import { clientCommand, codecNames, collect, dataOption, partitionOption, wholeNumber } from "./command-options.ts";
import { encodings } from "./format.ts";

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
  return clientCommand("produce", "write lines of files or pipes to a topic")
    .description("Each line becomes a record, acknowledged by every in-sync replica.")
    .argument("<topic>", "name of the topic")
    .argument("[files...]", "files to read; without any: standard input")
    .addOption(
      new Option("--format <form>", "a line is a value, or a JSON object as consume --format json prints it")
        .choices(["lines", "json"])
        .default("lines"),
    )
    .option("--key-separator <text>", "what stands between key and value in a line (default: lines have no key)")
    .option("--header <name=value>", "a header of every record; may be given several times", collect, [])
    .addOption(partitionOption())
    .addOption(encodingOption("--key-encoding <how>", "how keys stand in JSON"))
    .addOption(encodingOption("--value-encoding <how>", "how values stand in JSON"))
    .addOption(
      new Option("--acks <acks>", "who must have a record before it counts").choices(["all", "1", "0"]).default("all"),
    )
    .addOption(new Option("--compression <codec>", "how batches are compressed").choices(codecNames).default("none"))
    .action(async (topic: string, files: string[], options) => {
      await (await import("./produce.ts")).produce(topic, files, options);
    });
}

function consumeCommand(): Command {
  return clientCommand("consume", "print the records of a topic")
    .description(
      "Prints records to standard output, in order within each partition: alone up to the ends as of the start, as a " +
        "member of a group until ctrl-C.",
    )
    .argument("<topic>", "name of the topic")
    .option("--group <group>", "join this consumer group, go on where it is, and commit what was printed")
    .option("--offset <where>", "beginning (the default), end, an offset, or -N from the end")
    .addOption(new Option("--from <where>", "another name of --offset").conflicts("offset"))
    .addOption(
      new Option("--from-time <time>", "2026-11-28T12:00:00Z, milliseconds since 1970, or as -15m, -1h, -2d").conflicts(
        ["offset", "from"],
      ),
    )
    .addOption(partitionOption())
    .option("--max <n>", "stop after so many records", wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .addOption(
      new Option("--count <n>", "another name of --max")
        .argParser(wholeNumber(1, Number.MAX_SAFE_INTEGER))
        .conflicts("max"),
    )
    .option("--follow", "go on with what is written from now on, until ctrl-C; members of a group do")
    .addOption(
      new Option("--until-end", "stop at the ends as of the start; without a group that is so").conflicts("follow"),
    )
    .option(
      "--format <text>",
      "value, key-value, json, or of %v value, %k key, %h headers, %t topic, %p partition, %o offset, %T timestamp, " +
        "\\n, \\t",
      "value",
    )
    .addOption(new Option("--json", "another name of --format json"))
    .addOption(encodingOption("--key-encoding <how>", "how keys are shown"))
    .addOption(encodingOption("--value-encoding <how>", "how values are shown"))
    .action(async (topic: string, options) => (await import("./consume.ts")).consume(topic, options));
}

const encodingOption = (flags: string, what: string): Option =>
  new Option(flags, `${what} (default: utf8)`).choices(encodings);

/** The whole command; each part loads what it needs when it is used. */
export function program(): Command {
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
