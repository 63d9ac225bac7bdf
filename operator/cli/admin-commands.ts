import { Command } from "commander";
import { adminCommand as command, collect, partitionOption, wholeNumber } from "./command-options.ts";
import { reassignCommand } from "./reassign-command.ts";

const PARTITIONS_MAX = 100_000;
const REPLICAS_MAX = 32_767;

function groupsCommand(): Command {
  const load = () => import("./groups.ts");
  return new Command("groups")
    .summary("show and change consumer groups")
    .addCommand(
      command("list", "every group, with its state").action(async (options) => (await load()).listGroups(options)),
    )
    .addCommand(
      command("show", "members of a group, what it has committed, and how far it is behind")
        .argument("<group>", "name of the group")
        .action(async (group: string, options) => (await load()).showGroup(group, options)),
    )
    .addCommand(
      command("reset", "commit other offsets for a group without members")
        .argument("<group>", "name of the group; it need not exist yet")
        .requiredOption("--topic <topic>", "the topic whose offsets change")
        .addOption(partitionOption())
        .requiredOption("--to <where>", "beginning, end, an offset, +N, -N, or a time as 2026-11-28T12:00:00Z")
        .option("--dry-run", "only show what would be committed")
        .action(async (group: string, options) => (await load()).resetGroup(group, options)),
    )
    .addCommand(
      command("delete", "forget a group without members, with all that it committed")
        .argument("<group>", "name of the group")
        .action(async (group: string, options) => (await load()).deleteGroup(group, options)),
    );
}

function topicsCommand(): Command {
  const load = () => import("./topics.ts");
  const topic = "<topic>";
  const about = "name of the topic";
  return new Command("topics")
    .summary("show, create, enlarge and delete topics")
    .addCommand(
      command("list", "every topic, and what of it is missing").action(async (options) =>
        (await load()).listTopics(options),
      ),
    )
    .addCommand(
      command("show", "leader, replicas and offsets of every partition")
        .argument(topic, about)
        .action(async (name: string, options) => (await load()).showTopic(name, options)),
    )
    .addCommand(
      command("create", "a new topic; what is not said is as the brokers' defaults say")
        .argument(topic, about)
        .option("--partitions <n>", "number of partitions", wholeNumber(1, PARTITIONS_MAX))
        .option("--replication-factor <n>", "replicas of each", wholeNumber(1, REPLICAS_MAX))
        .option("--config <key=value>", "a setting of the topic; may be given several times", collect, [])
        .action(async (name: string, options) => (await load()).createTopic(name, options)),
    )
    .addCommand(
      command("grow", "more partitions for a topic; keys may then go to other partitions than before")
        .argument(topic, about)
        .requiredOption("--partitions <n>", "how many it has then", wholeNumber(1, PARTITIONS_MAX))
        .action(async (name: string, options) => (await load()).growTopic(name, options)),
    )
    .addCommand(
      command("delete", "a topic with all its records")
        .argument(topic, about)
        .action(async (name: string, options) => (await load()).deleteTopic(name, options)),
    );
}

function configsCommand(): Command {
  const load = () => import("./configs.ts");
  const of = (name: string, summary: string): Command =>
    command(name, summary)
      .option("--topic <topic>", "of this topic")
      .option("--broker <id>", "of this broker, or of all");
  return new Command("configs")
    .summary("show and change settings of topics and brokers")
    .addCommand(
      of("show", "what is set")
        .option("--all", "what is in force, defaults too")
        .action(async (options) => (await load()).showConfigs(options)),
    )
    .addCommand(
      of("set", "set keys: all of them, or none")
        .argument("<key=value...>", "settings, by Kafka's names")
        .action(async (words: string[], options) => (await load()).setConfigs(words, options)),
    )
    .addCommand(
      of("unset", "let the default count again")
        .argument("<key...>", "settings, by Kafka's names")
        .action(async (keys: string[], options) => (await load()).unsetConfigs(keys, options)),
    );
}

/** What administers a running cluster. */
export const adminCommands = (): Command[] => [topicsCommand(), configsCommand(), groupsCommand(), reassignCommand()];
