/** JSON with its keys in order: equal values have equal texts. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value)
      .filter(([, part]) => part !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, part]) => `${JSON.stringify(key)}:${canonical(part)}`).join(",")}}`;
  }
  return JSON.stringify(value) ?? "null";
}

/** FNV-1a of 32 bits over UTF-16 units. Source: draft-eastlake-fnv. */
function fnv(text: string, basis: number): number {
  let hash = basis;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}

/** 16 hexadecimal digits that change when the value does. Against accidents, not against enemies. */
export function hashOf(value: unknown): string {
  const text = canonical(value);
  const hex = (part: number): string => part.toString(16).padStart(8, "0");
  return hex(fnv(text, 0x811c9dc5)) + hex(fnv(text, 0x2b3a1d7f));
}
