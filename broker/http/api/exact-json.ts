/** What ECMAScript has and the type library not yet: numbers that are written as they were read. */
const exact = JSON as unknown as {
  parse(text: string, revive: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
  rawJSON(source: string): unknown;
};

/** Somewhere a number may stand that would be written otherwise than it was read: 2^53 and more, 1.0, 1e3, -0. */
const DELICATE = /\d{16}|\d[.eE]|-0/;

/**
 * Parses JSON so that `JSON.stringify` writes each number as its author did: a consumer with wider numbers must not
 * find ours. Such a number is then an object, and no number for whoever looks at the value.
 * @throws SyntaxError
 */
export function parseExact(text: string): unknown {
  if (!DELICATE.test(text)) return JSON.parse(text);
  return exact.parse(text, (_, value, { source }) =>
    typeof value === "number" && source !== undefined && String(value) !== source ? exact.rawJSON(source) : value,
  );
}
