import { readFileSync } from "node:fs";
import path from "node:path";
import type { Client } from "./client.ts";
import { kafkaTools } from "./features/kafka-tools.ts";
import { streams } from "./features/streams.ts";
import { connect } from "./features/connect.ts";
import { features } from "./features/features.ts";
import { built, type Installed, sourceOf } from "./install.ts";
import { root, run } from "./program.ts";

/** A driver in TypeScript, under the checkout's own Node, for a library that the project has anyway. */
async function ofTheProject(name: string, library: string): Promise<Installed> {
  const manifest = path.join(root, "node_modules", library, "package.json");
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  const args = ["--disable-warning=ExperimentalWarning", path.join(sourceOf(name), "driver.ts")];
  return { ok: true, version, command: { file: process.execPath, args } };
}

/** The exact version that a client's own file of dependencies names. */
function versionIn(name: string, file: string, pattern: RegExp): string {
  return pattern.exec(readFileSync(path.join(sourceOf(name), file), "utf8"))?.[1] ?? "unknown";
}

/** A driver in Python, in a virtual environment of the client's requirements.txt. */
async function python(name: string, library: string): Promise<Installed> {
  const done = await built(name, (folder) => [
    ["python3", "-m", "venv", "venv"],
    [path.join(folder, "venv", "bin", "pip"), "install", "-q", "-r", "requirements.txt"],
  ]);
  if (!done.ok) return done;
  const file = path.join(done.folder, "venv", "bin", "python");
  const version = versionIn(name, "requirements.txt", new RegExp(`^${library}==(.*)$`, "m"));
  return {
    ok: true,
    version,
    command: {
      file,
      args: [path.join(done.folder, "driver.py")],
      env: { DRIVERS: sourceOf(""), PYTHONDONTWRITEBYTECODE: "1" },
    },
  };
}

/** Programs of the jars that Maven fetches for clients/java/pom.xml, with what is compiled beside them. */
async function java(...main: readonly string[]): Promise<Installed> {
  const done = await built("java", (folder) => [
    ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=jars"],
    ["javac", "-cp", path.join(folder, "jars", "*"), "-d", "classes", "Driver.java", "WordCount.java"],
  ]);
  if (!done.ok) return done;
  const classes = `${path.join(done.folder, "classes")}:${path.join(done.folder, "jars", "*")}`;
  const logging = `-Dlog4j2.configurationFile=${path.join(done.folder, "log4j2.properties")}`;
  const args = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", logging, "-cp", classes, ...main];
  const version = versionIn("java", "pom.xml", /<kafka.version>(.*)<\/kafka.version>/);
  return { ok: true, version, command: { file: "java", args } };
}

const noPlugin = "a plug-in of somebody else has it";

/** A driver in Go, built by the go.mod beside it. */
async function franzGo(): Promise<Installed> {
  const done = await built("franz-go", () => [["go", "build", "-o", "driver", "."]]);
  if (!done.ok) return done;
  const version = versionIn("franz-go", "go.mod", /franz-go v(.*)$/m);
  return { ok: true, version, command: { file: path.join(done.folder, "driver"), args: [] } };
}

/** A driver in Rust, built by the Cargo.lock beside it. */
async function rskafka(): Promise<Installed> {
  const done = await built("rskafka", () => [["cargo", "build", "-q", "--locked"]]);
  if (!done.ok) return done;
  const version = versionIn("rskafka", "Cargo.toml", /^rskafka = \{ version = "(.*?)"/m);
  return { ok: true, version, command: { file: path.join(done.folder, "target", "debug", "driver"), args: [] } };
}

/** kcat of Debian, or as it is found; installed where that can be done. */
async function kcat(): Promise<Installed> {
  const installed = await ofTheProject("kcat", "kafkajs");
  const version = async (): Promise<string> => (await run({ file: "kcat", args: [] }, ["-V"], 10_000)).out;
  const found = await version().catch(async () => {
    const apt = { file: "apt-get", args: ["install", "--yes", "--no-install-recommends"] };
    await run(apt, ["kcat"], 300_000).catch(() => undefined);
    return version().catch(() => null);
  });
  if (found === null || !installed.ok) return { ok: false, reason: "kcat is not installed (Debian's package kcat)" };
  const numbers = /Version ([^ ]+).*?librdkafka ([^ ]+)/s.exec(found);
  return { ...installed, version: `${numbers?.[1]} (librdkafka ${numbers?.[2]})` };
}

/** Every client, in the order of the page. */
export const clients: readonly Client[] = [
  {
    name: "kafkajs",
    language: "JavaScript",
    features,
    install: () => ofTheProject("kafkajs", "kafkajs"),
    lacks: { snappy: noPlugin, lz4: noPlugin, zstd: noPlugin },
  },
  { name: "kafka-clients", language: "Java", features, install: () => java("Driver"), lacks: {} },
  {
    name: "confluent-kafka-python",
    language: "Python, librdkafka",
    features,
    install: () => python("confluent-python", "confluent-kafka"),
    lacks: {},
  },
  {
    name: "kafka-python",
    language: "Python",
    features,
    install: () => python("kafka-python", "kafka-python"),
    lacks: {},
  },
  {
    name: "@platformatic/kafka",
    language: "JavaScript",
    features,
    install: () => ofTheProject("platformatic", "@platformatic/kafka"),
    lacks: {},
  },
  { name: "franz-go", language: "Go", features, install: franzGo, lacks: {} },
  {
    name: "rskafka",
    language: "Rust",
    features,
    install: rskafka,
    lacks: {
      idempotent: "its producer is not idempotent",
      "leader killed": "its producer is not idempotent",
      "group of two": "it has no consumer groups",
      commits: "it has no consumer groups",
      admin: "it creates and deletes topics, and knows nothing of configs",
    },
  },
  {
    name: "kcat",
    language: "C, librdkafka",
    features,
    install: kcat,
    lacks: { admin: "it has no commands that administer" },
  },
  { name: "kafka-tools", language: "Java", features: kafkaTools, install: () => java(), lacks: {} },
  { name: "Kafka Streams", language: "Java", features: streams, install: () => java("WordCount"), lacks: {} },
  {
    name: "Kafka Connect",
    language: "Java",
    features: connect,
    install: () => java("org.apache.kafka.connect.cli.ConnectDistributed"),
    lacks: {},
  },
];
