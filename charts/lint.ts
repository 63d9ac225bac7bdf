/* Renders the chart with several sets of values and holds what comes out against what the chart promises. */
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { checks } from "./lint/checks.ts";
import { helmProgram, linted, rendered } from "./helm.ts";

const crdFolder = path.resolve(import.meta.dirname, "tidemark", "files", "crds");
const crds = existsSync(crdFolder) ? readdirSync(crdFolder).filter((name) => name.endsWith(".yaml")) : [];
const helm = helmProgram();
process.stdout.write(linted(helm));
let broken = 0;
for (const { promise, values, breaks } of checks) {
  let found: string[];
  try {
    found = breaks({
      objects: rendered(helm, values),
      render: (others) => rendered(helm, others),
      crds,
    });
  } catch (error) {
    found = [Error.isError(error) ? error.message : String(error)];
  }
  broken += found.length;
  const details = found.map((one) => `    ${one}\n`).join("");
  process.stdout.write(`${found.length === 0 ? "✓" : "✗"} ${promise}\n${details}`);
}
process.stdout.write(`chart-lint: ${checks.length} promises, ${broken} breaks\n`);
if (broken > 0) process.exit(1);
