import { TidemarkError } from "../../../broker/base/errors.ts";
import type { Disk, DiskFile } from "../../../broker/ports/disk.ts";
import { type FileNode, FolderNode } from "./disk-nodes.ts";
import type { SimulatedProcess } from "./process.ts";
import type { SeededRandom } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Volume } from "./volume.ts";

/** How the device under a volume behaves now; faults change it. */
export class Device {
  readonly random: SeededRandom;
  /** Nothing completes before. */
  stalledUntilUs = 0;
  /** How many times slower than a healthy one. */
  slowness = 1;
  /** Every write fails: no space is left. */
  isFull = false;
  /** The next sync fails, once. */
  failsNextSync = false;

  constructor(random: SeededRandom) {
    this.random = random;
  }

  latencyUs(nowUs: number, leastUs: number, mostUs: number): number {
    const outlier = this.random.chance(0.01) ? this.random.between(5, 40) : 1;
    const latencyUs = this.random.between(leastUs, mostUs) * outlier * this.slowness;
    return Math.max(latencyUs, this.stalledUntilUs - nowUs + this.random.between(1, 200));
  }
}

interface Operation {
  /** The effect on the page cache or platter, whole or cut short by the end of the process. */
  readonly effect: (share: number) => void;
}

/**
 * The `Disk` of one process over a volume that outlives it. An operation has its effect when it completes; if the
 * process ends before, it had it wholly, partly or not at all.
 */
export class SimulatedDisk implements Disk {
  readonly #scheduler: Scheduler;
  readonly #process: SimulatedProcess;
  readonly #volume: Volume;
  readonly #device: Device;
  readonly #underWay = new Set<Operation>();

  constructor(scheduler: Scheduler, process: SimulatedProcess, options: { volume: Volume; device: Device }) {
    this.#scheduler = scheduler;
    this.#process = process;
    this.#volume = options.volume;
    this.#device = options.device;
  }

  /** The process ended: what was under way took effect, or half of it, or nothing. */
  settleAtEnd(): void {
    const { random } = this.#device;
    for (const operation of this.#underWay) {
      const fate = random.below(3);
      if (fate !== 0) operation.effect(fate === 1 ? 1 : random.next());
    }
    this.#underWay.clear();
  }

  open(path: string, options?: { create?: boolean }): Promise<DiskFile | null> {
    return this.#after(20, 120, () => {
      const known = this.#volume.file(path);
      if (known !== null) return this.#handle(known);
      if (options?.create !== true) return null;
      this.#checkSpace();
      const made = this.#volume.createFile(path);
      if (made === null) throw new TidemarkError("DISK_FAILED", `${path}: no such folder`);
      return this.#handle(made);
    });
  }

  readFile(path: string): Promise<Uint8Array | null> {
    return this.#after(30, 200, () => this.#volume.file(path)?.content.slice() ?? null);
  }

  list(path: string): Promise<string[]> {
    return this.#after(20, 120, () => [...(this.#volume.folder(path)?.entries.keys() ?? [])].sort());
  }

  makeFolder(path: string): Promise<void> {
    return this.#after(20, 120, () => {
      this.#checkSpace();
      this.#volume.makeFolder(path);
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.#after(20, 120, () => {
      if (!this.#volume.rename(from, to)) throw new TidemarkError("DISK_FAILED", `cannot rename ${from}: not there`);
    });
  }

  remove(path: string): Promise<void> {
    return this.#after(20, 200, () => this.#volume.remove(path));
  }

  syncFolder(path: string): Promise<void> {
    const folder = this.#volume.find(path);
    if (!(folder instanceof FolderNode)) return this.#after(20, 60, () => this.#missing(path));
    const pending = this.#volume.pendingNames(folder);
    return this.#after(300, 2500, () => this.#volume.syncNames(pending));
  }

  #missing(path: string): void {
    throw new TidemarkError("DISK_FAILED", `cannot sync ${path}: not there`);
  }

  #checkSpace(): void {
    if (this.#device.isFull) throw new TidemarkError("DISK_FULL", "no space left on the device");
  }

  /** Runs `effect` when the device is done; its value or error settles the promise. */
  #after<T>(leastUs: number, mostUs: number, effect: (share: number) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const operation: Operation = {
        effect(share) {
          try {
            effect(share);
          } catch {
            // Nobody is left who could be told.
          }
        },
      };
      this.#underWay.add(operation);
      this.#scheduler.after(this.#device.latencyUs(this.#scheduler.nowUs, leastUs, mostUs), this.#process, () => {
        if (!this.#underWay.delete(operation)) return;
        try {
          resolve(effect(1));
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  #handle(file: FileNode): DiskFile {
    let sizeBytes = file.sizeBytes;
    return {
      get sizeBytes() {
        return sizeBytes;
      },
      read: (target, position) => this.#after(20, 150, () => file.read(target, position)),
      write: (chunks, position) =>
        this.#after(30, 200, (share) => {
          this.#checkSpace();
          const length = this.#writeChunks(file, chunks, { position, share });
          sizeBytes = Math.max(sizeBytes, position + length);
        }),
      sync: () => {
        const { changeCount } = file;
        return this.#after(400, 3000, () => {
          if (this.#device.failsNextSync) {
            this.#device.failsNextSync = false;
            throw new TidemarkError("DISK_FAILED", `cannot sync ${file.name}: input/output error`);
          }
          file.sync(changeCount);
        });
      },
      truncate: (size) =>
        this.#after(20, 150, () => {
          file.truncate(size);
          sizeBytes = size;
          this.#volume.listener?.truncated(file);
        }),
      close: () => this.#after(10, 40, () => {}),
    };
  }

  #writeChunks(file: FileNode, chunks: readonly Uint8Array[], how: { position: number; share: number }): number {
    const wholeBytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const length = Math.floor(wholeBytes * how.share);
    let at = how.position;
    let left = length;
    for (const chunk of chunks) {
      const part = chunk.subarray(0, Math.min(left, chunk.length));
      if (part.length > 0) file.write(part, at);
      at += part.length;
      left -= part.length;
    }
    this.#scheduler.note(length);
    if (length > 0) this.#volume.listener?.written(file, how.position, length);
    return length;
  }
}
