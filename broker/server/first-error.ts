/** Levels of arrays in a response at which errors stand: topics, and partitions within them. */
const DEPTH_MAX = 2;

/** The first error code in a response, its own or that of a topic or partition in it; 0 when there is none. */
export const firstErrorIn = (response: unknown): number => errorIn(response, DEPTH_MAX);

function errorIn(value: unknown, depth: number): number {
  if (typeof value !== "object" || value === null) return 0;
  const { errorCode } = value as { errorCode?: unknown };
  if (typeof errorCode === "number" && errorCode !== 0) return errorCode;
  if (depth === 0) return 0;
  const fields = value as Record<string, unknown>;
  for (const name in fields) {
    const field = fields[name];
    if (!Array.isArray(field) || typeof field[0] !== "object") continue;
    // Records are bytes, not fields.
    if (field[0] === null || ArrayBuffer.isView(field[0])) continue;
    for (const item of field) {
      const code = errorIn(item, depth - 1);
      if (code !== 0) return code;
    }
  }
  return 0;
}
