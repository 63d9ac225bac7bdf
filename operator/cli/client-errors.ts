/** Errors as the client library nests them: of several brokers, each with the cause that it has. */
interface Nested {
  readonly errors?: readonly unknown[];
  /** Name of one of Kafka's errors. */
  readonly apiId?: unknown;
  /** What the broker said about it. */
  readonly serverErrorMessage?: unknown;
}

const innerOf = (error: Error): unknown[] =>
  [...((error as Nested).errors ?? []), error.cause].filter((one) => one !== undefined);

/** The reasons inside an error of the client library, innermost last. */
export function reasons(error: unknown): string[] {
  if (!Error.isError(error)) return [String(error)];
  const own = (error as Nested).apiId;
  const text = typeof own === "string" ? own : error.message.split("\n", 1)[0]!;
  return [text, ...innerOf(error).flatMap(reasons)];
}

/** One of Kafka's errors that a broker answered, with the broker's own words; null when no broker answered one. */
export function refusalIn(error: unknown): { readonly error: string; readonly text: string } | null {
  if (!Error.isError(error)) return null;
  const { apiId, serverErrorMessage } = error as Nested;
  if (typeof apiId === "string") {
    return { error: apiId, text: typeof serverErrorMessage === "string" ? serverErrorMessage : apiId };
  }
  for (const inner of innerOf(error)) {
    const found = refusalIn(inner);
    if (found !== null) return found;
  }
  return null;
}
