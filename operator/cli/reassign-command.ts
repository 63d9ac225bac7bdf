import { Command } from "commander";
import { adminCommand as command, brokerIds, collect, partitionOption, wholeNumber } from "./command-options.ts";

const broker = wholeNumber(0, 2 ** 31 - 1);
const alsoBroker = (text: string, before: readonly number[]): number[] => [...before, broker(text)];

const moves = () => import("./reassign.ts");

/** What moves partitions between brokers. */
export const reassignCommand = (): Command =>
  new Command("reassign")
    .summary("move partitions between brokers")
    .addCommand(planCommand())
    .addCommand(startCommand())
    .addCommand(
      command("status", "what moves, and what is still to be copied")
        .option("--topic <topic>", "of this topic only")
        .option("--watch", "wait until nothing moves any more, with a bar on a terminal")
        .action(async (options) => (await import("./reassign-status.ts")).showMoves(options)),
    )
    .addCommand(
      command("cancel", "back to the replicas that partitions had")
        .argument("[file]", "JSON that was given to start")
        .option("--topic <topic>", "of this topic")
        .addOption(partitionOption())
        .option("--all", "whatever is on its way")
        .action(async (file: string | undefined, options) => (await moves()).cancelMoves(file, options)),
    )
    .addCommand(
      command("elect", "have the first replica of each partition lead again")
        .option("--topic <topic>", "of this topic only")
        .addOption(partitionOption())
        .action(async (options) => (await moves()).electFirst(options)),
    );

const planCommand = (): Command =>
  command("plan", "what would move so that replicas, racks and leaders are even; changes nothing")
    .option("--topic <topic>", "only this topic moves; may be given several times", collect, [])
    .option("--brokers <ids>", "the brokers that have it all then, as 0,1,2 (default: those that are up)", brokerIds)
    .option("--remove-broker <id>", "a broker that has nothing then; may be given several times", alsoBroker, [])
    .option("--file <file>", "write it there, as start and Kafka's kafka-reassign-partitions read it")
    .action(async (options) => (await moves()).planMoves(options));

const startCommand = (): Command =>
  command("start", "have partitions move")
    .argument("[file]", "JSON of reassign plan, or of Kafka's kafka-reassign-partitions")
    .option("--topic <topic>", "instead of a file: of this topic …")
    .addOption(partitionOption())
    .option("--replicas <ids>", "… goes to these brokers, as 1,2,3; the first is the preferred leader", brokerIds)
    .option(
      "--throttle <bytes>",
      "bytes a second that each broker gives to copies, from now on, also of other partitions",
      wholeNumber(1, Number.MAX_SAFE_INTEGER),
    )
    .action(async (file: string | undefined, options) => (await moves()).startMoves(file, options));
