/** Runs tasks one after the other. A task that has nothing to wait for runs at once when none is before it. */
export class SerialQueue {
  readonly #onError: (error: unknown) => void;
  readonly #tasks: (() => void | Promise<void>)[] = [];
  #isBusy = false;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** Asked from within a task: nothing waits behind it. */
  get isIdleAfterThis(): boolean {
    return this.#tasks.length === 0;
  }

  run(task: () => void | Promise<void>): void {
    this.#tasks.push(task);
    if (!this.#isBusy) this.#next();
  }

  #next(): void {
    for (;;) {
      const task = this.#tasks.shift();
      if (task === undefined) return;
      this.#isBusy = true;
      const running = this.#start(task);
      if (running !== undefined) {
        running.then(
          () => this.#resume(),
          (error: unknown) => {
            this.#onError(error);
            this.#resume();
          },
        );
        return;
      }
      this.#isBusy = false;
    }
  }

  #start(task: () => void | Promise<void>): void | Promise<void> {
    try {
      return task();
    } catch (error) {
      this.#onError(error);
    }
  }

  #resume(): void {
    this.#isBusy = false;
    this.#next();
  }
}
