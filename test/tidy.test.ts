import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "@jest/globals";
import * as checks from "./tidy/checks.ts";
import { isPure } from "./tidy/rooms.ts";
import { importsOf, type SourceFile, stripped } from "./tidy/source.ts";

const root = path.resolve(import.meta.dirname, "..");
const notOurs = new Set(["node_modules", ".git", ".cache", "coverage", "tidemark-data"]);
const textual = /\.(?:ts|mjs|js|json|md|yaml|yml|sh|xml|properties|txt)$|(?:^|\/)(?:Makefile|tidemark|run|pre-commit)$/;

const files: SourceFile[] = readdirSync(root, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).split(path.sep).join("/"))
  .filter((file) => !file.split("/").some((part) => notOurs.has(part)) && textual.test(file))
  .sort()
  .map((file) => ({ path: file, text: readFileSync(path.join(root, file), "utf8") }));
const sources = files.filter((file) => file.path.endsWith(".ts"));
const documents = files.filter((file) => file.path.endsWith(".md"));
const exists = (file: string): boolean => existsSync(path.join(root, file));
const file = (name: string, text: string): SourceFile[] => [{ path: name, text }];

describe("the repository", () => {
  test("is seen whole: a check that looks at nothing proves nothing", () => {
    expect(sources.length).toBeGreaterThan(15);
    expect(documents.length).toBeGreaterThan(2);
    expect(sources.flatMap(importsOf).length).toBeGreaterThan(30);
    expect(sources.every((source) => checks.roomOf(source.path) !== undefined)).toBe(true);
  });

  test("imports as the table of rooms allows", () => expect(checks.importBreaks(sources)).toEqual([]));
  test("keeps its pure rooms pure", () => expect(checks.purityBreaks(sources)).toEqual([]));
  test("has nothing unfinished in it", () => expect(checks.unfinishedBreaks(files)).toEqual([]));
  test("has files of one idea and lines that fit", () => expect(checks.sizeBreaks(sources)).toEqual([]));
  test("has no barrel files", () => expect(checks.barrelBreaks(sources)).toEqual([]));
  test("names no machine and no private registry", () => expect(checks.placeBreaks(files)).toEqual([]));
  test("has no dead links in its documents", () => expect(checks.linkBreaks(documents, exists)).toEqual([]));

  test("has every path that the tables of docs/architecture.md name", () => {
    const architecture = documents.find((document) => document.path === "docs/architecture.md");
    const named = checks.pathsInTables(architecture?.text ?? "");
    expect(named.filter((name) => !exists(name))).toEqual([]);
    expect(architecture === undefined || named.length >= 10).toBe(true);
  });
});

describe("the checks find what is planted", () => {
  const importBreaks = (name: string, specifier: string) =>
    checks.importBreaks(file(name, `import { x } from "${specifier}";\n`));

  test("an upward import, with the door that is right", () => {
    const [found, ...others] = importBreaks("broker/storage/log.ts", "../handlers/table.ts");
    expect(others).toEqual([]);
    expect(found).toContain("broker/storage/log.ts:1 imports broker/handlers/table.ts");
    expect(found).toContain("the disk is broker/ports/disk.ts");
  });

  test("all of wire in storage, but not its record batch", () => {
    expect(importBreaks("broker/storage/log.ts", "../wire/frame.ts")).toHaveLength(1);
    expect(importBreaks("broker/storage/log.ts", "../wire/record-batch.ts")).toEqual([]);
  });

  test("handlers other than the table in the server", () => {
    expect(importBreaks("broker/server/dispatch.ts", "../handlers/00-produce.ts")).toHaveLength(1);
    expect(importBreaks("broker/server/dispatch.ts", "../handlers/table.ts")).toEqual([]);
  });

  test("the broker importing the operator, and the operator missing its doors", () => {
    expect(importBreaks("broker/broker.ts", "../operator/machine/events.ts")[0]).toContain(
      "never imports the operator",
    );
    expect(importBreaks("operator/machine/events.ts", "../../broker/base/ids.ts")[0]).toContain("#base/*");
    expect(importBreaks("operator/machine/events.ts", "#base/ids.ts")).toEqual([]);
    expect(importBreaks("operator/resources/topic.ts", "#contract/rows.ts")).toHaveLength(1);
  });

  test("imports of test/, and paths without .ts, in any form of import", () => {
    expect(importBreaks("broker/broker.ts", "../test/fake.ts")[0]).toContain("nothing imports test/");
    expect(importBreaks("broker/broker.ts", "./base/ids")[0]).toContain("with its .ts");
    const forms = `export * from "../wire/a.ts";\nimport "../wire/b.ts";\nconst c = await import("../wire/c.ts");\n`;
    expect(checks.importBreaks(file("broker/base/x.ts", forms))).toHaveLength(3);
  });

  test("no import where only a comment or nothing speaks of one", () => {
    expect(
      checks.importBreaks(file("broker/base/x.ts", '// from "../wire/a.ts"\n/* import "../wire/b.ts" */\n')),
    ).toEqual([]);
  });

  test("waiting, time, randomness and logging in pure rooms", () => {
    const text = "export async function f() {\n  await g(Date.now(), Math.random());\n  console.log(1);\n}\n";
    expect(checks.purityBreaks(file("operator/machine/decide/x.ts", text))).toHaveLength(5);
    expect(checks.purityBreaks(file("broker/groups/group-state.ts", text))).toHaveLength(5);
    expect(checks.purityBreaks(file("broker/groups/coordinator.ts", text))).toEqual([]);
    const clock = 'import type { Clock } from "#base/clock.ts";\n';
    expect(checks.purityBreaks(file("operator/machine/x.ts", clock))).toHaveLength(1);
    expect(checks.purityBreaks(file("operator/machine/x.ts", '// await\nconst a = "Date.now()";\n'))).toEqual([]);
    expect(isPure("broker/replication/high-watermark.ts")).toBe(true);
    expect(isPure("broker/replication/high-watermark.test.ts")).toBe(false);
  });

  test("work left over, unless it carries a number", () => {
    const [later, broken] = [`TO${"DO"}`, `FIX${"ME"}`];
    const text = `// ${later}: x\n// ${later}(#12): y\n// ${broken}\n`;
    expect(checks.unfinishedBreaks(file("broker/x.ts", text))).toHaveLength(2);
  });

  test("long files and long lines", () => {
    expect(checks.sizeBreaks(file("broker/x.ts", "a;\n".repeat(601)))).toHaveLength(1);
    expect(checks.sizeBreaks(file("broker/x.ts", "a;\n".repeat(600)))).toEqual([]);
    expect(checks.sizeBreaks(file("broker/x.ts", `${"a".repeat(121)}\n`))).toHaveLength(1);
  });

  test("barrels, but not files with anything of their own", () => {
    expect(
      checks.barrelBreaks(file("broker/x.ts", '// All.\nexport * from "./a.ts";\nexport { b } from "./b.ts";\n')),
    ).toHaveLength(1);
    expect(checks.barrelBreaks(file("broker/x.ts", 'export * from "./a.ts";\nexport const b = 1;\n'))).toEqual([]);
    expect(checks.barrelBreaks(file("broker/x.ts", "\n"))).toEqual([]);
  });

  test("paths of a machine and hosts of registries", () => {
    const machine = ["", "home", "someone", "x"].join("/");
    const host = ["https:", "", "npm-mirror.example.org", "x"].join("/");
    expect(checks.placeBreaks(file("docs/x.md", `see ${machine} and ${host}\n`))).toHaveLength(2);
    expect(checks.placeBreaks(file("docs/x.md", "https://registry.npmjs.org/x and broker/home/x\n"))).toEqual([]);
  });

  test("dead links, but not anchors, code or the web", () => {
    const text = "[a](gone.md) [b](#here) [c](https://x.org) [d](there.md#part)\n```\n[e](gone.md)\n```\n";
    const found = checks.linkBreaks(file("docs/x.md", text), (target) => target === "docs/there.md");
    expect(found).toEqual(["docs/x.md:1 links to gone.md, which is not there"]);
  });

  test("paths in tables only", () => {
    const text = "| HW | `broker/replication/high-watermark.ts`, `npm ci` |\n`broker/none.ts`\n";
    expect(checks.pathsInTables(text)).toEqual(["broker/replication/high-watermark.ts"]);
  });

  test("code apart from comments, strings and regular expressions", () => {
    expect(stripped('a; // b\nc("d", /["]e/); /* f */ g').replace(/ +/g, " ")).toBe('a; \nc(" ", / /); g');
    expect(stripped("a / b; `x ${y}` / 2").replace(/ +/g, " ")).toBe("a / b; ` ` / 2");
  });
});
