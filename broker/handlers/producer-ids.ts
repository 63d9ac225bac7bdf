import type { ControllerCalls } from "./context.ts";

/**
 * Ids of idempotent producers, unique in the cluster for ever: taken from blocks that the controller hands out and
 * remembers. What is left of a block when the broker stops is never used.
 */
export class ProducerIds {
  readonly #controller: ControllerCalls;
  #next = 0;
  #end = 0;
  #refill: Promise<boolean> | null = null;

  constructor(controller: ControllerCalls) {
    this.#controller = controller;
  }

  /** null when the controller cannot be asked now. */
  async take(): Promise<number | null> {
    while (this.#next === this.#end) {
      this.#refill ??= this.#ask();
      if (!(await this.#refill)) return null;
    }
    return this.#next++;
  }

  async #ask(): Promise<boolean> {
    try {
      const response = await this.#controller.admin({ kind: "allocateProducerIds" });
      if (response.kind !== "allocateProducerIds" || response.count <= 0) return false;
      this.#next = response.first;
      this.#end = response.first + response.count;
      return true;
    } finally {
      this.#refill = null;
    }
  }
}
