import { writeFileSync } from "node:fs";
import path from "node:path";
import { until } from "../cluster.ts";
import { Program, run } from "../program.ts";
import { type Bench, type Feature, mustBe, valuesOf } from "./feature.ts";
import { withFolder } from "./folder.ts";

const LIMIT_MS = 240_000;
const TOOLS = "org.apache.kafka.tools";

/** Kafka's command, asked of the cluster, to its good end; answers what it printed. */
async function tool(bench: Bench, name: string, ...args: readonly string[]): Promise<string> {
  const at = ["--bootstrap-server", bench.cluster.bootstrap];
  return (await run(bench.command, [name, ...at, ...args], LIMIT_MS)).out;
}

/** Throws what was printed when it does not say what it must. */
function mustSay(out: string, pattern: RegExp): void {
  if (!pattern.test(out)) throw new Error(`${pattern} is not in: ${out}`);
}

const write = ({ cluster, topic }: Bench, count: number): Promise<void> =>
  cluster.write(topic, { values: valuesOf("value", count), partitions: 1 });

/** A file for a command, for as long as `use` takes. */
const withFile = <T>(text: string, use: (file: string) => Promise<T>): Promise<T> =>
  withFolder((folder) => {
    const file = path.join(folder, "file.json");
    writeFileSync(file, text);
    return use(file);
  });

async function compatibility(bench: Bench): Promise<void> {
  await bench.cluster.makeTopic(bench.topic, { partitions: 1 });
  const supported = ["offsets-for-times", "cluster-id", "create-topics", "describe-configs", "idempotent-producer"];
  const args = supported.flatMap((name) => [`--${name}-supported`, "true"]);
  const rest = ["--describe-acls-supported", "false", "--expect-record-too-large-exception", "false"];
  const nodes = ["--num-cluster-nodes", "3", "--topic", bench.topic];
  await tool(bench, `${TOOLS}.ClientCompatibilityTest`, ...args, ...rest, ...nodes);
}

async function verifiable(bench: Bench): Promise<void> {
  await bench.cluster.makeTopic(bench.topic, { partitions: 3 });
  const topic = ["--topic", bench.topic, "--max-messages", "2000"];
  const written = await tool(bench, `${TOOLS}.VerifiableProducer`, ...topic);
  mustSay(written, /"acked":2000/);
  const read = await tool(bench, `${TOOLS}.VerifiableConsumer`, ...topic, "--group-id", bench.topic);
  const consumed = [...read.matchAll(/"name":"records_consumed".*?"count":(\d+)|"count":(\d+).*?"records_consumed"/g)];
  const count = consumed.reduce((sum, [, first, second]) => sum + Number(first ?? second), 0);
  mustBe("records consumed", [count], [2000]);
  const values = (await bench.cluster.values(bench.topic)).map(Number).sort((a, b) => a - b);
  mustBe(
    "what is there",
    values,
    Array.from({ length: 2000 }, (_, n) => n),
  );
}

async function topics(bench: Bench): Promise<void> {
  const { cluster, topic } = bench;
  const command = `${TOOLS}.TopicCommand`;
  const shape = ["--partitions", "2", "--replication-factor", "3", "--config", "cleanup.policy=compact"];
  await tool(bench, command, "--create", "--topic", topic, ...shape);
  mustSay(await tool(bench, command, "--list"), new RegExp(`^${topic}$`, "m"));
  await tool(bench, command, "--alter", "--topic", topic, "--partitions", "4");
  await until("the topic is whole", () => cluster.isWhole(topic));
  const described = await tool(bench, command, "--describe", "--topic", topic);
  mustSay(described, /PartitionCount: ?4\s+ReplicationFactor: ?3\s+Configs:.*cleanup.policy=compact/);
  await tool(bench, command, "--delete", "--topic", topic);
  await until("the topic is gone", async () => (await cluster.partitionsOf(topic)) === 0);
}

async function configs(bench: Bench): Promise<void> {
  await bench.cluster.makeTopic(bench.topic, { partitions: 1 });
  const command = "kafka.admin.ConfigCommand";
  const entity = ["--entity-type", "topics", "--entity-name", bench.topic];
  await tool(bench, command, "--alter", ...entity, "--add-config", "retention.ms=12345000");
  mustSay(await tool(bench, command, "--describe", ...entity), /retention.ms=12345000/);
  await tool(bench, command, "--alter", ...entity, "--delete-config", "retention.ms");
  const described = await tool(bench, command, "--describe", ...entity);
  if (described.includes("12345000")) throw new Error(`a deleted config is still there: ${described}`);
  mustSay(await tool(bench, command, "--describe", "--all", "--entity-type", "brokers", "--entity-name", "1"), /=/);
}

async function groups(bench: Bench): Promise<void> {
  const { cluster, topic } = bench;
  await cluster.makeTopic(topic, { partitions: 1 });
  await write(bench, 10);
  const command = `${TOOLS}.consumer.group.ConsumerGroupCommand`;
  const group = ["--group", topic, "--topic", topic];
  await tool(bench, command, ...group, "--reset-offsets", "--to-offset", "4", "--execute");
  mustSay(await tool(bench, command, "--list"), new RegExp(`^${topic}$`, "m"));
  const described = await tool(bench, command, "--describe", "--group", topic);
  mustSay(described, new RegExp(`${topic}\\s+${topic}\\s+0\\s+4\\s+10\\s+6\\s`));
  mustSay(await tool(bench, command, "--describe", "--state", "--group", topic), /Empty/);
  await tool(bench, command, "--delete-offsets", ...group);
  await tool(bench, command, "--delete", "--group", topic).catch((error: unknown) => {
    // Its last offset gone, the group may be, too.
    if (!/GroupIdNotFound|does not exist/.test(String(error))) throw error;
  });
  const listed = await tool(bench, command, "--list");
  if (listed.split("\n").includes(topic)) throw new Error(`a deleted group is still there: ${listed}`);
}

async function reassign(bench: Bench): Promise<void> {
  const { cluster, topic } = bench;
  await cluster.makeTopic(topic, { partitions: 1 });
  await write(bench, 100);
  const command = `${TOOLS}.reassign.ReassignPartitionsCommand`;
  const replicas = [...(await cluster.replicasOf(topic))].slice(0, 2);
  const plan = JSON.stringify({ version: 1, partitions: [{ topic, partition: 0, replicas }] });
  await withFile(plan, async (file) => {
    await tool(bench, command, "--reassignment-json-file", file, "--execute");
    await until("the replicas are as asked", async () => `${await cluster.replicasOf(topic)}` === `${replicas}`);
    // Otherwise it goes on to delete Kafka's own throttles, by keys that do not exist here.
    const verify = ["--reassignment-json-file", file, "--verify", "--preserve-throttles"];
    const verified = await tool(bench, command, ...verify);
    mustSay(verified, /is completed/);
  });
  mustSay(await tool(bench, command, "--list"), /No partition reassignments found/);
  mustBe("what is there", await cluster.values(topic), valuesOf("value", 100));
}

async function elect(bench: Bench): Promise<void> {
  const { cluster, topic } = bench;
  await cluster.makeTopic(topic, { partitions: 1 });
  const [preferred] = await cluster.replicasOf(topic);
  // Killed, it comes back as a follower.
  await cluster.killLeader(topic);
  await until("the topic is whole", () => cluster.isWhole(topic));
  const args = ["--election-type", "preferred", "--topic", topic, "--partition", "0"];
  await tool(bench, `${TOOLS}.LeaderElectionCommand`, ...args);
  await until("the preferred replica leads", async () => (await cluster.leaderOf(topic)) === preferred);
}

async function logDirs(bench: Bench): Promise<void> {
  await bench.cluster.makeTopic(bench.topic, { partitions: 1 });
  await write(bench, 100);
  const out = await tool(bench, `${TOOLS}.LogDirsCommand`, "--describe", "--topic-list", bench.topic);
  const sizes = [...out.matchAll(/"size":(\d+)/g)].map(([, size]) => Number(size));
  if (sizes.length !== 3 || sizes.some((size) => size === 0)) throw new Error(`three sizes have to be in: ${out}`);
}

async function deleteRecords(bench: Bench): Promise<void> {
  const { cluster, topic } = bench;
  await cluster.makeTopic(topic, { partitions: 1 });
  await write(bench, 10);
  const what = JSON.stringify({ version: 1, partitions: [{ topic, partition: 0, offset: 7 }] });
  const out = await withFile(what, (file) => tool(bench, `${TOOLS}.DeleteRecordsCommand`, "--offset-json-file", file));
  mustSay(out, /low_watermark: 7/);
  mustBe("what is there", await cluster.values(topic), valuesOf("value", 10).slice(7));
}

async function offsets(bench: Bench): Promise<void> {
  const { cluster, topic } = bench;
  await cluster.makeTopic(topic, { partitions: 1 });
  await write(bench, 10);
  // Records of one call may have one time: which of them has the latest is not said.
  for (const [time, offset] of [
    ["latest", "10"],
    ["earliest", "0"],
    ["max-timestamp", "\\d"],
  ]) {
    const out = await tool(bench, `${TOOLS}.GetOffsetShell`, "--topic", topic, "--time", `${time}`);
    mustSay(out, new RegExp(`${topic}:0:${offset}$`, "m"));
  }
}

async function consoleLines(bench: Bench): Promise<void> {
  const { cluster, topic, command } = bench;
  await cluster.makeTopic(topic, { partitions: 1 });
  const at = ["--bootstrap-server", cluster.bootstrap, "--topic", topic];
  const producer = new Program(command, [`${TOOLS}.ConsoleProducer`, ...at], LIMIT_MS);
  producer.write(`${valuesOf("value", 100).join("\n")}\n`);
  producer.endInput();
  await producer.success();
  const consumed = await tool(
    bench,
    `${TOOLS}.consumer.ConsoleConsumer`,
    ...["--topic", topic, "--from-beginning", "--max-messages", "100"],
  );
  mustBe("it reads", consumed.trim().split("\n"), valuesOf("value", 100));
}

const feature = (name: string, what: string, run: Feature["run"]): Feature => ({ name, what, run });

/** Kafka's own commands, by the names that they have in Kafka's `bin/`. */
export const kafkaTools: readonly Feature[] = [
  feature("ClientCompatibilityTest", "Kafka's own test of what a broker must do for its clients.", compatibility),
  feature(
    "VerifiableProducer and -Consumer",
    "2,000 records written, read by a group, and each there once.",
    verifiable,
  ),
  feature("kafka-console-producer and -consumer", "100 lines in, the same lines out.", consoleLines),
  feature("kafka-topics", "Creates, lists, enlarges, describes and deletes a topic.", topics),
  feature("kafka-configs", "Sets, shows and deletes a topic's config; shows a broker's.", configs),
  feature("kafka-consumer-groups", "Resets, lists, describes and deletes a group and its offsets.", groups),
  feature(
    "kafka-reassign-partitions",
    "Takes a replica away: executed, verified (`--preserve-throttles`), listed.",
    reassign,
  ),
  feature("kafka-leader-election", "The preferred replica leads again after it was killed.", elect),
  feature("kafka-log-dirs", "The size of each replica.", logDirs),
  feature("kafka-delete-records", "Records below an offset are gone.", deleteRecords),
  feature("kafka-get-offsets", "The first and the last offset, and that of the latest time.", offsets),
];
