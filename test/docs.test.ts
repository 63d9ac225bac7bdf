import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "@jest/globals";
import { brokerConfigKeys, type ConfigKey, topicConfigKeys } from "../broker/contract/config-keys.ts";
import { handlers } from "../broker/handlers/table.ts";
import { program } from "../operator/cli/program.ts";
import { kinds } from "../operator/ports/kubernetes.ts";

const page = (name: string): string => readFileSync(path.join(import.meta.dirname, "../docs", name), "utf8");

/** Rows of the tables of a page whose first cell is in backquotes, without the backquotes. */
const rowsOf = (text: string, heading: string): string[][] => {
  const [, section = ""] = text.split(`## ${heading}\n`);
  const [body = ""] = section.split("\n## ");
  return body
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll("`", "")),
    );
};

const shown = ({ name, type, defaultValue, doc }: ConfigKey, fourth: string): string[] => [
  name,
  type,
  defaultValue ?? "",
  fourth,
  doc,
];
const changes = { readOnly: "at start", clusterWide: "all brokers", perBroker: "all or one" } as const;
const synonymsOf = ({ synonyms }: ConfigKey): string => synonyms.map(({ key }) => key).join(", ");

test("docs/configuration.md has every key of a topic, as the table of keys says it", () => {
  const rows = rowsOf(page("configuration.md"), "Topics");
  expect(rows).toEqual([...topicConfigKeys.values()].map((key) => shown(key, synonymsOf(key))));
});

test("docs/configuration.md has every key of a broker, as the table of keys says it", () => {
  const rows = rowsOf(page("configuration.md"), "Brokers");
  expect(rows).toEqual([...brokerConfigKeys.values()].map((key) => shown(key, changes[key.update])));
});

test("docs/protocol.md has every API key that is served, with the versions that are told to clients", () => {
  const rows = rowsOf(page("protocol.md"), "What is served").map(([name, key, versions]) => [name, key, versions]);
  const served = handlers.map(({ api, advertised: { min, max } }) => [api.name, String(api.key), `${min}–${max}`]);
  expect(rows).toEqual(served.sort((a, b) => Number(a[1]) - Number(b[1])));
});

/** Words in quotes that look like a reason and are none. `pods.ts` has Kubernetes' own. */
const noReasons = new Set([
  ...Object.keys(kinds),
  "True",
  "False",
  "Unknown",
  "Made",
  "Changed",
  "Pending",
  "ResizeError",
]);

test("docs/kubernetes.md explains every reason of a condition or an Event that reconcilers can give", () => {
  const folder = path.join(import.meta.dirname, "../operator/reconcilers");
  const sources = readdirSync(folder).filter((name) => /(?<!\.test)\.ts$/.test(name) && name !== "pods.ts");
  const words = sources.flatMap((name) =>
    [...readFileSync(path.join(folder, name), "utf8").matchAll(/"([A-Z][A-Za-z]+)"/g)].map(([, word = ""]) => word),
  );
  const reasons = [...new Set(words)].filter((word) => !noReasons.has(word)).sort();
  expect(reasons).toContain("RollFailed");
  const text = page("kubernetes.md");
  const isExplained = (reason: string): boolean =>
    [`\`${reason}\``, `| ${reason} |`].some((form) => text.includes(form));
  expect(reasons.filter((reason) => !isExplained(reason))).toEqual([]);
});

test("docs/command-line.md names every command and every option of it", () => {
  const text = page("command-line.md");
  const [, shared = ""] = text.split("## Which cluster\n");
  const [everywhere = ""] = shared.split("\n## ");
  const missing = program().commands.flatMap((command) => {
    const [, section = ""] = text.split(`## \`tidemark ${command.name()}\`\n`);
    const [own = ""] = section.split("\n## ");
    const words = [command, ...command.commands].flatMap((one) => [
      ...(one === command ? [] : [`${command.name()} ${one.name()}`]),
      ...one.options.map(({ long }) => long ?? ""),
    ]);
    const isNamed = (word: string): boolean => own.includes(word) || everywhere.includes(word);
    return words.filter((word) => !isNamed(word)).map((word) => `${command.name()}: ${word}`);
  });
  expect(program().commands.length).toBeGreaterThan(5);
  expect(missing).toEqual([]);
});
