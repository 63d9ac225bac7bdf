import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import type { Cell } from "./cell.ts";
import type { Client } from "./client.ts";
import type { Feature } from "./features/feature.ts";
import { lostSince, page, worksIn } from "./page.ts";

const feature = (name: string): Feature => ({ name, what: `what ${name} is.`, run: async () => undefined });
const shared = [feature("none"), feature("gzip")];
const client = (name: string, features: readonly Feature[]): Client => ({
  name,
  language: "C",
  features,
  install: async () => ({ ok: false, reason: "" }),
  lacks: {},
});
const clients = [client("one", shared), client("two", shared), client("tools", [feature("topics")])];
const works = (name: string, of: string): Cell => ({ client: name, feature: of, outcome: "works", why: "" });
const cells: readonly Cell[] = [
  works("one", "none"),
  { client: "one", feature: "gzip", outcome: "absent", why: "it has none" },
  { client: "two", feature: "none", outcome: "notRun", why: "no compiler" },
  { client: "two", feature: "gzip", outcome: "notRun", why: "no compiler" },
  works("tools", "topics"),
];
const versions = new Map([
  ["one", "1.0"],
  ["tools", "3.0"],
]);
const text = page({ clients, versions, cells });

describe("the page of compatibility", () => {
  test("has a table for clients that are asked the same", () => {
    expect(text).toContain("| feature | one | two |\n| --- | --- | --- |\n| none | works | not run |\n");
    expect(text).toContain("| gzip | – | not run |\n");
    expect(text).toContain("| feature | tools |\n| --- | --- |\n| topics | works |\n");
    expect(text).toContain("2 of 5 cells work");
  });

  test("says once why something does not work, and what it is the reason of", () => {
    expect(text).toContain("- two, not run: no compiler (none, gzip)\n");
    expect(text).toContain("- one, –: it has none (gzip)\n");
    expect(text).toContain("| two | C | not to be had here |\n");
  });

  test("is read again as it was written", () => {
    expect(worksIn(text)).toEqual(new Set(["one: none", "tools: topics"]));
    expect(worksIn("")).toEqual(new Set());
  });

  test("only grows: what worked in it and does not any more is lost, whatever the reason", () => {
    expect(lostSince(text, cells)).toEqual([]);
    const others = cells.filter(({ client: name }) => name !== "tools");
    expect(lostSince(text, [...others, { ...works("tools", "topics"), outcome: "failed", why: "x" }])).toEqual([
      "tools: topics",
    ]);
    expect(lostSince(text, [...others, { ...works("tools", "topics"), outcome: "notRun", why: "x" }])).toHaveLength(1);
    expect(lostSince(text, others)).toHaveLength(1);
    expect(lostSince(text, [...cells, works("one", "gzip")])).toEqual([]);
  });

  test("that is committed says what works", () => {
    expect(worksIn(readFileSync("docs/compatibility.md", "utf8")).size).toBeGreaterThan(50);
  });
});
