import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { isAlive } from "../adapters/process/child-process.ts";
import type { ClusterFile } from "../adapters/process/cluster-file.ts";
import { type Run, Site, until } from "./stand-ins/site.ts";

/** Programs that only look like a controller and brokers: what is tested here is the watch over processes. */
const programs = { TIDEMARK_PROGRAMS: path.resolve("operator/cli/stand-ins") };

jest.setTimeout(120_000);

let site: Site;
const up = (...args: string[]): Run => site.up(...args);
const stop = (run: Run): Promise<number | null> => site.stop(run);
const clusterFile = (): ClusterFile => site.clusterFile();

beforeEach(() => {
  site = new Site(programs);
});

afterEach(() => site.dispose());

describe("tidemark up", () => {
  test("starts three brokers, says so in one line, and stops them on SIGTERM", async () => {
    const run = up();
    await run.says("ready in ");
    const file = clusterFile();
    expect(run.out).toBe(`${run.out.trimEnd()}\n`);
    expect(run.out).toMatch(/^ready in \d+ ms {2}bootstrap (127\.0\.0\.1:\d+,){2}127\.0\.0\.1:\d+\n$/);
    expect(run.out).toContain(`bootstrap ${file.bootstrap}`);
    expect(file.brokers.map(({ id }) => id)).toEqual([0, 1, 2]);
    const pids = [file.controller, ...file.brokers].map(({ pid }) => pid ?? 0);
    expect(pids.every((pid) => isAlive(pid))).toBe(true);
    expect(await stop(run)).toBe(0);
    expect(pids.some((pid) => isAlive(pid))).toBe(false);
    expect(existsSync(path.join(site.folder, "cluster.json"))).toBe(false);
  });

  test("creates the topics of the file and keeps ports and cluster id over a restart", async () => {
    const first = up("-f", "examples/quickstart.yaml");
    await first.says("ready in ");
    expect(first.err).toContain("topic cities: created, 24 partitions × 3");
    const before = clusterFile();
    expect(await stop(first)).toBe(0);
    const second = up("-f", "examples/quickstart.yaml");
    await second.says("ready in ");
    const after = clusterFile();
    expect(after.clusterId).toBe(before.clusterId);
    expect(after.bootstrap).toBe(before.bootstrap);
    expect(after.controller.url).toBe(before.controller.url);
  });

  test("has brokers serve HTTP where it is asked to, and says where; not by itself", async () => {
    const served = up("--http-port", "0");
    await served.says("ready in ");
    const urls = clusterFile().brokers.map(({ api }) => api);
    expect(served.out).toMatch(/ {2}http (http:\/\/127\.0\.0\.1:\d+,){2}http:\/\/127\.0\.0\.1:\d+\n$/);
    expect(served.out).toContain(`  http ${urls.join(",")}\n`);
    const told = (id: number): unknown =>
      (JSON.parse(readFileSync(path.join(site.folder, "run", `broker-${id}.json`), "utf8")) as { api?: unknown }).api;
    expect([0, 1, 2].map(told)).toEqual(urls.map((url) => ({ host: "127.0.0.1", port: Number(url?.split(":")[2]) })));
    expect(await stop(served)).toBe(0);
    const silent = up();
    await silent.says("ready in ");
    expect(clusterFile().brokers.map(({ api }) => api)).toEqual([undefined, undefined, undefined]);
    expect(told(0)).toBeUndefined();
  });

  test("starts a killed broker and a killed controller again, and cluster.json stays true", async () => {
    const run = up();
    await run.says("ready in ");
    const before = clusterFile();
    const pidsBefore = [before.controller.pid ?? 0, before.brokers[1]?.pid ?? 0];
    for (const pid of pidsBefore) process.kill(pid, "SIGKILL");
    await run.says("broker 1 (pid");
    await run.says("controller (pid");
    await until(() => {
      const { controller, brokers } = clusterFile();
      return [controller, ...brokers].every(({ pid, incarnation }) => pid !== null && incarnation !== null);
    });
    const after = clusterFile();
    expect([after.controller.pid, after.brokers[1]?.pid]).not.toEqual(pidsBefore);
    expect(isAlive(after.controller.pid ?? 0) && isAlive(after.brokers[1]?.pid ?? 0)).toBe(true);
    expect(after.brokers[0]).toEqual(before.brokers[0]);
    expect(run.err).toContain("was killed by SIGKILL; starting it again");
  });

  test("leaves a killed broker dead with --no-restart until SIGUSR2, but not the controller", async () => {
    const run = up("--no-restart");
    await run.says("ready in ");
    const before = clusterFile();
    process.kill(before.brokers[2]?.pid ?? 0, "SIGKILL");
    await run.says("was killed by SIGKILL; it stays down");
    await until(() => clusterFile().brokers[2]?.pid === null);
    process.kill(before.controller.pid ?? 0, "SIGKILL");
    await until(() => ![null, before.controller.pid].includes(clusterFile().controller.pid));
    expect(clusterFile().brokers[2]?.pid).toBeNull();
    run.process.kill("SIGUSR2");
    await run.says("broker 2 is started again");
    await until(() => clusterFile().brokers[2]?.pid !== null);
    expect(isAlive(clusterFile().brokers[2]?.pid ?? 0)).toBe(true);
  });

  test("after its own death the next one adopts what still runs and starts what does not", async () => {
    const first = up();
    await first.says("ready in ");
    await until(
      () =>
        clusterFile().brokers.every(({ incarnation }) => incarnation !== null) &&
        clusterFile().controller.incarnation !== null,
    );
    const before = clusterFile();
    first.process.kill("SIGKILL");
    await first.exit();
    process.kill(before.brokers[0]?.pid ?? 0, "SIGKILL");
    const second = up();
    await second.says("ready in ");
    const after = clusterFile();
    expect(after.controller.pid).toBe(before.controller.pid);
    expect(after.brokers.slice(1).map(({ pid }) => pid)).toEqual(before.brokers.slice(1).map(({ pid }) => pid));
    expect(after.brokers[0]?.pid).not.toBe(before.brokers[0]?.pid);
    process.kill(after.brokers[1]?.pid ?? 0, "SIGKILL");
    await until(() => ![null, after.brokers[1]?.pid].includes(clusterFile().brokers[1]?.pid));
    expect(await stop(second)).toBe(0);
    expect(isAlive(before.controller.pid ?? 0)).toBe(false);
  });

  test("a second one on the same folder is refused, and the first runs on", async () => {
    const first = up();
    await first.says("ready in ");
    const second = up();
    expect(await second.exit()).toBe(1);
    expect(second.err).toBe(
      `tidemark: ${site.folder} is in use by another \`tidemark up\` (pid ${first.process.pid}); ` +
        "stop it or give another --data\n",
    );
    expect(clusterFile().brokers.every(({ pid }) => isAlive(pid ?? 0))).toBe(true);
  });

  test("a folder of another cluster is refused", async () => {
    const first = up("-f", "examples/quickstart.yaml");
    await first.says("ready in ");
    await stop(first);
    const other = path.join(site.folder, "other.yaml");
    writeFileSync(other, readFileSync("examples/quickstart.yaml", "utf8").replaceAll("quickstart", "other"));
    const second = up("-f", other);
    expect(await second.exit()).toBe(1);
    expect(second.err).toBe(
      `tidemark: ${site.folder} has the data of Cluster quickstart, not of other; give another --data\n`,
    );
  });

  test("fewer brokers than the folder has are refused", async () => {
    const first = up();
    await first.says("ready in ");
    await stop(first);
    const second = up("--brokers", "2");
    expect(await second.exit()).toBe(1);
    expect(second.err).toContain("has 3 brokers and their data; 2 would leave data behind; start it with 3");
  });

  test("a Kafka port in use is refused by its number", async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
    });
    const run = site.run(["up", "--data", site.folder, "--port", String(port)]);
    expect(await run.exit()).toBe(1);
    server.close();
    expect(run.err).toBe(
      `tidemark: Kafka port 127.0.0.1:${port} of broker 0 is in use; stop what listens there or give another --port\n`,
    );
  });

  test("a broker that cannot start ends the command with its own reason, and nothing stays behind", async () => {
    writeFileSync(path.join(site.folder, "broken-1"), "");
    const run = up();
    expect(await run.exit()).toBe(1);
    expect(run.err).toContain("tidemark: broker 1 could not start: the data folder is damaged; restore it (log: ");
    expect(existsSync(path.join(site.folder, "cluster.json"))).toBe(false);
  });

  test("a topic that the controller refuses ends the command with the reason", async () => {
    const file = path.join(site.folder, "t.yaml");
    writeFileSync(file, readFileSync("examples/quickstart.yaml", "utf8").replace("name: cities", "name: refused"));
    const run = up("-f", file);
    expect(await run.exit()).toBe(1);
    expect(run.err).toContain("tidemark: topic refused: a policy forbids it\n");
  });

  test("warns when the disk has less room than the Cluster asks for, and starts all the same", async () => {
    const file = path.join(site.folder, "large.yaml");
    writeFileSync(file, readFileSync("examples/quickstart.yaml", "utf8").replace("size: 1Gi", "size: 900Pi"));
    const run = up("-f", file);
    await run.says("ready in ");
    expect(run.err).toContain("warning: the Cluster asks for 3 × 900Pi (2831155200.0 GiB), but the disk of");
  });

  test("says once of each field that counts on Kubernetes only that it has no effect here", async () => {
    const file = path.join(site.folder, "kubernetes.yaml");
    const [cluster, ...topics] = readFileSync("examples/quickstart.yaml", "utf8").split("---");
    const rack = "  rack: {topologyKey: topology.kubernetes.io/zone}\n";
    const retained = (text = ""): string => text.replace("  partitions: 24", "  deletionPolicy: Retain");
    const other = retained(topics[0]).replace("name: cities", "name: towns");
    writeFileSync(file, [`${cluster}${rack}`, retained(topics[0]), other].join("---"));
    const run = up("-f", file);
    await run.says("ready in ");
    expect(run.err.split("\n").filter((line) => line.startsWith("warning: "))).toEqual([
      "warning: Cluster spec.rack has no effect here: it counts on Kubernetes only",
      "warning: Topic spec.deletionPolicy has no effect here: it counts on Kubernetes only",
    ]);
  });

  test("a default replication factor above the number of brokers is refused", async () => {
    const file = path.join(site.folder, "wide.yaml");
    const text = readFileSync("examples/quickstart.yaml", "utf8");
    writeFileSync(file, text.replace("num.partitions:", "default.replication.factor:").replace('"6"', "3"));
    const run = up("-f", file, "--brokers", "2");
    expect(await run.exit()).toBe(1);
    expect(run.err).toContain("default.replication.factor 3 is more than the 2 brokers; lower it or add brokers\n");
  });

  test("a second signal kills what does not stop", async () => {
    writeFileSync(path.join(site.folder, "stubborn"), "");
    const run = up();
    await run.says("ready in ");
    const pids = clusterFile().brokers.map(({ pid }) => pid ?? 0);
    run.process.kill("SIGINT");
    await run.says("stopping");
    run.process.kill("SIGINT");
    expect(await run.exit()).toBe(1);
    await until(() => !pids.some((pid) => isAlive(pid)));
    expect(run.err).toContain("killing what is left");
  });
});

describe("the command refuses wrong use with one line and no stack trace", () => {
  test.each([
    [["up", "-f", "nowhere.yaml"], 1, "tidemark: nowhere.yaml: no such file\n"],
    [
      ["up", "--brokers", "0"],
      2,
      "tidemark: option '--brokers <n>' argument '0' is invalid. it must be a whole number from 1 to 100.\n",
    ],
    [["up", "--prot", "1"], 2, "tidemark: unknown option '--prot' (Did you mean --port?)\n"],
    [["down"], 2, "tidemark: unknown command 'down'\n"],
    [["produce"], 2, "tidemark: missing required argument 'topic'\n"],
    [
      ["produce", "t", "--acks", "2"],
      2,
      "tidemark: option '--acks <acks>' argument '2' is invalid. Allowed choices are all, 1, 0.\n",
    ],
    [["produce", "t", "--bootstrap", "x"], 1, 'tidemark: --bootstrap: "x" is not host:port\n'],
    [
      ["consume", "t", "--bootstrap", "127.0.0.1:1"],
      1,
      "tidemark: topic t cannot be read from 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1; is the cluster running?\n",
    ],
    [
      ["consume", "t", "--from", "+3"],
      1,
      "tidemark: --from +3: it must be beginning, end, an offset, or -N from the end\n",
    ],
    [["consume", "t", "--format", "%z"], 1, "tidemark: --format: unknown %z; known: %v %k %h %t %p %o %T %%\n"],
    [
      ["status", "--data", "nowhere"],
      1,
      "tidemark: no cluster runs on nowhere; start it with `tidemark up --data nowhere`\n",
    ],
  ])("%j", async (args, code, line) => {
    const run = site.run(args);
    expect(await run.exit()).toBe(code);
    expect(run.err).toBe(line);
    expect(run.out).toBe("");
  });
});
