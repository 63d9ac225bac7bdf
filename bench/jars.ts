import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { endsWithBench } from "./system.ts";

export const root = path.resolve(import.meta.dirname, "..");
const pom = path.join(root, "bench", "kafka", "pom.xml");

export interface Finished {
  readonly status: number | null;
  readonly output: string;
}

/** Runs a program to its end; status null when there is no such program. Output is both streams, as they came. */
export function run(program: string, args: readonly string[], options: { cwd?: string } = {}): Promise<Finished> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: options.cwd ?? root, stdio: ["ignore", "pipe", "pipe"] });
    endsWithBench(child);
    let output = "";
    const gather = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout.on("data", gather);
    child.stderr.on("data", gather);
    child.on("error", (error) => resolve({ status: null, output: error.message }));
    child.on("close", (status) => resolve({ status: status ?? 1, output }));
  });
}

/** Kafka's programs on this machine, or why they cannot be had. */
export type Jars = { readonly ok: true; readonly folder: string } | { readonly ok: false; readonly reason: string };

/**
 * The jars of Apache Kafka and its tools, from `.cache/`, where Maven puts them once for each content of the pom.
 * Never throws: without Java or Maven the answer says so.
 */
export async function kafkaJars(): Promise<Jars> {
  const java = await run("java", ["-version"]);
  if (java.status !== 0) return { ok: false, reason: "no Java on this machine" };
  const key = createHash("sha256").update(readFileSync(pom)).digest("hex").slice(0, 12);
  const folder = path.join(root, ".cache", `kafka-${key}`);
  if (existsSync(folder)) return { ok: true, folder };
  console.log("fetching Apache Kafka and its tools through Maven, once (about 60 MB)");
  const part = `${folder}.part-${process.pid}`;
  mkdirSync(part, { recursive: true });
  const goal = ["-q", "-B", "-f", pom, "dependency:copy-dependencies", `-DoutputDirectory=${part}`];
  const maven = await run("mvn", goal);
  if (maven.status !== 0) {
    rmSync(part, { recursive: true, force: true });
    return { ok: false, reason: maven.status === null ? "no Maven on this machine" : `Maven failed: ${maven.output}` };
  }
  if (existsSync(folder)) rmSync(part, { recursive: true, force: true });
  else renameSync(part, folder);
  return { ok: true, folder };
}

/** Arguments for `java` in front of a class of Kafka's. `heap` as in -Xmx. */
export const javaArguments = (jars: string, heap: string): string[] => [
  `-Xmx${heap}`,
  "-cp",
  path.join(jars, "*"),
  `-Dlog4j2.configurationFile=${path.join(root, "bench", "kafka", "log4j2.properties")}`,
];
