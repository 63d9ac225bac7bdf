import type { Offset } from "../base/ids.ts";
import type { LogFolder } from "./log-folder.ts";
import type { Segment } from "./segment.ts";
import type { SharedStorage } from "./shared-storage.ts";

/** Syncs a segment's file if anything was written since the last time. */
export async function syncSegment(shared: SharedStorage, segment: Segment): Promise<void> {
  const { writtenBytes } = segment;
  if (!segment.isUnsynced) return;
  await shared.files.useExisting(segment.path, (file) => file.sync());
  segment.syncedBytes = Math.max(segment.syncedBytes, Math.min(writtenBytes, segment.writtenBytes));
}

export interface LogSyncerOptions {
  readonly folder: LogFolder;
  /** The segments as they are now, oldest first. */
  readonly segments: () => readonly Segment[];
  readonly writtenEnd: () => Offset;
  /** Everything below `endOffset` is synced. */
  readonly onSynced: (endOffset: Offset) => void;
  readonly onFailed: (error: unknown) => void;
}

/** Group commit of syncs: one at a time; what is written meanwhile goes into the next. */
export class LogSyncer {
  readonly #options: LogSyncerOptions;
  #isRunning = false;
  #hasFailed = false;
  #isAskedAgain = false;
  #waiters: (() => void)[] = [];

  constructor(options: LogSyncerOptions) {
    this.#options = options;
  }

  /** Syncs, soon, what is written by now. */
  kick(): void {
    this.#isAskedAgain = true;
    if (this.#isRunning || this.#hasFailed) return;
    this.#isRunning = true;
    void this.#run();
  }

  /** Resolves when no sync is under way; also after a failure. */
  async idle(): Promise<void> {
    while (this.#isRunning) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  async #run(): Promise<void> {
    try {
      while (this.#isAskedAgain) {
        this.#isAskedAgain = false;
        await this.#syncOnce();
      }
    } catch (error) {
      this.#hasFailed = true;
      this.#options.onFailed(error);
    }
    this.#isRunning = false;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }

  async #syncOnce(): Promise<void> {
    const { folder } = this.#options;
    const target = this.#options.writtenEnd();
    for (const segment of [...this.#options.segments()]) {
      if (segment.baseOffset < target && segment.isOnDisk) await syncSegment(folder.shared, segment);
    }
    await folder.syncEntries();
    this.#options.onSynced(target);
  }
}
