import { readdirSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { isAlive } from "../operator/adapters/process/child-process.ts";
import { type ControllerStatus, controllerStatus } from "../operator/adapters/process/controller-client.ts";
import { type Run, Site, until } from "../operator/cli/stand-ins/site.ts";

/** The real thing: processes, sockets, files, a client; each test has a cluster of its own. */
jest.setTimeout(120_000);

let site: Site;

beforeEach(() => {
  site = new Site();
});

afterEach(() => site.dispose());

async function started(...args: string[]): Promise<Run> {
  const run = site.up(...args);
  await run.says("ready in ");
  return run;
}

const linesOf = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, n) => `key-${n % 50}:value ${n + from}`);

/** Writes keyed lines by the command; resolves once every one is acknowledged. */
async function produce(topic: string, lines: readonly string[], ...more: string[]): Promise<void> {
  const args = ["produce", topic, "--data", site.folder, "--key-separator", ":", ...more];
  const run = site.run(args, `${lines.join("\n")}\n`);
  expect({ code: await run.exit(), err: run.err }).toEqual({ code: 0, err: "" });
}

/** Everything that is in a topic, by the command, in the order of reading. */
async function consume(topic: string): Promise<string[]> {
  const run = site.run(["consume", topic, "--data", site.folder, "--format", "%k:%v\\n"]);
  expect({ code: await run.exit(), err: run.err }).toEqual({ code: 0, err: "" });
  return run.out.split("\n").slice(0, -1);
}

const status = (): Promise<ControllerStatus | null> => controllerStatus(site.clusterFile().controller.url);

async function leaderOf(topic: string, partition = 0): Promise<number> {
  const now = await status();
  const topicId = now?.topics.find(({ name }) => name === topic)?.topicId;
  return now?.partitions.find((row) => row.topicId === topicId && row.partition === partition)?.leader ?? -1;
}

/** Every partition has a leader and all its replicas in sync. */
async function isWhole(): Promise<boolean> {
  const now = await status();
  return now?.partitions.every(({ leader, isr, replicas }) => leader >= 0 && isr.length === replicas.length) ?? false;
}

const killBroker = (id: number): void => void process.kill(site.clusterFile().brokers[id]?.pid ?? 0, "SIGKILL");

/** The lines of each key, in the order given. */
function byKey(lines: readonly string[]): Record<string, string[]> {
  const groups: Record<string, string[]> = {};
  for (const line of lines) (groups[line.slice(0, line.indexOf(":"))] ??= []).push(line);
  return groups;
}

describe("a cluster on one machine", () => {
  test("what was written is read back after a clean stop and start, which leaves nothing running", async () => {
    const first = await started("-f", "examples/quickstart.yaml");
    const lines = linesOf(1000);
    await produce("cities", lines);
    const { controller, brokers } = site.clusterFile();
    expect(await site.stop(first)).toBe(0);
    expect([controller, ...brokers].some(({ pid }) => isAlive(pid ?? 0))).toBe(false);
    await started("-f", "examples/quickstart.yaml");
    expect(byKey(await consume("cities"))).toEqual(byKey(lines));
  });

  test("the leader is killed while lines are written: each is there once, in order, and the cluster becomes whole again", async () => {
    await started("-f", "examples/quickstart.yaml");
    const lines = linesOf(40_000);
    await produce("cities", lines.slice(0, 10));
    const writing = produce("cities", lines.slice(10));
    const leader = await leaderOf("cities");
    const pid = site.clusterFile().brokers[leader]?.pid;
    killBroker(leader);
    await writing;
    expect(byKey(await consume("cities"))).toEqual(byKey(lines));
    await until(isWhole);
    expect(site.clusterFile().brokers[leader]?.pid).not.toBe(pid);
  });

  test("the controller is killed: brokers serve on, and decisions go on when it is back", async () => {
    await started();
    await produce("before", linesOf(100));
    const { controller } = site.clusterFile();
    process.kill(controller.pid ?? 0, "SIGKILL");
    await produce("before", linesOf(100, 100));
    expect(await consume("before")).toHaveLength(200);
    await until(async () => (await status())?.condition === "active");
    await produce("after", linesOf(10));
    expect(await consume("after")).toHaveLength(10);
    expect(site.clusterFile().controller.pid).not.toBe(controller.pid);
  });

  test("everything is killed at once: the next start has all that was acknowledged", async () => {
    const first = await started();
    const lines = linesOf(500);
    await produce("t", lines);
    const { controller, brokers } = site.clusterFile();
    first.process.kill("SIGKILL");
    await first.exit();
    for (const { pid } of [controller, ...brokers]) process.kill(pid ?? 0, "SIGKILL");
    await until(() => ![controller, ...brokers].some(({ pid }) => isAlive(pid ?? 0)));
    await started();
    expect(byKey(await consume("t"))).toEqual(byKey(lines));
  });

  test("the supervisor is killed: the cluster serves on, and the next one adopts it as it is", async () => {
    const first = await started();
    await produce("t", linesOf(100));
    const before = site.clusterFile();
    first.process.kill("SIGKILL");
    await first.exit();
    await produce("t", linesOf(100, 100));
    await started();
    const after = site.clusterFile();
    expect(after.controller).toEqual(before.controller);
    expect(after.brokers).toEqual(before.brokers);
    expect(await consume("t")).toHaveLength(200);
  });

  test("status names whom a partition without a leader waits for, and it comes back with it", async () => {
    const run = await started("--brokers", "1", "--no-restart");
    const lines = linesOf(20);
    await produce("t", lines);
    killBroker(0);
    await until(async () => (await leaderOf("t")) === -1);
    const report = site.run(["status", "--data", site.folder]);
    expect(await report.exit()).toBe(0);
    expect(report.out).toMatch(/^0 +away +- /m);
    expect(report.out).toMatch(/^t-0 +none +\S+ +\S+ +0 +0$/m);
    run.process.kill("SIGUSR2");
    await until(async () => (await leaderOf("t")) === 0);
    expect(byKey(await consume("t"))).toEqual(byKey(lines));
  });

  test("partitions lie on disk as Kafka names them", async () => {
    await started("-f", "examples/quickstart.yaml");
    await produce("cities", linesOf(10), "--partition", "3");
    const files = readdirSync(path.join(site.folder, "broker-0", "cities-3"));
    expect(files).toEqual(expect.arrayContaining(["00000000000000000000.log", "partition.metadata"]));
  });
});

describe("bad input to a running cluster has one clear answer", () => {
  test("a topic that does not exist, a name that cannot be one, a line that is too long", async () => {
    await started();
    const missing = site.run(["consume", "nowhere", "--data", site.folder]);
    expect(await missing.exit()).toBe(1);
    expect(missing.err).toBe("tidemark: topic nowhere does not exist; `tidemark status` lists the topics\n");
    const misnamed = site.run(["produce", "a b", "--data", site.folder], "x\n");
    expect(await misnamed.exit()).toBe(1);
    expect(misnamed.err).toMatch(
      /^tidemark: topic a b: .*invalid topic.*; 0 records were acked, later ones may not be\n$/,
    );
    const long = site.run(["produce", "t", "--data", site.folder], `${"x".repeat(2_000_000)}\n`);
    expect(await long.exit()).toBe(1);
    expect(long.err).toMatch(
      /^tidemark: topic t: .*(larger|too large).*; 0 records were acked, later ones may not be\n$/i,
    );
  });
});
