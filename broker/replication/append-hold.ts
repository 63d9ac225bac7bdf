export type HoldReason = "handOver" | "unwritten";

/**
 * A gate before the log. While it is closed whoever wants to append parks; when it opens the parked go first, in the
 * order in which they came.
 */
export class AppendHold {
  readonly #reasons = new Set<HoldReason>();
  #parked: (() => void)[] = [];

  get isClosed(): boolean {
    return this.#reasons.size > 0;
  }

  /** Stays closed as long as any reason stands. */
  close(reason: HoldReason): void {
    this.#reasons.add(reason);
  }

  /** Takes one reason away; the last one opens the gate. */
  open(reason: HoldReason): void {
    if (!this.#reasons.delete(reason) || this.isClosed) return;
    const parked = this.#parked;
    this.#parked = [];
    for (const retry of parked) {
      // Closed again by one of them: the others keep their places.
      if (this.isClosed) this.#parked.push(retry);
      else retry();
    }
  }

  /** Calls `retry` once the gate is open; the caller then tries again, and may have to park again. */
  park(retry: () => void): void {
    this.#parked.push(retry);
  }
}
