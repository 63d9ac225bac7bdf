import type { Clock } from "../base/clock.ts";
import type { Offset } from "../base/ids.ts";
import type { Segment } from "./segment.ts";
import type { SharedStorage } from "./shared-storage.ts";
import type { Tail, TailWrite } from "./tail.ts";

const WRITE_BYTES_MAX = 4 * 1024 * 1024;
/** What may be copied into the page cache within one turn of the event loop. */
const WRITE_NOW_BYTES_MAX = 1024 * 1024;
/** Index entries that may wait in memory before they are written: about 2 MB of log. */
const PENDING_ENTRIES_MAX = 512;

export interface LogWriterOptions {
  readonly shared: SharedStorage;
  readonly tail: Tail;
  /** Makes the folder and its topic id durable; called before each segment's first byte. */
  readonly prepare: (segment: Segment) => Promise<void>;
  /** Everything below `endOffset` is in the page cache. */
  readonly onWritten: (endOffset: Offset) => void;
  readonly onFailed: (error: unknown) => void;
  readonly clock: Clock;
}

/** Group commit: one write in flight; what is appended meanwhile goes into the next. */
export class LogWriter {
  readonly #options: LogWriterOptions;
  #isRunning = false;
  #hasFailed = false;
  #waiters: (() => void)[] = [];

  constructor(options: LogWriterOptions) {
    this.#options = options;
  }

  /** Something was added to the tail. What is added in the same moment goes along. */
  kick(): void {
    if (this.#isRunning || this.#hasFailed) return;
    this.#isRunning = true;
    this.#options.clock.soon(() => this.#start());
  }

  /** Resolves when nothing is being written nor waiting to be; also after a failure. */
  async idle(): Promise<void> {
    while (this.#isRunning) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  /** Writes what it can in this turn; what is left waits for the disk. */
  #start(): void {
    try {
      if (this.#writeNow()) return this.#end();
    } catch (error) {
      return this.#fail(error);
    }
    void this.#run();
  }

  async #run(): Promise<void> {
    try {
      while (await this.#writeNext()) continue;
    } catch (error) {
      return this.#fail(error);
    }
    this.#end();
    // What came since the last look found the writer still at work.
    if (this.#options.tail.nextWrite(1) !== null) this.kick();
  }

  #fail(error: unknown): void {
    this.#hasFailed = true;
    this.#options.onFailed(error);
    this.#end();
  }

  #end(): void {
    this.#isRunning = false;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }

  /** True when nothing is left to write. */
  #writeNow(): boolean {
    const { shared, tail } = this.#options;
    const write = tail.nextWrite(WRITE_NOW_BYTES_MAX);
    if (write === null) return true;
    const { segment, chunks, position, sizeBytes } = write;
    if (!segment.isOnDisk || sizeBytes > WRITE_NOW_BYTES_MAX) return false;
    if (segment.offsetIndex.file.pendingCount >= PENDING_ENTRIES_MAX) return false;
    if (shared.files.held(segment.path)?.writeNow?.(chunks, position) !== true) return false;
    this.#wrote(write);
    return tail.nextWrite(1) === null;
  }

  #wrote(write: TailWrite): void {
    this.#options.tail.wrote(write);
    const { segment, position, sizeBytes } = write;
    segment.writtenBytes = position + sizeBytes;
    // Whoever appends has verified it.
    segment.verified.written.extend(position, segment.writtenBytes, this.#options.clock.monotonic());
    this.#options.onWritten(write.endOffset);
  }

  async #writeNext(): Promise<boolean> {
    const { shared, tail } = this.#options;
    const segment = tail.nextWrite(1)?.segment;
    if (segment === undefined) return false;
    if (!segment.isOnDisk) await this.#options.prepare(segment);
    const write = tail.nextWrite(WRITE_BYTES_MAX);
    if (write === null) return false;
    await shared.files.use(segment.path, { create: true }, (file) => file.write(write.chunks, write.position));
    this.#wrote(write);
    if (segment.offsetIndex.file.pendingCount >= PENDING_ENTRIES_MAX) await segment.persistIndexes();
    return true;
  }
}
