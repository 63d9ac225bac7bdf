import { expect, test } from "@jest/globals";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { tokenGuard } from "./request-guard.ts";
import { TokenFiles } from "./token-files.ts";
import { tokensOf } from "./token-match.ts";

test("the current token and the one before are accepted, and files that change are read again", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "tidemark-token-"));
  const [current, previous] = [path.join(folder, "current"), path.join(folder, "previous")];
  let nowMs = 0;
  const tokens = new TokenFiles({ current, previous }, () => nowMs);
  expect([tokens.current, tokens.accepts("")]).toEqual(["", false]);
  writeFileSync(current, "one\n");
  nowMs += 5000;
  expect([tokens.current, tokens.accepts("one"), tokens.accepts("")]).toEqual(["one", true, false]);
  writeFileSync(current, "two\n");
  writeFileSync(previous, "one\n");
  nowMs += 5000;
  expect([tokens.current, tokens.accepts("one"), tokens.accepts("two")]).toEqual(["two", true, true]);
  rmSync(previous);
  nowMs += 5000;
  expect(tokens.accepts("one")).toBe(false);
  // A volume that is being replaced has no files for a moment.
  rmSync(current);
  nowMs += 5000;
  expect([tokens.current, tokens.accepts("two")]).toEqual(["two", true]);
  rmSync(folder, { recursive: true });
});

test("strangers fill no log: one warning in ten seconds, with how many there were", () => {
  const warnings: unknown[] = [];
  const logger = { debug() {}, info() {}, error() {}, warn: (_: string, fields?: object) => warnings.push(fields) };
  let nowMs = 0;
  const guard = tokenGuard({ logger, nowMs: () => nowMs }, () => tokensOf(() => ["secret"]));
  const knock = () => guard({ method: "POST", path: "/v1/admin", authorization: undefined, remote: "10.0.0.9" });
  for (let i = 0; i < 1000; i++) expect(knock()).toContain("token");
  expect(warnings).toHaveLength(1);
  nowMs += 10_000;
  knock();
  expect(warnings[1]).toMatchObject({ refused: 1000, why: "no token", remote: "10.0.0.9" });
});
