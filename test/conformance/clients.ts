import { readFileSync } from "node:fs";
import path from "node:path";
import type { Client } from "./client.ts";
import { features } from "./features/features.ts";
import { built, type Installed, sourceOf } from "./install.ts";
import { root } from "./program.ts";

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
  return { ok: true, version, command: { file, args: [path.join(done.folder, "driver.py")], env: { DRIVERS: sourceOf("") } } };
}

/** Programs of the jars that Maven fetches for clients/java/pom.xml, with what is compiled beside them. */
async function java(main: string): Promise<Installed> {
  const done = await built("java", (folder) => [
    ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=jars"],
    ["javac", "-cp", path.join(folder, "jars", "*"), "-d", "classes", "Driver.java"],
  ]);
  if (!done.ok) return done;
  const classes = `${path.join(done.folder, "classes")}:${path.join(done.folder, "jars", "*")}`;
  const logging = `-Dlog4j2.configurationFile=${path.join(done.folder, "log4j2.properties")}`;
  const args = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", logging, "-cp", classes, main];
  const version = versionIn("java", "pom.xml", /<kafka.version>(.*)<\/kafka.version>/);
  return { ok: true, version, command: { file: "java", args: args.filter((arg) => arg !== "") } };
}

const noPlugin = "a plug-in of somebody else has it";

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
];
