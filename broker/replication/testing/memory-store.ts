import type { Offset } from "../../base/ids.ts";
import type { LogStore, StoredName, StoredPartition } from "../log-store.ts";
import { MemoryLog } from "./memory-log.ts";

/** A data folder that outlives the processes that use it. */
export interface TestStore extends LogStore {
  /** The process died; with `logEnd`, what lies above it is lost, too. */
  crash(options: { logEnd?: number }): void;
  readonly removed: readonly string[];
  readonly aside: readonly string[];
}

/** What a broker's data folder keeps over restarts. */
export class MemoryStore implements TestStore {
  readonly logs = new Map<string, MemoryLog>();
  readonly removed: string[] = [];
  readonly aside: string[] = [];
  readonly highWatermarks = new Map<string, number>();
  readonly names = new Map<string, StoredName>();

  crash(options: { logEnd?: number }): void {
    for (const log of this.logs.values()) log.crash(options.logEnd);
  }

  async recover() {
    return [...this.names.values()].map((one) => this.#stored(one));
  }

  async open(one: StoredName) {
    if (!this.logs.has(key(one))) this.logs.set(key(one), new MemoryLog());
    this.names.set(key(one), one);
    await Promise.resolve();
    return this.#stored(one);
  }

  async remove(one: StoredName): Promise<void> {
    this.removed.push(key(one));
    this.logs.delete(key(one));
    this.names.delete(key(one));
  }

  async setAside(one: StoredName): Promise<void> {
    this.aside.push(key(one));
    this.names.delete(key(one));
  }

  async checkpoint(all: readonly (StoredName & { highWatermark: Offset })[]): Promise<void> {
    for (const one of all) this.highWatermarks.set(key(one), one.highWatermark);
  }

  #stored(one: StoredName): StoredPartition {
    const log = this.logs.get(key(one)) as MemoryLog;
    const highWatermark = (this.highWatermarks.get(key(one)) ?? 0) as Offset;
    return { ...one, log: log.log, highWatermark, isDamaged: false };
  }
}

export const key = (one: StoredName): string => `${one.topic}-${one.partition}`;
