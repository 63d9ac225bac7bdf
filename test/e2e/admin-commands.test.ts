import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import type { Told } from "../../operator/cli/stand-ins/site.ts";
import { linesOf, LiveSite } from "./live-site.ts";

jest.setTimeout(120_000);

describe("the commands that administer", () => {
  const site = new LiveSite();
  const run = (...args: string[]): Promise<Told> => site.told(...args);
  const json = <T>(...args: string[]): Promise<T> => site.json<T>(...args);
  const refused = async (...args: string[]): Promise<string> => {
    const { code, out, err } = await run(...args);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toMatch(/^tidemark: [^\n]+\n$/);
    return err;
  };

  beforeAll(() => site.started("--brokers", "3"));
  afterAll(() => site.dispose());

  test("create topics, show them with their offsets, enlarge and delete them", async () => {
    const created = await run("topics", "create", "orders", "--partitions", "2", "--config", "retention.ms=60000");
    expect(created.out).toBe("topic orders: created with 2 partitions, 3 replicas each\n");
    await site.produce("orders", linesOf(10));
    expect((await run("topics", "list")).out).toMatch(/^TOPIC +PARTITIONS +REPLICAS +STATE\norders +2 +3 +healthy\n$/);
    const { partitions } = await json<{ partitions: { beginning: string; end: string }[] }>("topics", "show", "orders");
    expect(partitions.map(({ beginning }) => beginning)).toEqual(["0", "0"]);
    expect(partitions.reduce((sum, { end }) => sum + Number(end), 0)).toBe(10);
    await json("topics", "grow", "orders", "--partitions", "3");
    expect(await json("topics", "list")).toMatchObject([{ name: "orders", partitions: 3 }]);
    expect((await run("topics", "delete", "orders")).out).toBe("topic orders is deleted\n");
    expect(await json("topics", "list")).toEqual([]);
  });

  test("set and unset what a topic or a broker is told, all of it or nothing", async () => {
    await json("topics", "create", "tuned");
    const set = async (...of: string[]): Promise<string[]> => {
      const configs = await json<{ key: string; value: string }[]>("configs", "show", ...of);
      return configs.map(({ key, value }) => `${key}=${value}`);
    };
    await json("configs", "set", "--topic", "tuned", "retention.ms=5000", "max.message.bytes=2000");
    expect(await set("--topic", "tuned")).toEqual(
      expect.arrayContaining(["max.message.bytes=2000", "retention.ms=5000"]),
    );
    const bad = await refused("configs", "set", "--topic", "tuned", "retention.ms=7000", "max.message.bytes=many");
    expect(bad).toContain("max.message.bytes");
    expect(await set("--topic", "tuned")).toContain("retention.ms=5000");
    await json("configs", "unset", "--topic", "tuned", "retention.ms");
    expect(await set("--topic", "tuned")).not.toContain("retention.ms=5000");
    await json("configs", "set", "--broker", "all", "log.retention.ms=9000000");
    expect(await set("--broker", "1")).toContain("log.retention.ms=9000000");
  });

  test("refuse in one line what cannot be", async () => {
    await json("topics", "create", "there");
    expect(await refused("topics", "create", "there")).toContain("there");
    expect(await refused("topics", "show", "none")).toBe(
      "tidemark: topic none does not exist; `tidemark topics list` lists them\n",
    );
    expect(await refused("topics", "delete", "none")).toContain("topic none does not exist");
    expect(await refused("topics", "grow", "there", "--partitions", "1")).toContain("already has 1 partition");
    expect(await refused("topics", "create", "wide", "--replication-factor", "4")).toMatch(/4/);
    expect(await refused("configs", "show")).toBe("tidemark: give either --topic or --broker\n");
    expect(await refused("configs", "set", "--topic", "there", "retention.ms")).toBe(
      "tidemark: retention.ms: it must be key=value\n",
    );
    expect(await refused("configs", "show", "--topic", "none")).toContain("topic none does not exist");
    const away = site.run(["topics", "list", "--bootstrap", "127.0.0.1:1"]);
    expect(await away.exit()).toBe(1);
    expect(away.err).toMatch(/^tidemark: 127\.0\.0\.1:1 cannot be asked: [^\n]+; is the cluster running\?\n$/);
  });
});
