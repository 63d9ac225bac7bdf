import type { Outcome } from "./scene.ts";
import type { Paint } from "./view-panel.ts";

const count = (value: number): string => value.toLocaleString("en-US");

/** The end of the demo in a few lines, and whether all went as it must. */
export function verdictLines(outcome: Outcome, paint: Paint): { lines: string[]; isGood: boolean } {
  const { verdict } = outcome;
  const isGood = verdict.isPerfect && outcome.isWhole && outcome.openAtKill >= 5;
  const zero = (value: number): string => (value === 0 ? paint.good("0") : paint.bad(count(value)));
  const digest = verdict.inputDigest.slice(0, 16);
  const isSame = verdict.inputDigest === verdict.readDigest;
  const leaderlessMs = Math.round(outcome.leaderlessMs);
  const silentMs = Math.round(outcome.silentMs);
  const rows: [string, string][] = [
    ["records acknowledged", `${count(verdict.acked)} of ${count(verdict.input)}`],
    ["read back", `${count(verdict.readBack)}, of ${count(verdict.keys)} keys`],
    ["lost", zero(verdict.lost)],
    ["duplicated", zero(verdict.duplicated)],
    ["out of order per key", zero(verdict.outOfOrder)],
    ["changed", zero(verdict.changed)],
    [
      "SHA-256 of all",
      isSame
        ? paint.good(`${digest}… written = read`)
        : paint.bad(`${digest}… written, ${verdict.readDigest.slice(0, 16)}… read`),
    ],
    [
      "open at the kill",
      `${outcome.openAtKill} produce requests at broker ${outcome.victim}, leader of ${outcome.victimLed}`,
    ],
    ["time without a leader", `${leaderlessMs} ms (slowest partition); first acknowledgement after ${silentMs} ms`],
    ["by the successors", `${count(outcome.bySuccessor)} records before broker ${outcome.victim} came back`],
    ["best second", `${count(outcome.recordsPerSecondMax)} records`],
  ];
  const lines = [
    "",
    `  ${paint.bold("Verdict")}`,
    ...rows.map(([name, value]) => `    ${name.padEnd(22)} ${value}`),
    "",
  ];
  lines.push(
    isGood ? `  ${paint.good("✓ nothing was lost, doubled or reordered")}` : `  ${paint.bad("✗ not as it must be")}`,
    "",
  );
  return { lines, isGood };
}
