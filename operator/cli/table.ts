/** Columns as wide as their widest cell; the first row is the heads. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** Brokers in one cell. */
export const idCell = (ids: readonly number[]): string => (ids.length === 0 ? "-" : ids.join(","));

export const outputs = ["table", "json"] as const;
export type Output = (typeof outputs)[number];

/** Prints what was found: as a table for people, or whole for programs. */
export function print(
  output: Output,
  found: { readonly json: unknown; readonly rows: readonly (readonly string[])[] },
) {
  const text = output === "json" ? JSON.stringify(found.json, null, 2) : table(found.rows).join("\n");
  process.stdout.write(`${text}\n`);
}
