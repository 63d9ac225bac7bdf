import type { MetadataVersion } from "#contract/rows.ts";
import type { Change } from "../machine/changes.ts";
import type { StoredState } from "../machine/state.ts";

/** The newest write that a store holds. Two controllers may claim the same epoch; only one of them wrote. */
export interface Written {
  readonly version: MetadataVersion;
  /** Incarnation of the controller that wrote it; "" in a new store. */
  readonly writer: string;
}

/** What a store holds. */
export interface Loaded extends Written {
  readonly state: StoredState;
}

/** One commit. The same one may be sent again until its outcome is known. */
export interface StoreWrite extends Written {
  /** What the store must hold, or nothing of this happens (compare-and-swap). */
  readonly expected: MetadataVersion;
  /** Applied in this order. A store that cannot write all at once keeps the order. */
  readonly changes: readonly Change[];
}

/**
 * `committed`: durable. `conflict`: the store holds another version than expected; also the answer to a write that had
 * landed already, so the caller looks (`newest`). `unknown`: it may have landed, land later, or never; the caller sends
 * the same write again and decides nothing else before that is settled.
 */
export type CommitOutcome = "committed" | "conflict" | "unknown";

/** Where the controller's state lives. Only one write is in flight at a time. */
export interface MetadataStore {
  /**
   * The newest state, or, in a new store, the empty one with version (0, 0).
   * @throws TidemarkError STORE_FAILED when it cannot be reached now; STORE_CORRUPT when it cannot be trusted.
   */
  load(): Promise<Loaded>;
  /** The newest write alone: cheap enough to ask every second. @throws TidemarkError like `load` */
  newest(): Promise<Written>;
  /** @throws TidemarkError DISK_FAILED when nothing can be known of the disk any more: the process must end. */
  commit(write: StoreWrite): Promise<CommitOutcome>;
  close(): Promise<void>;
}
