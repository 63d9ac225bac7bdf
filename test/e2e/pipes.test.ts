import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { OFFSETS_TOPIC, partitionFor } from "../../broker/groups/coordinator.ts";
import { type Run, type Told, until } from "../../operator/cli/stand-ins/site.ts";
import { LiveSite } from "./live-site.ts";

jest.setTimeout(180_000);

/** What `consume --format json` prints. */
interface Read {
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: Readonly<Record<string, unknown>>;
}

const sorted = (lines: readonly string[]): string[] => lines.toSorted((a, b) => (a < b ? -1 : 1));
const numbered = (count: number, from = 0): string[] => Array.from({ length: count }, (_, n) => `line ${n + from}`);

describe("records through files and pipes", () => {
  const site = new LiveSite();

  const start = (args: readonly string[], input?: string): Run => site.run([...args, "--data", site.folder], input);
  const told = (args: readonly string[], input?: string): Promise<Told> => start(args, input).told();
  const done = async (args: readonly string[], input?: string): Promise<string> => {
    const { code, out, err } = await told(args, input);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    return out;
  };
  const linesOf = async (...args: string[]): Promise<string[]> => (await done(args)).split("\n").slice(0, -1);
  const records = async (topic: string): Promise<Read[]> =>
    (await linesOf("consume", topic, "--format", "json")).map((line) => JSON.parse(line) as Read);
  const file = (name: string, text: string): string => {
    writeFileSync(path.join(site.folder, name), text);
    return path.join(site.folder, name);
  };
  const created = (topic: string, partitions: number): Promise<string> =>
    done(["topics", "create", topic, "--partitions", String(partitions)]);

  beforeAll(() => site.started("--brokers", "3"));
  afterAll(() => site.dispose());

  test("files are written one after the other, with any codec, and read from any place", async () => {
    await created("files", 1);
    const [first, second] = [file("1.txt", "a\nb\n"), file("2.txt", "c\nd")];
    await done(["produce", "files", first, second, "--header", "by=test"]);
    for (const codec of ["gzip", "snappy", "lz4", "zstd"]) {
      await done(["produce", "files", "--compression", codec], `${codec}\n`);
    }
    const all = ["a", "b", "c", "d", "gzip", "snappy", "lz4", "zstd"];
    expect(await linesOf("consume", "files")).toEqual(all);
    expect(await linesOf("consume", "files", "--offset", "-2")).toEqual(all.slice(-2));
    expect(await linesOf("consume", "files", "--offset", "5", "--max", "2")).toEqual(["snappy", "lz4"]);
    expect(await linesOf("consume", "files", "--offset", "end")).toEqual([]);
    expect(await linesOf("consume", "files", "--from-time", "-1h", "--until-end")).toEqual(all);
    expect(await linesOf("consume", "files", "--format", "%o %h|%v\\n", "--max", "1")).toEqual(["0 by=test|a"]);
    expect(await linesOf("consume", "files", "--value-encoding", "hex", "--max", "1")).toEqual(["61"]);
  });

  test("lines of JSON carry keys, headers, partitions, times and nulls there and back", async () => {
    await created("json", 3);
    const wanted = [
      { partition: 2, timestampMs: 1000, key: "k", value: "v", headers: { a: "1", b: ["2", "3"] } },
      { partition: 2, timestampMs: 2000, key: "gone", value: null, headers: {} },
      { partition: 0, timestampMs: 3000, key: null, value: "héllo", headers: {} },
    ];
    await done(["produce", "json", "--format", "json"], wanted.map((one) => `${JSON.stringify(one)}\n`).join(""));
    const found = await records("json");
    expect(found).toHaveLength(3);
    expect(found).toEqual(expect.arrayContaining(wanted.map((one) => expect.objectContaining(one))));
    expect(await linesOf("consume", "json", "--from-time", "1500", "--partition", "2", "--format", "%k\\n")).toEqual([
      "gone",
    ]);
    await created("copy", 3);
    await done(["produce", "copy", "--format", "json"], await done(["consume", "json", "--json"]));
    expect(await linesOf("consume", "copy", "--format", "%p %k %v %h\\n")).toHaveLength(3);
  });

  test("a line that is no record ends it: where and why, and what is safe", async () => {
    await created("broken", 1);
    const bad = file("bad.ndjson", '{"value":"1"}\n{"value":"2"}\n{"valeu":"3"}\n{"value":"4"}\n');
    expect(await told(["produce", "broken", bad, "--format", "json"])).toEqual({
      code: 1,
      out: "",
      err:
        `tidemark: ${bad}:3: unknown field valeu; known: key, value, headers, partition, timestampMs; ` +
        "the 2 records before it were acked\n",
    });
    expect(await linesOf("consume", "broken")).toEqual(["1", "2"]);
    const refused = async (...args: string[]): Promise<string> => {
      const { code, out, err } = await told(["produce", "broken", ...args], "");
      expect({ code, out }).toEqual({ code: 1, out: "" });
      return err;
    };
    for (const [count, before] of ["", '{"value":"x"}\n'].entries()) {
      const says = `it has partitions 0 to 0, not 9; ${count} records were acked, later ones may not be`;
      const far = await told(["produce", "broken", "--format", "json"], `${before}{"partition":9}\n`);
      expect(far).toEqual({ code: 1, out: "", err: `tidemark: topic broken: ${says}\n` });
    }
    expect(await refused("nowhere.txt")).toBe("tidemark: nowhere.txt: no such file\n");
    expect(await refused(site.folder)).toBe(`tidemark: ${site.folder}: is a folder, not a file\n`);
    expect(await refused("--header", "a")).toBe("tidemark: a: it must be key=value\n");
    expect(await refused("--format", "json", "--key-separator", ":")).toContain("--key-separator is for lines");
    expect(await refused("--key-encoding", "hex")).toContain("encodings are for --format json");
  });

  test("a member of a group goes on where the group is, and commits exactly what it printed", async () => {
    await created("shared", 3);
    await done(["produce", "shared"], `${numbered(100).join("\n")}\n`);
    const some = await linesOf("consume", "shared", "--group", "readers", "--max", "40");
    expect(some).toHaveLength(40);
    const rest = await linesOf("consume", "shared", "--group", "readers", "--until-end");
    expect(sorted([...some, ...rest])).toEqual(sorted(numbered(100)));
    expect(await linesOf("consume", "shared", "--group", "readers", "--until-end")).toEqual([]);
    expect(await linesOf("consume", "shared", "--group", "late", "--offset", "end", "--until-end")).toEqual([]);
  });

  test("the brokers' own topic for groups is shown like any other, and read by nobody", async () => {
    const topics = JSON.parse(await done(["topics", "list", "--output", "json"])) as { name: string }[];
    expect(topics.map(({ name }) => name)).toEqual(expect.arrayContaining([OFFSETS_TOPIC, "shared"]));
    const shown = JSON.parse(await done(["topics", "show", OFFSETS_TOPIC, "--output", "json"]));
    expect(shown).toMatchObject({ topic: OFFSETS_TOPIC, partitions: { length: 50 } });
    await done(["reassign", "plan"]);
    expect((await told(["consume", OFFSETS_TOPIC])).err).toBe(
      `tidemark: topic ${OFFSETS_TOPIC} is for brokers only; this command cannot read it\n`,
    );
  });

  test("two members share the partitions; over the death of their coordinator, and of one of them", async () => {
    await created("pair", 4);
    const args = ["consume", "pair", "--group", "pair", "--format", "%p %v\\n"];
    const [a, b] = [start(args), start(args)];
    const seen = (run: Run): string[] => run.out.split("\n").slice(0, -1);
    let count = 0;
    const write = async (): Promise<void> => {
      const lines = [0, 1, 2, 3].map((partition) => JSON.stringify({ partition, value: `${partition}/${count}` }));
      count++;
      await done(["produce", "pair", "--format", "json"], `${lines.join("\n")}\n`);
    };
    await until(async () => {
      await write();
      return seen(a).length > 0 && seen(b).length > 0;
    });
    site.killBroker(await site.leaderOf(OFFSETS_TOPIC, partitionFor("pair", 50)));
    const seenThen = seen(a).length + seen(b).length;
    await until(async () => {
      await write();
      return seen(a).length + seen(b).length > seenThen;
    });
    await until(() => new Set([...seen(a), ...seen(b)]).size === 4 * count);
    expect(await site.stop(a)).toBe(0);
    expect(a.err).toMatch(/^[\d,]+ records read in [\d.]+ s \([^\n]+\)\n$/);
    const before = seen(b).length;
    await until(async () => {
      await write();
      return (
        new Set(
          seen(b)
            .slice(before)
            .map((line) => line[0]),
        ).size === 4
      );
    });
    await until(() => new Set([...seen(a), ...seen(b)]).size === 4 * count);
    expect(await site.stop(b)).toBe(0);
    const shown = await done(["groups", "show", "pair", "--output", "json"]);
    const { partitions } = JSON.parse(shown) as { partitions: { lag: string }[] };
    expect(partitions.map(({ lag }) => lag)).toEqual(["0", "0", "0", "0"]);
  });

  test("what does not go together is refused", async () => {
    const refused = async (...args: string[]): Promise<string> => {
      const { code, out, err } = await told(["consume", "shared", ...args]);
      expect({ code: (code ?? 0) > 0, out }).toEqual({ code: true, out: "" });
      expect(err).toMatch(/^tidemark: [^\n]+\n$/);
      return err;
    };
    expect(await refused("--group", "g", "--partition", "1")).toContain("--partition does not go with --group");
    expect(await refused("--group", "g", "--offset", "5")).toContain("`tidemark groups reset` has the others");
    expect(await refused("--group", "")).toContain("--group needs a name without spaces");
    expect(await refused("--offset", "now")).toContain("--offset now: it must be beginning, end, an offset");
    expect(await refused("--from-time", "now")).toContain("--from-time now: it must be a time");
    expect(await refused("--offset", "1", "--from-time", "-1h")).toContain("cannot be used with");
    expect(await refused("--follow", "--until-end")).toContain("cannot be used with");
    expect(await refused("--key-encoding", "rot13")).toContain("Allowed choices are utf8, hex, base64");
  });
});
