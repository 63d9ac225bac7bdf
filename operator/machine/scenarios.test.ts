import { expect, test } from "@jest/globals";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { replay } from "./testing/scenario.ts";

// SCENARIOS=write writes down what the machine says now; the difference is for a person to judge.
const isWriting = process.env["SCENARIOS"] === "write";
const folder = path.join(import.meta.dirname, "scenarios");
const names = readdirSync(folder).filter((name) => name.endsWith(".txt"));

test("there are scenarios", () => {
  expect(names.length).toBeGreaterThan(5);
});

test.each(names)("scenario %s says what it said before", (name) => {
  const file = path.join(folder, name);
  const transcript = readFileSync(file, "utf8");
  const replayed = replay(transcript);
  if (isWriting) writeFileSync(file, replayed);
  else expect(replayed).toBe(transcript);
});
