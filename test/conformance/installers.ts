import { readFileSync } from "node:fs";
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

/** Programs of the jars that Maven fetches for clients/java/pom.xml, with what is compiled beside them. */
export async function java(...main: readonly string[]): Promise<Installed> {
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

const APT_LIMIT_MS = 300_000;

/** kcat as it is found, or else Debian's, installed where that may be done. */
export async function kcat(): Promise<Installed> {
  const version = async (): Promise<string> => (await run({ file: "kcat", args: [] }, ["-V"], 10_000)).out;
  const apt = (...args: string[]): Promise<unknown> => run({ file: "apt-get", args: ["--quiet"] }, args, APT_LIMIT_MS);
  try {
    const found = await version().catch(async () => {
      await apt("update");
      await apt("install", "--yes", "--no-install-recommends", "kcat");
      return version();
    });
    const [, own, library] = /Version ([^ ]+).*?librdkafka ([^ ]+)/s.exec(found) ?? [];
    return { ok: true, version: `${own} (librdkafka ${library})`, command: nodeDriver("kcat") };
  } catch (error) {
    return { ok: false, reason: oneLine(`kcat is not here, nor can Debian's package be installed: ${error}`) };
  }
}
