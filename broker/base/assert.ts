/** A broken invariant: a bug of ours, never bad input. The process that meets one must end. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** States what must hold here. Stays on in production; never used for input from outside. */
export function assert(condition: unknown, whatMustHold: string): asserts condition {
  if (!condition) throw new InvariantError(`invariant broken: ${whatMustHold}`);
}

/** Marks a branch the type system proves unreachable. */
export function unreachable(value: never, what: string): never {
  throw new InvariantError(`invariant broken: ${what} cannot be ${JSON.stringify(value)}`);
}
