const TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)?)?$/;
const AGO = /^-(\d{1,9})(ms|s|m|h|d)$/;
const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads an ISO 8601 time; without a zone it is local, a day alone is UTC. Null when it is none. */
export function timeOf(text: string): number | null {
  const timestampMs = TIME.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(timestampMs) ? null : timestampMs;
}

/** The same, or milliseconds since 1970, or how long ago, as -90s, -15m, -1h, -2d. Null when it is none of them. */
export function momentOf(text: string, nowMs: number): number | null {
  const [, amount, unit = ""] = AGO.exec(text) ?? [];
  if (amount !== undefined) return nowMs - Number(amount) * (UNITS_MS[unit] ?? 0);
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : timeOf(text);
}
