import { type Clock, sleep } from "#base/clock.ts";
import { TidemarkError } from "#base/errors.ts";
import type { MetadataVersion } from "#contract/rows.ts";
import { apply } from "../../machine/apply.ts";
import type { Change } from "../../machine/changes.ts";
import { EMPTY_STORED_STATE, FIRST_VERSION, type State, stateOf, storedOf } from "../../machine/state.ts";
import type { CommitOutcome, Loaded, MetadataStore, StoreWrite, Written } from "../../ports/metadata-store.ts";

/** What becomes of one access: chosen by whoever tests. */
export interface StoreFault {
  /** Before the write is looked at. */
  readonly delayMs?: number;
  /** Between the write landing, or not, and its answer. */
  readonly answerDelayMs?: number;
  /** `unknown`: the answer is lost; `landed` says whether the write was. `unreachable`: nothing gets through. */
  readonly kind: "none" | "unreachable" | { readonly unknown: { readonly landed: boolean } };
}

export interface StoreFaults {
  /** Asked at every access. */
  next(access: "load" | "newest" | "commit"): StoreFault;
}

const NO_FAULT: StoreFault = { kind: "none" };
export const noFaults: StoreFaults = { next: () => NO_FAULT };

const isSame = (a: MetadataVersion, b: MetadataVersion): boolean =>
  a.controllerEpoch === b.controllerEpoch && a.sequence === b.sequence;

/** The content that the stores of several controllers share; it outlives each of them. */
export class MemoryMetadata {
  #state: State = stateOf(EMPTY_STORED_STATE, FIRST_VERSION, {});
  #writer = "";
  /** Called after each commit, in the same turn. */
  onCommit: (version: MetadataVersion, changes: readonly Change[], state: State) => void = () => {};

  get state(): State {
    return this.#state;
  }

  get newest(): Written {
    return { version: this.#state.version, writer: this.#writer };
  }

  /** @returns whether the store held what the write expects. */
  write({ expected, version, writer, changes }: StoreWrite): boolean {
    if (!isSame(this.#state.version, expected)) return false;
    this.#state = apply(this.#state, changes, version);
    this.#writer = writer;
    this.onCommit(version, changes, this.#state);
    return true;
  }
}

/** One controller's access to a shared content in memory, with faults on demand. */
export class MemoryStore implements MetadataStore {
  readonly #metadata: MemoryMetadata;
  readonly #clock: Clock;
  readonly #faults: StoreFaults;

  constructor(ports: { clock: Clock }, options: { metadata: MemoryMetadata; faults?: StoreFaults }) {
    this.#clock = ports.clock;
    this.#metadata = options.metadata;
    this.#faults = options.faults ?? noFaults;
  }

  async load(): Promise<Loaded> {
    await this.#reach("load");
    return { ...this.#metadata.newest, state: storedOf(this.#metadata.state) };
  }

  async newest(): Promise<Written> {
    await this.#reach("newest");
    return this.#metadata.newest;
  }

  async commit(write: StoreWrite): Promise<CommitOutcome> {
    const fault = this.#faults.next("commit");
    await this.#wait(fault.delayMs);
    if (fault.kind === "unreachable") return "unknown";
    if (fault.kind !== "none") {
      if (fault.kind.unknown.landed) this.#metadata.write(write);
      await this.#wait(fault.answerDelayMs);
      return "unknown";
    }
    const isWritten = this.#metadata.write(write);
    await this.#wait(fault.answerDelayMs);
    return isWritten ? "committed" : "conflict";
  }

  async close(): Promise<void> {}

  async #reach(access: "load" | "newest"): Promise<void> {
    const fault = this.#faults.next(access);
    await this.#wait(fault.delayMs);
    if (fault.kind === "unreachable") throw new TidemarkError("STORE_FAILED", "the metadata store cannot be reached");
    await this.#wait(fault.answerDelayMs);
  }

  async #wait(delayMs: number | undefined): Promise<void> {
    if (delayMs !== undefined && delayMs > 0) await sleep(this.#clock, delayMs);
  }
}
