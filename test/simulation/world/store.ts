import { TidemarkError } from "../../../broker/base/errors.ts";
import type { MetadataVersion } from "../../../broker/contract/rows.ts";
import { apply } from "../../../operator/machine/apply.ts";
import type { Change } from "../../../operator/machine/changes.ts";
import { EMPTY_STORED_STATE, FIRST_VERSION, type State, stateOf, storedOf } from "../../../operator/machine/state.ts";
import type {
  CommitOutcome,
  Loaded,
  MetadataStore,
  StoreWrite,
  Written,
} from "../../../operator/ports/metadata-store.ts";
import type { SimulatedProcess } from "./process.ts";
import type { SeededRandom } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

/** What the next operations of the store do; faults set them. */
export interface StoreMood {
  /** No operation is answered before. */
  unreachableUntilUs: number;
  /** Probability that a commit is answered "unknown"; whether it lands, and when, is drawn then. */
  unknownShare: number;
}

const sameVersion = (a: MetadataVersion, b: MetadataVersion): boolean =>
  a.controllerEpoch === b.controllerEpoch && a.sequence === b.sequence;

/** The one metadata store, which outlives all controllers: compare-and-swap on its version. */
export class SimulatedStore {
  readonly mood: StoreMood = { unreachableUntilUs: 0, unknownShare: 0 };
  /** Right after a commit landed, before anybody is told. */
  onCommitted: (version: MetadataVersion, changes: readonly Change[], by: SimulatedProcess) => void = () => {};
  onUnknown: () => void = () => {};
  #state: State;
  #writer = "";
  readonly #scheduler: Scheduler;
  readonly #random: SeededRandom;

  constructor(scheduler: Scheduler, random: SeededRandom) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#state = stateOf(EMPTY_STORED_STATE, FIRST_VERSION, {});
  }

  get state(): State {
    return this.#state;
  }

  /** The `MetadataStore` port of one controller process. */
  portOf(process: SimulatedProcess): MetadataStore {
    return {
      load: () => this.#answer(process, () => this.#loaded()),
      newest: () => this.#answer(process, () => this.#newest()),
      commit: (write) => this.#commit(process, write),
      close: () => Promise.resolve(),
    };
  }

  #loaded(): Loaded {
    const copy = JSON.parse(JSON.stringify(storedOf(this.#state))) as Loaded["state"];
    return { ...this.#newest(), state: copy };
  }

  #newest(): Written {
    return { version: this.#state.version, writer: this.#writer };
  }

  #isUnreachable(): boolean {
    return this.mood.unreachableUntilUs > this.#scheduler.nowUs;
  }

  #answer<T>(process: SimulatedProcess, value: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const delayUs = this.#random.between(300, 3000) + (this.#isUnreachable() ? 200_000 : 0);
      this.#scheduler.after(delayUs, process, () => {
        if (this.#isUnreachable()) reject(new TidemarkError("STORE_FAILED", "the store cannot be reached"));
        else resolve(value());
      });
    });
  }

  #commit(process: SimulatedProcess, write: StoreWrite): Promise<CommitOutcome> {
    const random = this.#random;
    const copy = JSON.parse(JSON.stringify(write)) as StoreWrite;
    if (this.#isUnreachable() || random.chance(this.mood.unknownShare)) return this.#commitUnknown(process, copy);
    return new Promise((resolve) => {
      const onWayUs = random.between(200, 2000);
      this.#scheduler.after(onWayUs, null, () => {
        const outcome = this.#land(process, copy);
        this.#scheduler.after(random.between(100, 1000), process, () => resolve(outcome));
      });
    });
  }

  /** The answer is lost: the write lands at once, later, or never. */
  #commitUnknown(process: SimulatedProcess, write: StoreWrite): Promise<CommitOutcome> {
    const random = this.#random;
    this.onUnknown();
    const fate = this.#isUnreachable() ? random.between(1, 2) : random.between(0, 2);
    if (fate !== 2) {
      const landingUs = fate === 0 ? random.between(200, 2000) : random.between(5_000, 900_000);
      this.#scheduler.after(landingUs, null, () => void this.#land(process, write));
    }
    return new Promise((resolve) => {
      this.#scheduler.after(random.between(5_000, 300_000), process, () => resolve("unknown"));
    });
  }

  #land(process: SimulatedProcess, write: StoreWrite): CommitOutcome {
    if (!sameVersion(write.expected, this.#state.version)) return "conflict";
    this.#state = apply(this.#state, write.changes, write.version);
    this.#writer = write.writer;
    this.#scheduler.note(write.version.sequence);
    this.onCommitted(write.version, write.changes, process);
    return "committed";
  }
}
