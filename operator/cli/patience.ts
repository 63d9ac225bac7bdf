const RETRY_MS = 50;

export const pause = (delayMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, delayMs));

/** Tries again while leaders move and brokers come back, for so long without any success. */
export class Patience {
  readonly #limitMs: number;
  #troubleSinceMs: number | null = null;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /** Something went well. */
  renew(): void {
    this.#troubleSinceMs = null;
  }

  /** @param judge  Throws what will not get better by waiting; `isOver` once the patience is at its end. */
  async with<T>(attempt: () => Promise<T>, judge: (error: unknown, isOver: boolean) => void): Promise<T> {
    for (;;) {
      try {
        const result = await attempt();
        this.renew();
        return result;
      } catch (error) {
        this.#troubleSinceMs ??= performance.now();
        judge(error, performance.now() - this.#troubleSinceMs > this.#limitMs);
        await pause(RETRY_MS);
      }
    }
  }
}
