import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { oneLine } from "./cell.ts";
import { built, type Installed, sourceOf } from "./install.ts";
import { type Command, root, run } from "./program.ts";

/** A driver in TypeScript, under the checkout's own Node. */
const nodeDriver = (name: string): Command => ({
  file: process.execPath,
  args: ["--disable-warning=ExperimentalWarning", path.join(sourceOf(name), "driver.ts")],
});

/** A library that the project has anyway, under the driver in `clients/NAME`. */
export async function ofTheProject(name: string, library: string): Promise<Installed> {
  const manifest = path.join(root, "node_modules", library, "package.json");
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  return { ok: true, version, command: nodeDriver(name) };
}

/** The exact version that a client's own file of dependencies names. */
function versionIn(name: string, file: string, pattern: RegExp): string {
  return pattern.exec(readFileSync(path.join(sourceOf(name), file), "utf8"))?.[1] ?? "unknown";
}

/** A driver in Python, in a virtual environment of the client's requirements.txt. */
export async function python(name: string, library: string): Promise<Installed> {
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

/** Quick to start, and no more threads than a small machine has use for. */
const SMALL_JVM = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"] as const;

/** Programs of the jars that Maven fetches for clients/java/pom.xml, with what is compiled beside them. */
export async function java(...main: readonly string[]): Promise<Installed> {
  const done = await built("java", (folder) => [
    ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=jars"],
    ["javac", "-cp", path.join(folder, "jars", "*"), "-d", "classes", "Driver.java", "WordCount.java"],
  ]);
  if (!done.ok) return done;
  const classes = `${path.join(done.folder, "classes")}:${path.join(done.folder, "jars", "*")}`;
  const logging = `-Dlog4j2.configurationFile=${path.join(done.folder, "log4j2.properties")}`;
  const args = [...SMALL_JVM, "-Xmx256m", logging, "-cp", classes, ...main];
  const version = versionIn("java", "pom.xml", /<kafka.version>(.*)<\/kafka.version>/);
  return { ok: true, version, command: { file: "java", args } };
}

/** A registry of schemas that keeps them in a topic: the whole program, as Maven has it. */
export async function apicurio(): Promise<Installed> {
  const done = await built("apicurio", () => [["mvn", "-q", "-B", "dependency:unpack"]]);
  if (!done.ok) return done;
  const version = versionIn("apicurio", "pom.xml", /<apicurio.version>(.*)<\/apicurio.version>/);
  const jar = path.join(done.folder, "program", `apicurio-registry-app-${version}-runner.jar`);
  return { ok: true, version, command: { file: "java", args: [...SMALL_JVM, "-Xmx384m", "-jar", jar] } };
}

/** A driver in Go, built by the go.mod beside it. */
export async function franzGo(): Promise<Installed> {
  const done = await built("franz-go", () => [["go", "build", "-o", "driver", "."]]);
  if (!done.ok) return done;
  const version = versionIn("franz-go", "go.mod", /franz-go v(.*)$/m);
  return { ok: true, version, command: { file: path.join(done.folder, "driver"), args: [] } };
}

/** A driver in Rust, built by the Cargo.lock beside it. */
export async function rskafka(): Promise<Installed> {
  const done = await built("rskafka", () => [["cargo", "build", "-q", "--locked"]]);
  if (!done.ok) return done;
  const version = versionIn("rskafka", "Cargo.toml", /^rskafka = \{ version = "(.*?)"/m);
  return { ok: true, version, command: { file: path.join(done.folder, "target", "debug", "driver"), args: [] } };
}

/** Its scripts would fetch a binary, and the sources of what librdkafka is built from; here the system has those. */
const CONFLUENT = "node_modules/@confluentinc/kafka-javascript";

/**
 * librdkafka and its binding, built from the sources in the package for the system's Node: the only one with headers.
 * The steps are those of its own installation, without what fetches. It starts all compilers at once, unless told how
 * much load is enough.
 */
export async function confluentJavaScript(): Promise<Installed> {
  const prefix = (await run({ file: "node", args: [] }, ["-p", "path.join(process.execPath, '..', '..')"], 10_000)).out;
  const headers = path.join(prefix.trim(), "include", "node", "v8.h");
  if (!existsSync(headers)) return { ok: false, reason: `the system's Node has no headers: ${headers}` };
  const inMake = ["env", "CKJS_LINKING=dynamic", `MAKEFLAGS=-l${availableParallelism()}`] as const;
  const gyp = (verb: string) =>
    [
      ...inMake,
      "node",
      "node_modules/node-gyp/bin/node-gyp.js",
      verb,
      "-C",
      CONFLUENT,
      `--nodedir=${prefix.trim()}`,
    ] as const;
  try {
    await withDebians("libzstd-dev", () => run({ file: "pkg-config", args: [] }, ["--exists", "libzstd"], 10_000));
  } catch (error) {
    return { ok: false, reason: oneLine(`it needs Debian's libzstd-dev: ${error}`) };
  }
  const done = await built("confluent-javascript", () => [
    ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
    gyp("configure"),
    [...inMake, "node", `${CONFLUENT}/util/configure.js`],
    gyp("build"),
  ]);
  if (!done.ok) return done;
  const version = versionIn("confluent-javascript", "package.json", /kafka-javascript": "(.*?)"/);
  return { ok: true, version, command: { file: "node", args: [path.join(done.folder, "driver.mjs")] } };
}

const APT_LIMIT_MS = 300_000;

/** What `look` finds, or else finds once Debian's package is installed, where that may be done. */
async function withDebians<T>(name: string, look: () => Promise<T>): Promise<T> {
  const apt = (...args: string[]): Promise<unknown> => run({ file: "apt-get", args: ["--quiet"] }, args, APT_LIMIT_MS);
  return look().catch(async () => {
    await apt("update");
    await apt("install", "--yes", "--no-install-recommends", name);
    return look();
  });
}

/** kcat as it is found, or else Debian's. */
export async function kcat(): Promise<Installed> {
  try {
    const found = await withDebians("kcat", async () => (await run({ file: "kcat", args: [] }, ["-V"], 10_000)).out);
    const [, own, library] = /Version ([^ ]+).*?librdkafka ([^ ]+)/s.exec(found) ?? [];
    return { ok: true, version: `${own} (librdkafka ${library})`, command: nodeDriver("kcat") };
  } catch (error) {
    return { ok: false, reason: oneLine(`kcat is not here, nor can Debian's package be installed: ${error}`) };
  }
}
