import { isMap, isScalar, parseDocument, type YAMLMap } from "yaml";

interface Value {
  readonly key: string;
  readonly default: string;
  readonly description: string;
}

const comment = (text: string | null | undefined): string =>
  (text ?? "")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .join(" ");

/**
 * Every value of values.yaml with what its comment says. A mapping that has a comment is one value; one without is
 * gone into.
 * @throws Error naming a value that nobody has described.
 */
export function valuesOf(text: string): Value[] {
  const document = parseDocument(text);
  const visit = (map: YAMLMap, prefix: string, first: string): Value[] =>
    map.items.flatMap((pair, index) => {
      if (!isScalar(pair.key)) throw new Error(`${prefix} has a key that is no text`);
      const key = `${prefix}${pair.key.value}`;
      // The comment before a mapping's first key stands on the mapping.
      const own = comment(pair.key.commentBefore) || (index === 0 ? first : "");
      const below = pair.value;
      const inner = isMap(below) ? comment(below.commentBefore) : "";
      if (isMap(below) && below.items.length > 0 && own === "") return visit(below, `${key}.`, inner);
      if (own === "") throw new Error(`values.yaml: ${key} has no comment that says what it is`);
      const value = isMap(below) || !isScalar(below) ? (below as { toJSON(): unknown }).toJSON() : below.value;
      return [{ key, default: JSON.stringify(value), description: own }];
    });
  if (!isMap(document.contents)) throw new Error("values.yaml is no mapping");
  return visit(document.contents, "", comment(document.commentBefore));
}

/** The chart's README: `template` with the table of values where it says so. */
export function chartReadme(template: string, values: string): string {
  const rows = valuesOf(values).map(
    ({ key, default: value, description }) => `| \`${key}\` | \`${value.replaceAll("|", "\\|")}\` | ${description} |`,
  );
  const table = ["| value | default | what it is |", "|---|---|---|", ...rows].join("\n");
  const marker = "<!-- values -->";
  if (!template.includes(marker)) throw new Error(`the README's template has no ${marker}`);
  const header = "<!-- Written by `make chart` from README.template.md and values.yaml. -->";
  return `${header}\n${template.replace(marker, () => table)}`;
}
