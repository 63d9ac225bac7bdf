import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";

jest.setTimeout(180_000);

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** One run of the demo without a terminal. */
function demo(...args: string[]): Promise<Ended> {
  const run = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", "examples/demo/main.ts", ...args]);
  let [out, err] = ["", ""];
  run.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  run.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  return new Promise((resolve) => run.once("close", (code) => resolve({ code, out, err })));
}

describe("the demo", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "demo-test-"));
  const input = path.join(folder, "clicks.csv");

  beforeAll(() => {
    const lines = Array.from({ length: 25_000 }, (_, n) => `user-${n % 3000},click ${n}`);
    writeFileSync(input, `${lines.join("\n")}\n`);
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("kills a leader under load, has it come back, and finds every record once and in order", async () => {
    const { code, out, err } = await demo("--input", input);
    expect(err).toBe("");
    expect(out).toMatch(
      /kill -9 broker \d \(pid \d+\), leader of 8 partitions, with ([5-9]|\d\d) produce requests open/,
    );
    expect(out).toMatch(/all 8 have a new leader, elected from the in-sync replicas/);
    expect(out).toMatch(/every partition has all its replicas in sync again/);
    expect(out).toMatch(/records acknowledged +25,000 of 25,000/);
    expect(out).toMatch(/read back +25,000, of 3,000 keys/);
    for (const what of ["lost", "duplicated", "out of order per key", "changed"])
      expect(out).toMatch(new RegExp(`${what} +0\\n`));
    expect(out).toMatch(/[0-9a-f]{16}… written = read/);
    expect(out).toContain("✓ nothing was lost, doubled or reordered");
    expect(code).toBe(0);
  });

  test.each([
    [["--input", "nowhere"], "demo: nowhere: no such file\n"],
    [["--input", "examples"], "demo: examples: is no file\n"],
    [["--inptu", "x"], "demo: Unknown option '--inptu'; known: --input FILE, or - for standard input\n"],
    [["--input", "package.json"], "demo: the input has only "],
  ])("%j is refused with one line", async (args, line) => {
    const { code, err } = await demo(...args);
    expect(code).toBe(1);
    expect(err.startsWith(line) && err.indexOf("\n") === err.length - 1).toBe(true);
  });
});
