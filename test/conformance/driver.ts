import { type Command, Program } from "./program.ts";

/** How long one verb of a driver may take: no measure of anything, only the end of what hangs. */
const LIMIT_MS = 240_000;

/** What a driver prints: one JSON object a line, each with one of these. */
interface Line {
  /** A record's value, as it was read; null of a tombstone. */
  readonly value?: string | null;
  /** Beside `value`, by `read`: the record's key, null where it has none. */
  readonly key?: string | null;
  /** How many values of `stream` are acknowledged. */
  readonly acked?: number;
  /** The partitions that a member owns from now on. */
  readonly owns?: readonly number[];
  /** What the client says of its transaction that was refused. */
  readonly refused?: string;
  /** What an admin client saw of its topic. */
  readonly seen?: Seen;
  readonly done?: true;
}

/** A record's key and its value, or null: a tombstone. */
export type Pair = readonly [key: string, value: string | null];

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
 * - `create`: creates the topic with one partition and `config`.
 * - `put`: `pairs` to partition 0 in order, each once the one before is acknowledged, acks=all.
 * - `member`: joins `group` and reads until its input ends; then commits what it has read and leaves. As the static
 *   member `instance`, with the assignor `cooperative-sticky`, or with `auto.offset.reset` none where it is told so:
 *   then it ends with what the client says when there is no commit. Where `commits` is automatic, it leaves committing
 *   to the client, every five seconds. What it owns it says after each change.
 * - `stream`: `0`, `1`, `2`, … to partition 0 until its input ends, each once the one before is acknowledged.
 * - `make`: creates the topic with two partitions and `retention.ms` 3600000, makes it four and 7200000, and looks.
 * - `drop`: deletes the topic.
 * - `transact`: writes one record in a transaction, and says with what words the client refuses.
 */
export interface Verbs {
  readonly write: {
    readonly prefix: string;
    readonly count: number;
    readonly codec: string;
    readonly idempotent: boolean;
  };
  readonly read: { readonly count: number; readonly sinceMs?: number };
  readonly create: { readonly config: Readonly<Record<string, string>> };
  readonly put: { readonly pairs: readonly Pair[] };
  readonly member: {
    readonly group: string;
    readonly instance?: string;
    readonly assignor?: "cooperative-sticky";
    readonly reset?: "none";
    readonly commits?: "automatic";
  };
  readonly stream: { readonly idempotent: boolean };
  readonly make: Readonly<Record<never, never>>;
  readonly drop: Readonly<Record<never, never>>;
  readonly transact: Readonly<Record<never, never>>;
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
    return this.#lines().flatMap(({ value }) => (typeof value === "string" ? [value] : []));
  }

  /** Keys and values, as `read` has read them. */
  pairs(): Pair[] {
    return this.#lines().flatMap(({ key, value }) =>
      typeof key === "string" && value !== undefined ? [[key, value]] : [],
    );
  }

  acked(): number {
    return this.#lines().findLast(({ acked }) => acked !== undefined)?.acked ?? 0;
  }

  /** Null while it has not been told any. */
  owns(): readonly number[] | null {
    return this.owned().at(-1) ?? null;
  }

  /** Everything that it has owned, one after the other. */
  owned(): (readonly number[])[] {
    return this.#lines().flatMap(({ owns }) => (owns === undefined ? [] : [owns]));
  }

  /** The words with which the client refused; "" when it did not. */
  refusal(): string {
    return this.#lines().find(({ refused }) => refused !== undefined)?.refused ?? "";
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

  /** The same client, told of another topic. */
  on(topic: string): Driver {
    return new Driver(this.#command, { ...this.#where, topic });
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
