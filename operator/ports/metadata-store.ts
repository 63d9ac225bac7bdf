import type { MetadataVersion } from "#contract/rows.ts";
import type { Change } from "../machine/changes.ts";
import type { StoredState } from "../machine/state.ts";

/** What a store holds. */
export interface Loaded {
  readonly version: MetadataVersion;
  readonly state: StoredState;
}

/** One commit. The same one may be sent again until its outcome is known. */
export interface StoreWrite {
  /** What the store must hold, or nothing of this happens (compare-and-swap). */
  readonly expected: MetadataVersion;
  /** Later than `expected`: (controller epoch, sequence) name this write among all that ever were. */
  readonly version: MetadataVersion;
  /** Applied in this order. A store that cannot write all at once keeps the order. */
  readonly changes: readonly Change[];
}

/**
 * `committed`: durable. `conflict`: the store holds another version than expected; also the answer to a write that had
 * landed already, so the caller looks (`load`). `unknown`: it may have landed, land later, or never; the caller sends
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
  /** Version alone, cheap enough to ask every second. @throws TidemarkError like `load` */
  version(): Promise<MetadataVersion>;
  /** @throws TidemarkError DISK_FAILED when nothing can be known of the disk any more: the process must end. */
  commit(write: StoreWrite): Promise<CommitOutcome>;
  close(): Promise<void>;
}
