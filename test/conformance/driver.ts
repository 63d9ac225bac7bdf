import { type Command, Program } from "./program.ts";

/** How long one verb of a driver may take: no measure of anything, only the end of what hangs. */
const LIMIT_MS = 240_000;

/** What a driver prints: one JSON object a line, each with one of these. */
interface Line {
  /** A record's value, as it was read. */
  readonly value?: string;
  /** How many values of `stream` are acknowledged. */
  readonly acked?: number;
  /** The partitions that a member owns from now on. */
  readonly owns?: readonly number[];
  /** What an admin client saw of its topic. */
  readonly seen?: Seen;
  readonly done?: true;
}

export interface Seen {
  readonly isListed: boolean;
  readonly partitions: number;
  readonly retentionMs: string;
}

/**
 * What every driver understands: it is run as `DRIVER VERB JSON`, of which the JSON is this, `bootstrap` and `topic`.
 *
 * - `write`: `count` records to partition 0 in order, values `PREFIX-0`, `PREFIX-1`, …, acks=all.
 * - `read`: `count` records of partition 0, from its beginning or from the first with a time ≥ `sinceMs`.
 * - `member`: joins `group` and reads until its input ends; then commits what it has read and leaves.
 * - `stream`: `0`, `1`, `2`, … to partition 0 until its input ends, each once the one before is acknowledged.
 * - `make`: creates the topic with two partitions and `retention.ms` 3600000, makes it four and 7200000, and looks.
 * - `drop`: deletes the topic.
 */
export interface Verbs {
  readonly write: {
    readonly prefix: string;
    readonly count: number;
    readonly codec: string;
    readonly idempotent: boolean;
  };
  readonly read: { readonly count: number; readonly sinceMs?: number };
  readonly member: { readonly group: string };
  readonly stream: { readonly idempotent: boolean };
  readonly make: Readonly<Record<never, never>>;
  readonly drop: Readonly<Record<never, never>>;
}

/** One verb that a client's driver carries out. */
export class Driven {
  readonly program: Program;

  constructor(command: Command, verb: keyof Verbs, json: object) {
    this.program = new Program(command, [verb, JSON.stringify(json)], LIMIT_MS);
  }

  #lines(): Line[] {
    const whole = this.program.out.slice(0, this.program.out.lastIndexOf("\n") + 1);
    return whole.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line) as Line] : []));
  }

  values(): string[] {
    return this.#lines().flatMap(({ value }) => (value === undefined ? [] : [value]));
  }

  acked(): number {
    return this.#lines().findLast(({ acked }) => acked !== undefined)?.acked ?? 0;
  }

  /** Null while it has not been told any. */
  owns(): readonly number[] | null {
    return this.#lines().findLast(({ owns }) => owns !== undefined)?.owns ?? null;
  }

  seen(): Seen | undefined {
    return this.#lines().findLast(({ seen }) => seen !== undefined)?.seen;
  }

  until(what: string, condition: () => boolean): Promise<void> {
    return this.program.until(what, condition);
  }

  /** Asks it to end, and waits for its good end. */
  async finish(): Promise<this> {
    this.program.endInput();
    await this.program.success();
    if (!this.#lines().some(({ done }) => done))
      throw new Error(`it did not say that it is done: ${this.program.complaint()}`);
    return this;
  }
}

/** A client's driver, told of the cluster and the topic. */
export class Driver {
  readonly #command: Command;
  readonly #where: { readonly bootstrap: string; readonly topic: string };

  constructor(command: Command, where: { readonly bootstrap: string; readonly topic: string }) {
    this.#command = command;
    this.#where = where;
  }

  /** Begins a verb that goes on until it is told to end, or by itself. */
  start<V extends keyof Verbs>(verb: V, json: Verbs[V]): Driven {
    return new Driven(this.#command, verb, { ...this.#where, ...json });
  }

  /** A verb to its good end. */
  run<V extends keyof Verbs>(verb: V, json: Verbs[V]): Promise<Driven> {
    return this.start(verb, json).finish();
  }
}
