import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { type Told, until } from "../../operator/cli/stand-ins/site.ts";
import { byKey, linesOf, LiveSite } from "./live-site.ts";

jest.setTimeout(180_000);

const TOPIC = "orders";
const PARTITIONS = 6;
/** Leaders stay where they are until somebody asks. */
const CLUSTER = `
apiVersion: tidemark.dev/v1alpha1
kind: Cluster
metadata: {name: moving}
spec:
  replicas: 4
  storage: {size: 1Gi}
  listeners: [{name: internal, port: 9092, type: internal}]
  config: {auto.leader.rebalance.enable: "false"}
`;

/** What `reassign plan` prints as JSON. */
interface Planned {
  readonly partitions: readonly { topic: string; partition: number; replicas: readonly number[] }[];
  readonly moves: readonly { partition: number; from: readonly number[]; to: readonly number[]; copyBytes: number }[];
}

describe("partitions move by command", () => {
  const site = new LiveSite();
  /** More of each partition than a leader pushes at once, so that a throttled copy does not end. */
  const lines = linesOf(4000).map((line) => `${line}${".".repeat(5000)}`);
  const file = path.join(site.folder, "plan.json");

  const told = (...args: string[]): Promise<Told> => site.told("reassign", ...args);
  const json = <T>(...args: string[]): Promise<T> => site.json<T>("reassign", ...args);
  const refused = async (...args: string[]): Promise<string> => {
    const { code, err } = await told(...args);
    expect(code).toBe(1);
    expect(err).toMatch(/^tidemark: [^\n]+\n$/);
    return err;
  };
  /** Replicas of every partition, by its index. */
  const assigned = async (): Promise<(readonly number[])[]> => {
    const rows = await Promise.all(Array.from({ length: PARTITIONS }, (_, index) => site.partition(TOPIC, index)));
    return rows.map((row) => row?.replicas ?? []);
  };
  const configs = async (...words: string[]): Promise<void> => {
    const run = site.run(["configs", ...words, "--data", site.folder]);
    expect({ code: await run.exit(), err: run.err }).toEqual({ code: 0, err: "" });
  };

  beforeAll(async () => {
    const cluster = path.join(site.folder, "cluster.yaml");
    writeFileSync(cluster, CLUSTER);
    await site.started("-f", cluster);
    const create = ["topics", "create", TOPIC, "--partitions", `${PARTITIONS}`, "--replication-factor", "2"];
    const run = site.run([...create, "--data", site.folder]);
    expect(await run.exit()).toBe(0);
    await site.produce(TOPIC, lines);
  });

  afterAll(() => site.dispose());

  test("a plan moves everything off a broker, is written for Kafka's tool, too, and changes nothing", async () => {
    const before = await assigned();
    expect(before.flat()).toContain(3);
    const table = await told("plan", "--remove-broker", "3", "--file", file);
    expect(table).toMatchObject({ code: 0, err: "" });
    expect(table.out).toMatch(/^TOPIC +PARTITION +FROM +TO +COPIES\norders /);
    expect(table.out).toMatch(/\n\d+ partitions change, [\d.]+ k?M?B to copy\n$/);
    const planned = await json<Planned>("plan", "--remove-broker", "3");
    expect(planned.partitions.flatMap(({ replicas }) => replicas)).not.toContain(3);
    expect(planned.moves.filter(({ from }) => from.includes(3)).every(({ copyBytes }) => copyBytes > 0)).toBe(true);
    expect(await assigned()).toEqual(before);
    expect(await refused("plan", "--remove-broker", "3", "--file", file)).toContain("is there already");
  });

  test("a plan that was started is shown on its way, is watched to its end, and loses nothing", async () => {
    await configs("set", "--broker", "all", "leader.replication.throttled.rate=1");
    const started = await told("start", file);
    expect(started).toMatchObject({ code: 0, err: "" });
    expect(started.out).toContain("is on its way\n");
    const moving = await json<{ topic: string; removing: number[]; missingBytes: number | null }[]>("status");
    expect(moving.length).toBeGreaterThan(0);
    expect(moving.map(({ topic }) => topic)).toContain(TOPIC);
    expect((await told("status")).out).toMatch(/^TOPIC +PARTITION +REPLICAS +ADDING +REMOVING +STILL TO COPY +DONE\n/);
    const watching = told("status", "--watch");
    await configs("unset", "--broker", "all", "leader.replication.throttled.rate");
    expect(await watching).toEqual({ code: 0, out: "no partition is on its way\n", err: "" });
    expect((await assigned()).flat()).not.toContain(3);
    expect(byKey(await site.consume(TOPIC))).toEqual(byKey(lines));
  });

  test("an even cluster has nothing to move; one with an empty broker gives it its share", async () => {
    const { moves } = await json<Planned>("plan", "--topic", TOPIC);
    expect(moves.some(({ to }) => to.includes(3))).toBe(true);
    expect((await told("plan", "--topic", TOPIC, "--brokers", "0,1,2")).out).toBe("nothing is to be moved\n");
  });

  test("a move that is cancelled goes back to what it was", async () => {
    const before = [...((await site.partition(TOPIC, 1))?.replicas ?? [])];
    const one = ["--topic", TOPIC, "--partition", "1"];
    const started = await told("start", ...one, "--replicas", `3,${before[0]}`, "--throttle", "1");
    expect(started.out).toBe("orders-1 is on its way\n");
    expect(started.err).toMatch(/^copies take at most 1 B\/s of each broker until `tidemark configs unset [^\n]+`\n$/);
    expect((await told("cancel", ...one)).out).toBe("orders-1 goes back\n");
    const after = (await site.partition(TOPIC, 1))?.replicas ?? [];
    expect(new Set(after)).toEqual(new Set(before));
    expect(await refused("cancel", "--all")).toBe("tidemark: nothing of that is on its way\n");
    await configs("unset", "--broker", "all", "leader.replication.throttled.rate");
  });

  test("the first replicas lead again when they are told to", async () => {
    const row = await site.partition(TOPIC, 1);
    const turned = [...(row?.replicas ?? [])].sort((a) => (a === row?.leader ? 1 : -1));
    await told("start", "--topic", TOPIC, "--partition", "1", "--replicas", turned.join(","));
    expect((await told("elect", "--topic", TOPIC, "--partition", "1")).out).toBe("orders-1 is led by its first\n");
    await until(async () => (await site.leaderOf(TOPIC, 1)) === turned[0]);
    await json("elect", "--topic", TOPIC);
    expect(await json("elect", "--topic", TOPIC)).toEqual([]);
  });

  test("what cannot be is refused in one line", async () => {
    expect(await refused("plan", "--topic", "none")).toContain("topic none does not exist");
    expect(await refused("plan", "--brokers", "0,9")).toContain("broker 9 is not up; brokers that are: 0,1,2,3");
    expect(await refused("plan", "--brokers", "0")).toContain("has 2 replicas, and there are fewer brokers");
    expect(await refused("plan", "--remove-broker", "9")).toContain("there is no broker 9");
    expect(await refused("start", "nowhere.json")).toBe("tidemark: nowhere.json: no such file\n");
    expect(await refused("start")).toContain("give either a file, or --topic, --partition and --replicas");
    expect(await refused("start", "--topic", TOPIC, "--partition", "0", "--replicas", "0,9")).toContain(
      "orders-0: The target assignment names broker 9, which is not registered.",
    );
    expect(await refused("start", "--topic", TOPIC, "--partition", "99", "--replicas", "0")).toContain("orders-99: ");
    const broken = path.join(site.folder, "broken.json");
    writeFileSync(broken, '{"version":1,"partitions":[{"topic":"orders","partition":0}]}');
    expect(await refused("start", broken)).toContain("partitions[0].replicas must be a list of brokers' ids");
    expect(await refused("cancel")).toContain("give one of a file, --topic and --all");
  });
});
