import { type Producer, Kafka, logLevel } from "kafkajs";
import { isAlive } from "../../operator/adapters/process/child-process.ts";
import { controllerOf } from "../../operator/cli/running.ts";
import { controllerStatus, type PartitionStatus } from "../../operator/adapters/process/controller-client.ts";
import { type Run, Site } from "../../operator/cli/stand-ins/site.ts";

/*
 * Processes are killed, frozen and started again while idempotent clients write; afterwards everything acknowledged
 * is there exactly once and in order. A plain program: one line a case, exit code 1 when one fails.
 */

const CASES = 8;
const TOPIC = "written";
const LANES = [0, 1, 2];
const STEP_LIMIT_MS = 60_000;
const ACKS_PER_CASE = 30;

const site = new Site();
let failed = 0;
let passed = 0;

/** Looks again until `condition` holds; throws, naming what did not come, when it never does. */
async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const limitMs = Date.now() + STEP_LIMIT_MS;
  while (!(await condition())) {
    if (Date.now() > limitMs) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const rows = async (): Promise<readonly PartitionStatus[]> =>
  (await controllerStatus(controllerOf(site.folder)))?.partitions ?? [];

const leaderOf = async (partition: number): Promise<number> =>
  (await rows()).find((row) => row.partition === partition)?.leader ?? -1;

const isWhole = async (): Promise<boolean> => {
  const now = await rows();
  const areWhole = now.every(({ leader, isr, replicas }) => leader >= 0 && isr.length === replicas.length);
  return now.length === LANES.length && areWhole;
};

const pidOf = (broker: number): number => site.clusterFile().brokers[broker]?.pid ?? 0;

/** One idempotent producer that writes 0, 1, 2, … to a partition of its own, the next when the last is acknowledged. */
class Lane {
  readonly partition: number;
  readonly #producer: Producer;
  acked = 0;
  fault = "";
  #isStopped = false;
  #running: Promise<void> = Promise.resolve();

  constructor(partition: number) {
    const brokers = site.clusterFile().bootstrap.split(",");
    const retry = { initialRetryTime: 50, maxRetryTime: 500, retries: 1000 };
    const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING, requestTimeout: 5000, retry });
    this.partition = partition;
    this.#producer = kafka.producer({ idempotent: true, retry });
  }

  async start(): Promise<void> {
    await this.#producer.connect();
    this.#running = this.#write().catch((error: unknown) => {
      this.fault = String(error);
    });
  }

  async #write(): Promise<void> {
    while (!this.#isStopped) {
      const messages = [{ partition: this.partition, value: `${this.partition}:${this.acked}` }];
      await this.#producer.send({ topic: TOPIC, acks: -1, messages });
      this.acked++;
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
    await this.#producer.disconnect();
  }
}

async function isReadBack(lane: Lane): Promise<boolean> {
  const args = ["consume", TOPIC, "--data", site.folder, "--partition", String(lane.partition)];
  const run = site.run(args);
  if ((await run.exit()) !== 0) throw new Error(`consume: ${run.err}`);
  const lines = run.out.split("\n").slice(0, -1);
  const wanted = Array.from({ length: lane.acked }, (_, n) => `${lane.partition}:${n}`);
  return lines.length === wanted.length && lines.every((line, n) => line === wanted[n]);
}

async function advanced(lanes: readonly Lane[]): Promise<void> {
  const from = lanes.map(({ acked }) => acked);
  const fault = (): string | undefined => lanes.find((lane) => lane.fault !== "")?.fault;
  const isOn = (): boolean => lanes.every(({ acked }, at) => acked >= (from[at] ?? 0) + ACKS_PER_CASE);
  await until("every producer goes on", () => fault() !== undefined || isOn());
  if (fault() !== undefined) throw new Error(`a producer gave up: ${fault()}`);
}

function report(name: string, fault: string | null): void {
  if (fault === null) passed++;
  else failed++;
  process.stdout.write(fault === null ? `ok      ${name}\n` : `FAILED  ${name}: ${fault}\n`);
}

async function check(lanes: readonly Lane[], name: string, act: () => Promise<void>): Promise<void> {
  try {
    await advanced(lanes);
    await act();
    await advanced(lanes);
    await until("every replica is in sync", isWhole);
    report(name, null);
  } catch (error) {
    report(name, String(error));
  }
}

async function startWriting(): Promise<Lane[]> {
  const admin = new Kafka({ brokers: site.clusterFile().bootstrap.split(","), logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: LANES.length, replicationFactor: 3 }] });
  await admin.disconnect();
  await until("the topic is whole", isWhole);
  const lanes = LANES.map((partition) => new Lane(partition));
  for (const lane of lanes) await lane.start();
  return lanes;
}

async function freezeLeader(): Promise<void> {
  const frozen = await leaderOf(2);
  const pid = pidOf(frozen);
  process.kill(pid, "SIGSTOP");
  try {
    await until("another leads", async () => ![-1, frozen].includes(await leaderOf(2)));
  } finally {
    process.kill(pid, "SIGCONT");
  }
}

async function killEverything(supervisor: Run): Promise<void> {
  const { controller, brokers } = site.clusterFile();
  const pids = [controller, ...brokers].map(({ pid }) => pid ?? 0);
  supervisor.process.kill("SIGKILL");
  await supervisor.exit();
  for (const pid of pids) process.kill(pid, "SIGKILL");
  await until("all are gone", () => !pids.some((pid) => isAlive(pid)));
  // Without --port: the addresses that the clients know.
  await site.run(["up", "--data", site.folder]).says("ready in ");
}

async function main(): Promise<void> {
  process.env["KAFKAJS_NO_PARTITIONER_WARNING"] = "1";
  const supervisor = site.up();
  // Broken off, it leaves no process behind; the supervisor ends its own.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
  process.once("exit", () => supervisor.process.kill("SIGTERM"));
  await supervisor.says("ready in ");
  const lanes = await startWriting();
  const controllerPid = (): number => site.clusterFile().controller.pid ?? 0;
  await check(lanes, "a leader is killed", async () => void process.kill(pidOf(await leaderOf(0)), "SIGKILL"));
  await check(lanes, "the controller is killed", async () => void process.kill(controllerPid(), "SIGKILL"));
  await check(lanes, "controller and leader are killed together", async () => {
    const leader = pidOf(await leaderOf(1));
    for (const pid of [controllerPid(), leader]) process.kill(pid, "SIGKILL");
  });
  await check(lanes, "a leader is frozen until another leads, then goes on", freezeLeader);
  await check(lanes, "everything is killed at once and started again", () => killEverything(supervisor));
  for (const lane of lanes) await lane.stop();
  for (const lane of lanes) {
    const name = `partition ${lane.partition}: ${lane.acked} acknowledged, each read back once and in order`;
    const isSound = lane.acked > 0 && lane.fault === "" && (await isReadBack(lane));
    report(name, isSound ? null : `what was read back differs ${lane.fault}`);
  }
}

try {
  await main();
} catch (error) {
  report("the run itself", String(error));
} finally {
  await site.dispose();
}
process.stdout.write(`failover: ${passed} passed, ${failed} failed\n`);
process.exit(failed === 0 && passed === CASES ? 0 : 1);
