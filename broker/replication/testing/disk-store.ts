import type { FakeClock } from "../../base/testing/fake-clock.ts";
import { silent } from "../../base/logging.ts";
import type { Offset } from "../../base/ids.ts";
import type { LogConfig } from "../../storage/log-config.ts";
import { PartitionLog } from "../../storage/partition-log.ts";
import { SharedStorage } from "../../storage/shared-storage.ts";
import { MemoryDisk } from "../../storage/testing/memory-disk.ts";
import type { StoredName, StoredPartition } from "../log-store.ts";
import { key, type TestStore } from "./memory-store.ts";

/** Real logs on a disk in memory. Nothing is checkpointed: every start recovers from the segments. */
export class DiskStore implements TestStore {
  readonly disk = new MemoryDisk();
  readonly removed: string[] = [];
  readonly aside: string[] = [];
  readonly #clock: FakeClock;
  readonly #names = new Map<string, StoredName>();
  #shared = new SharedStorage(this.disk.mount());

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  crash(): void {
    this.disk.crash({ losesPageCache: false });
    this.#shared = new SharedStorage(this.disk.mount());
  }

  async recover(configOf: (topic: string) => LogConfig): Promise<StoredPartition[]> {
    return await Promise.all([...this.#names.values()].map((one) => this.open(one, configOf(one.topic))));
  }

  async open(one: StoredName, config: LogConfig): Promise<StoredPartition> {
    this.#names.set(key(one), one);
    const { log, recovery } = await PartitionLog.open({
      disk: this.disk,
      folder: key(one),
      topicId: one.topicId,
      clock: this.#clock,
      logger: silent,
      config,
      checkpoint: null,
      isCleanStart: false,
      shared: this.#shared,
    });
    return { ...one, log, highWatermark: 0 as Offset, isDamaged: recovery.isDamaged };
  }

  async remove(one: StoredName): Promise<void> {
    this.removed.push(key(one));
    await this.disk.remove(key(one));
    this.#names.delete(key(one));
  }

  async setAside(one: StoredName): Promise<void> {
    this.aside.push(key(one));
    this.#names.delete(key(one));
  }

  async checkpoint(): Promise<void> {}
}
