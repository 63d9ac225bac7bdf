import { readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { isAlive } from "../../operator/adapters/process/child-process.ts";
import { until } from "../../operator/cli/stand-ins/site.ts";
import { byKey, LiveSite, linesOf } from "./live-site.ts";

jest.setTimeout(120_000);

let site: LiveSite;

beforeEach(() => {
  site = new LiveSite();
});

afterEach(() => site.dispose());

describe("a cluster on one machine", () => {
  test("what was written is read back after a clean stop and start, which leaves nothing running", async () => {
    const first = await site.started("-f", "examples/quickstart.yaml");
    const lines = linesOf(1000);
    await site.produce("cities", lines);
    const { controller, brokers } = site.clusterFile();
    expect(await site.stop(first)).toBe(0);
    expect([controller, ...brokers].some(({ pid }) => isAlive(pid ?? 0))).toBe(false);
    await site.started("-f", "examples/quickstart.yaml");
    expect(byKey(await site.consume("cities"))).toEqual(byKey(lines));
  });

  test("the leader is killed while lines are written: each is there once, in order, and all heals", async () => {
    await site.started("-f", "examples/quickstart.yaml");
    const lines = linesOf(40_000);
    await site.produce("cities", lines.slice(0, 10));
    const writing = site.produce("cities", lines.slice(10));
    const leader = await site.leaderOf("cities");
    const pid = site.clusterFile().brokers[leader]?.pid;
    site.killBroker(leader);
    await writing;
    expect(byKey(await site.consume("cities"))).toEqual(byKey(lines));
    await until(() => site.isWhole());
    expect(site.clusterFile().brokers[leader]?.pid).not.toBe(pid);
  });

  test("the controller is killed: brokers serve on, and decisions go on when it is back", async () => {
    await site.started();
    await site.produce("before", linesOf(100));
    const { controller } = site.clusterFile();
    process.kill(controller.pid ?? 0, "SIGKILL");
    await site.produce("before", linesOf(100, 100));
    expect(await site.consume("before")).toHaveLength(200);
    await until(async () => (await site.status())?.condition === "active");
    await site.produce("after", linesOf(10));
    expect(await site.consume("after")).toHaveLength(10);
    expect(site.clusterFile().controller.pid).not.toBe(controller.pid);
  });

  test("controller and leader are killed together: both come back and nothing acknowledged is lost", async () => {
    await site.started("-f", "examples/quickstart.yaml");
    const lines = linesOf(2000);
    await site.produce("cities", lines.slice(0, 1000));
    const leader = await site.leaderOf("cities");
    process.kill(site.clusterFile().controller.pid ?? 0, "SIGKILL");
    site.killBroker(leader);
    await site.produce("cities", lines.slice(1000));
    expect(byKey(await site.consume("cities"))).toEqual(byKey(lines));
    await until(() => site.isWhole());
  });

  test("a reader that follows prints what is written later, over the death of a leader", async () => {
    await site.started("-f", "examples/quickstart.yaml");
    const follower = site.run(["consume", "cities", "--data", site.folder, "--follow", "--format", "%k:%v\\n"]);
    const lines = linesOf(200);
    await site.produce("cities", lines.slice(0, 100));
    site.killBroker(await site.leaderOf("cities"));
    await site.produce("cities", lines.slice(100));
    await until(() => follower.out.split("\n").length > lines.length);
    follower.process.kill("SIGINT");
    expect(await follower.exit()).toBe(0);
    expect(byKey(follower.out.trimEnd().split("\n"))).toEqual(byKey(lines));
    expect(follower.err).toMatch(/^200 records read in [^\n]+\n$/);
  });

  test("everything is killed at once: the next start has all that was acknowledged", async () => {
    const first = await site.started();
    const lines = linesOf(500);
    await site.produce("t", lines);
    const { controller, brokers } = site.clusterFile();
    first.process.kill("SIGKILL");
    await first.exit();
    for (const { pid } of [controller, ...brokers]) process.kill(pid ?? 0, "SIGKILL");
    await until(() => ![controller, ...brokers].some(({ pid }) => isAlive(pid ?? 0)));
    await site.started();
    expect(byKey(await site.consume("t"))).toEqual(byKey(lines));
  });

  test("the supervisor is killed: the cluster serves on, and the next one adopts it as it is", async () => {
    const first = await site.started();
    await site.produce("t", linesOf(100));
    const before = site.clusterFile();
    first.process.kill("SIGKILL");
    await first.exit();
    await site.produce("t", linesOf(100, 100));
    await site.started();
    const after = site.clusterFile();
    expect(after.controller).toEqual(before.controller);
    expect(after.brokers).toEqual(before.brokers);
    expect(await site.consume("t")).toHaveLength(200);
  });

  test("the controller's folder is lost: nothing is decided until a person says so; then all is back", async () => {
    const first = await site.started("-f", "examples/quickstart.yaml");
    const lines = linesOf(2000);
    await site.produce("cities", lines);
    await site.produce("another", linesOf(100));
    const before = await site.status();
    expect(await site.stop(first)).toBe(0);
    rmSync(path.join(site.folder, "controller"), { recursive: true });
    const refused = site.up();
    expect(await refused.exit()).toBe(1);
    expect(refused.err).toMatch(/decides nothing.*; restore .*, or start with --recover/);
    await site.started("-f", "examples/quickstart.yaml", "--recover");
    expect(byKey(await site.consume("cities"))).toEqual(byKey(lines));
    expect(await site.consume("another")).toHaveLength(100);
    await until(() => site.isWhole());
    const after = await site.status();
    expect(after?.topics).toEqual(expect.arrayContaining([...(before?.topics ?? [])]));
    await site.produce("cities", linesOf(100));
    // Said once: the next controller does not recover again.
    const options = readFileSync(path.join(site.folder, "run", "controller.json"), "utf8");
    expect(JSON.parse(options)).toMatchObject({ recover: false });
  });

  test("status names whom a partition without a leader waits for, and it comes back with it", async () => {
    const run = await site.started("--brokers", "1", "--no-restart");
    const lines = linesOf(20);
    await site.produce("t", lines);
    site.killBroker(0);
    await until(async () => (await site.leaderOf("t")) === -1);
    const report = site.run(["status", "--data", site.folder]);
    expect(await report.exit()).toBe(0);
    expect(report.out).toMatch(/^0 +away +- /m);
    expect(report.out).toMatch(/^t-0 +none +\S+ +\S+ +0 +0$/m);
    run.process.kill("SIGUSR2");
    await until(async () => (await site.leaderOf("t")) === 0);
    expect(byKey(await site.consume("t"))).toEqual(byKey(lines));
  });

  test("partitions lie on disk as Kafka names them", async () => {
    await site.started("-f", "examples/quickstart.yaml");
    await site.produce("cities", linesOf(10), "--partition", "3");
    const files = readdirSync(path.join(site.folder, "broker-0", "cities-3"));
    expect(files).toEqual(expect.arrayContaining(["00000000000000000000.log", "partition.metadata"]));
  });
});

describe("bad input to a running cluster has one clear answer", () => {
  test("a topic that does not exist, a name that cannot be one, a line that is too long", async () => {
    await site.started();
    const missing = site.run(["consume", "nowhere", "--data", site.folder]);
    expect(await missing.exit()).toBe(1);
    expect(missing.err).toBe("tidemark: topic nowhere does not exist; `tidemark topics list` lists them\n");
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
