import { describe, expect, test } from "@jest/globals";
import { clients } from "./clients.ts";
import { featuresOf, type Selection, selectionOf } from "./selection.ts";

const chosen = (...args: string[]): Selection => selectionOf(args, clients) as Selection;

describe("what `make conformance` runs", () => {
  test("is everything unless told otherwise", () => {
    expect(chosen()).toEqual({ clients, features: null, isWhole: true, mustAllWork: false });
  });

  test("is of the clients and features that are named, and the page stays as it is", () => {
    const selection = chosen("--clients", "kafkajs,kcat", "--features", "gzip,group of two");
    expect(selection.clients.map(({ name }) => name)).toEqual(["kafkajs", "kcat"]);
    expect(selection.isWhole).toBe(false);
    for (const client of selection.clients) {
      expect(featuresOf(client, selection).map(({ name }) => name)).toEqual(["gzip", "group of two"]);
    }
  });

  test("is a part in CI, in which no client lacks anything", () => {
    const selection = chosen("--ci");
    expect(selection).toMatchObject({ isWhole: false, mustAllWork: true });
    const asked = selection.clients.flatMap((client) =>
      featuresOf(client, selection).map(({ name }) => ({ name, lack: client.lacks[name] })),
    );
    expect(asked.length).toBeGreaterThanOrEqual(20);
    expect(asked.filter(({ lack }) => lack !== undefined)).toEqual([]);
    expect(selectionOf(["--ci", "--clients", "kcat"], clients)).toMatch(/^--ci says by itself/);
  });

  test("is refused where a named client would be asked nothing", () => {
    const args = ["--clients", "kcat,kafka-tools", "--features", "gzip"];
    expect(selectionOf(args, clients)).toBe("kafka-tools is asked none of these features");
    expect(chosen("--features", "gzip").clients.length).toBeGreaterThan(1);
  });

  test("is said in one line when nothing has such a name", () => {
    expect(selectionOf(["--clients", "kafkacat"], clients)).toMatch(
      /^no client is called kafkacat; there are kafkajs,/,
    );
    expect(selectionOf(["--features", "lzo"], clients)).toMatch(/^no feature is called lzo; there are none,gzip,/);
    expect(selectionOf(["--client", "kcat"], clients)).toMatch(/^Unknown option '--client'/);
  });

  test("has names without commas, each once, and lacks only what is asked", () => {
    const names = clients.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { features, lacks, name } of clients) {
      const known = features.map((feature) => feature.name);
      expect([name, ...known].filter((each) => each.includes(","))).toEqual([]);
      expect(Object.keys(lacks).filter((each) => !known.includes(each))).toEqual([]);
    }
  });
});
