import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";
import { javaArguments, kafkaJars } from "../../../bench/jars.ts";
import { HarnessError } from "./cluster/shell.ts";
import type { Lane, LoadTarget } from "./load.ts";

const END_LIMIT_MS = 60_000;

/** What the one program acknowledges for one partition. */
class JavaLane implements Lane {
  readonly partition: number;
  readonly #end: () => Promise<void>;
  acked = 0;
  fault = "";
  gapMsMax = 0;
  #lastAckMs = Number.NaN;
  #heardAt = performance.now();

  constructor(partition: number, end: () => Promise<void>) {
    this.partition = partition;
    this.#end = end;
  }

  /** `atMs` by the program's own clock, so that a busy harness adds nothing to a gap. */
  noteAck(place: number, atMs: number): void {
    if (place !== this.acked) this.fault ||= `${place} was acknowledged after ${this.acked - 1}`;
    if (!Number.isNaN(this.#lastAckMs)) this.gapMsMax = Math.max(this.gapMsMax, atMs - this.#lastAckMs);
    this.#lastAckMs = atMs;
    this.#heardAt = performance.now();
    this.acked = place + 1;
  }

  get gapMsNow(): number {
    return Math.max(this.gapMsMax, performance.now() - this.#heardAt);
  }

  forgetGaps(): void {
    this.gapMsMax = 0;
  }

  stop(): Promise<void> {
    return this.#end();
  }
}

/** Ends a program by ending its input; all that was sent must be acknowledged then. */
function ended(child: ChildProcess): () => Promise<void> {
  const exit = new Promise<number | null>((resolve) => child.once("close", resolve));
  return async () => {
    child.stdin?.end();
    const killer = setTimeout(() => child.kill("SIGKILL"), END_LIMIT_MS);
    const code = await exit;
    clearTimeout(killer);
    if (code !== 0) throw new HarnessError(`the Java producer ended with ${code}`);
  };
}

/** Whether Kafka's own client is to be had on this machine. */
export const hasJava = async (): Promise<boolean> => (await kafkaJars()).ok;

/** Kafka's own client with its default settings, writing to every partition; pods' names come from `hostsFile`. */
export async function javaLanes({ bootstrap, topic, partitions }: LoadTarget, hostsFile: string): Promise<Lane[]> {
  const jars = await kafkaJars();
  if (!jars.ok) throw new HarnessError(`Kafka's own client cannot be had: ${jars.reason}`);
  const source = path.join(import.meta.dirname, "AckedWrites.java");
  const names = [`-Djdk.net.hosts.file=${hostsFile}`, "-XX:+UseSerialGC"];
  const args = [...names, ...javaArguments(jars.folder, "128m"), source, bootstrap, topic, String(partitions)];
  const child = spawn("java", args, { stdio: ["pipe", "pipe", "ignore"] });
  const end = ended(child);
  const lanes = Array.from({ length: partitions }, (_, partition) => new JavaLane(partition, end));
  const failed = (what: string): void => lanes.forEach((lane) => (lane.fault ||= what));
  child.once("error", ({ message }) => failed(message));
  child.once("close", (code) => code !== 0 && failed(`the Java producer ended with ${code}`));
  createInterface({ input: child.stdout }).on("line", (line) => {
    const [partition = "", place = "", atMs = ""] = line.split(" ");
    if (/^\d/.test(line)) lanes[Number(partition)]?.noteAck(Number(place), Number(atMs));
    else failed(line);
  });
  return lanes;
}
