import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, openSync, readFileSync } from "node:fs";
import path from "node:path";
import { nowMs, sleep } from "./machine.ts";
import { Connection } from "./connection.ts";
import { type Broker, createTopic, metadata, produce, recordBatch } from "./requests.ts";

export interface RunningBroker extends Broker {
  readonly pid: number;
  /** Where it serves the HTTP API; undefined unless it was started with that. */
  readonly httpUrl?: string | undefined;
}

/** How a cluster is started, where not as usual. */
export interface StartOptions {
  readonly restartsBrokers?: boolean;
  readonly keepsData?: boolean;
  /** Settings of the brokers, named alike in both systems. */
  readonly config?: Readonly<Record<string, string>>;
  /** Serves Tidemark's HTTP API, too. */
  readonly servesHttp?: boolean;
}

/** A cluster of three brokers that runs on this machine. */
export interface Running {
  readonly brokers: readonly RunningBroker[];
  /** The processes whose processor time counts as the brokers': Tidemark's controller too, as Kafka's is inside. */
  readonly pids: readonly number[];
  /** Pid of the active controller; of a broker, where controllers are brokers. */
  controllerPid(): Promise<number>;
  /** From the first process to the first record acknowledged with acks=all by a topic on all three, milliseconds. */
  readonly startMs: number;
  /** Ends every process, cleanly where it can, and removes the data unless `keepsData`. */
  stop(options?: { keepsData?: boolean }): Promise<void>;
}

export interface System {
  readonly name: "Tidemark" | "Apache Kafka";
  /** Starts three brokers in `folder`, from nothing unless it `keepsData` of an earlier start. */
  start(folder: string, options?: StartOptions): Promise<Running>;
}

const started = new Set<number>();

/** Starts a program of its own group; what it prints goes to `logFile`. */
export function start(program: string, args: readonly string[], place: { folder: string; logFile: string }): number {
  mkdirSync(path.dirname(place.logFile), { recursive: true });
  const log = openSync(place.logFile, "a");
  const child = spawn(program, args, { cwd: place.folder, stdio: ["ignore", log, log], detached: true });
  if (child.pid === undefined) throw new Error(`${program} cannot be started`);
  child.unref();
  started.add(child.pid);
  return child.pid;
}

/** Sends a signal to a process; nothing when it has ended. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended: what was wanted.
  }
}

/** True while the process runs; a dead one that nobody has waited for does not. */
export function isAlive(pid: number): boolean {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2, text.lastIndexOf(")") + 3) !== "Z";
  } catch {
    return false;
  }
}

/** Ends processes: asks, waits `graceMs`, then kills. */
export async function end(pids: readonly number[], graceMs: number): Promise<void> {
  for (const pid of pids) {
    signal(pid, "SIGCONT");
    signal(pid, "SIGTERM");
  }
  const deadline = nowMs() + graceMs;
  while (pids.some(isAlive) && nowMs() < deadline) await sleep(50);
  for (const pid of pids) {
    signal(pid, "SIGKILL");
    started.delete(pid);
  }
  while (pids.some(isAlive)) await sleep(20);
}

/** However this process ends, broken off too: nothing it started may go on. */
export function killStartedAtExit(): void {
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => process.exit(1));
  process.on("exit", () => {
    for (const pid of started) signal(pid, "SIGKILL");
  });
}

/** A process that nothing above has started, to be killed with the others when the bench ends early. */
export const remember = (pid: number): Set<number> => started.add(pid);

/** A client of ours: killed with the others, unless it has ended by then. */
export function endsWithBench(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  started.add(pid);
  child.once("exit", () => started.delete(pid));
}

/**
 * Waits until `attempt` answers something other than undefined; a throw counts as "not yet". Throws after `limitMs`,
 * or as soon as `pids` names a process that has ended.
 */
export async function until<T>(
  what: string,
  limit: { limitMs: number; pids?: readonly number[] },
  attempt: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = nowMs() + limit.limitMs;
  let last: unknown;
  while (nowMs() < deadline) {
    if (limit.pids?.every(isAlive) === false) throw new Error(`${what}: a process has ended`, { cause: last });
    try {
      const value = await attempt();
      if (value !== undefined) return value;
    } catch (error) {
      last = error;
    }
    await sleep(10);
  }
  throw new Error(`${what}: not within ${limit.limitMs} ms`, { cause: last });
}

/** Produces a batch, again and again while the leader of a new partition refuses it. @throws Error after 30 seconds */
export async function produceSurely(
  connection: Connection,
  to: { topic: string; partition: number; batch: Buffer },
): Promise<void> {
  await until(`a record in ${to.topic}`, { limitMs: 30_000 }, async () => {
    const code = await produce(connection, to);
    if (code !== 0) throw new Error(`a produce was refused with code ${code}`);
    return true;
  });
}

/** Runs `use` with a connection to one broker. */
export async function withConnection<T>(
  address: { host: string; port: number },
  use: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = new Connection(address);
  try {
    return await use(connection);
  } finally {
    connection.close();
  }
}

/**
 * Waits until three brokers are known and a topic on all of them takes a record with acks=all. Addresses are asked
 * for anew each time: after a restart the first answer may still have those of the brokers' earlier lives.
 */
export async function untilUsable(address: { host: string; port: number }, pids: readonly number[]): Promise<void> {
  await until("three brokers", { limitMs: 60_000, pids }, () =>
    withConnection(address, async (connection) =>
      (await metadata(connection, null)).brokers.length === 3 ? true : undefined,
    ),
  );
  await makeTopic(address, { name: "usable", partitions: 1 });
  const batch = recordBatch({ count: 1, valueBytes: 10, timestampMs: Date.now() });
  await until("a record acknowledged", { limitMs: 60_000, pids }, () =>
    withConnection(address, async (connection) => {
      const { brokers, partitions } = await metadata(connection, "usable");
      const broker = brokers.find(({ id }) => id === partitions[0]?.leader);
      if (broker === undefined) return undefined;
      return withConnection(broker, async (toLeader) => {
        const code = await produce(toLeader, { topic: "usable", partition: 0, batch });
        return code === 0 ? true : undefined;
      });
    }),
  );
}

/**
 * Makes a topic of min.insync.replicas 2 on three replicas, or of one partition on brokers that are named, and waits
 * until every partition has a leader and all its replicas.
 */
export async function makeTopic(
  address: { host: string; port: number },
  topic: { name: string; partitions: number; replicas?: readonly number[]; config?: Record<string, string> },
): Promise<void> {
  const { replicas = 3 } = topic;
  const count = typeof replicas === "number" ? replicas : replicas.length;
  const config = { "min.insync.replicas": "2", ...topic.config };
  await until(`topic ${topic.name}`, { limitMs: 120_000 }, () =>
    withConnection(address, async (connection) => {
      const code = await createTopic(connection, { ...topic, replicas, config });
      const exists = 36;
      return code === 0 || code === exists ? true : undefined;
    }),
  );
  await until(`leaders of ${topic.name}`, { limitMs: 120_000 }, () =>
    withConnection(address, async (connection) => {
      const { partitions } = await metadata(connection, topic.name);
      const ready = partitions.filter((partition) => partition.leader >= 0 && partition.isr.length === count);
      return ready.length === topic.partitions ? true : undefined;
    }),
  );
}
