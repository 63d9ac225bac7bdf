import { isTidemarkError, TidemarkError } from "#base/errors.ts";
import type { Logger } from "#base/logging.ts";
import type { MetadataVersion } from "#contract/rows.ts";
import type { Disk, DiskFile } from "#ports/disk.ts";
import { replaceFile } from "#ports/disk.ts";
import { apply } from "../../machine/apply.ts";
import { CHANGES_VERSION, type Change } from "../../machine/changes.ts";
import {
  EMPTY_STORED_STATE,
  FIRST_VERSION,
  type State,
  type StoredState,
  stateOf,
  storedOf,
} from "../../machine/state.ts";
import type { CommitOutcome, Loaded, MetadataStore, StoreWrite, Written } from "../../ports/metadata-store.ts";
import { encodeRecord, readRecord } from "./record.ts";

const JOURNAL = "journal";
const SNAPSHOT = "snapshot";
/** A journal this long, and this many times as long as the snapshot, is replaced by a new snapshot. */
const JOURNAL_BYTES_MIN_DEFAULT = 1024 * 1024;
const JOURNAL_FACTOR = 4;

interface StoredCommit extends Written {
  readonly format: number;
  readonly changes: readonly Change[];
}

interface StoredSnapshot extends Written {
  readonly format: number;
  readonly state: StoredState;
}

const isSame = (a: MetadataVersion, b: MetadataVersion): boolean =>
  a.controllerEpoch === b.controllerEpoch && a.sequence === b.sequence;

/**
 * The controller's state in a folder of its own: a snapshot, and a journal of the commits since, each synced before it
 * counts. Record numbers go on from the snapshot into the journal, so a crash between the two leaves a journal whose
 * first records are merely known already. The folder is this process's alone: the Disk holds its lock.
 */
export class FileStore implements MetadataStore {
  readonly #disk: Disk;
  readonly #logger: Logger;
  readonly #journalBytesMin: number;
  #journal: DiskFile | null = null;
  /** Position after the last whole record. */
  #end = 0;
  #number = 0;
  #state: State = stateOf(EMPTY_STORED_STATE, FIRST_VERSION, {});
  #writer = "";
  #snapshotBytes = 0;
  #compaction: Promise<void> = Promise.resolve();
  #isFull = false;

  constructor(ports: { disk: Disk; logger: Logger }, options: { journalBytesMin?: number } = {}) {
    this.#journalBytesMin = options.journalBytesMin ?? JOURNAL_BYTES_MIN_DEFAULT;
    this.#disk = ports.disk;
    this.#logger = ports.logger;
  }

  async load(): Promise<Loaded> {
    await this.#compaction;
    await this.#readSnapshot();
    await this.#openJournal();
    return { version: this.#state.version, writer: this.#writer, state: storedOf(this.#state) };
  }

  async newest(): Promise<Written> {
    return { version: this.#state.version, writer: this.#writer };
  }

  async commit(write: StoreWrite): Promise<CommitOutcome> {
    await this.#compaction;
    const journal = this.#journal;
    if (journal === null) throw new TidemarkError("STORE_FAILED", "the metadata store was not loaded");
    if (!isSame(this.#state.version, write.expected)) return "conflict";
    const { version, writer, changes } = write;
    const stored: StoredCommit = { format: CHANGES_VERSION, version, writer, changes };
    const record = encodeRecord(this.#number + 1, stored);
    if (!(await this.#append(journal, record))) return "unknown";
    this.#end += record.length;
    this.#number++;
    this.#state = apply(this.#state, changes, version);
    this.#writer = writer;
    const bound = Math.max(this.#journalBytesMin, JOURNAL_FACTOR * this.#snapshotBytes);
    if (this.#end > bound) {
      this.#compaction = this.#compact();
      // Its failure meets the next commit.
      this.#compaction.catch(() => {});
    }
    return "committed";
  }

  async close(): Promise<void> {
    await this.#compaction;
    await this.#journal?.close();
    this.#journal = null;
  }

  /** @returns false when the disk is full; then nothing of the record is left. */
  async #append(journal: DiskFile, record: Uint8Array): Promise<boolean> {
    try {
      await journal.write([record], this.#end);
    } catch (error) {
      if (!isTidemarkError(error) || error.code !== "DISK_FULL") throw error;
      await journal.truncate(this.#end);
      if (!this.#isFull)
        this.#logger.error("the controller's disk is full: nothing can be decided until there is space");
      this.#isFull = true;
      return false;
    }
    await journal.sync();
    if (this.#isFull) this.#logger.info("the controller's disk has space again");
    this.#isFull = false;
    return true;
  }

  async #readSnapshot(): Promise<void> {
    const file = await this.#disk.readFile(SNAPSHOT);
    if (file === null) return;
    const read = file.length === 0 ? null : readRecord(file, 0);
    if (read?.kind !== "record" || read.end !== file.length) throw corrupt(SNAPSHOT, "it is damaged");
    const { format, version, writer, state } = read.value as StoredSnapshot;
    checkFormat(SNAPSHOT, format);
    this.#number = read.number;
    this.#state = stateOf(state, version, {});
    this.#writer = writer;
    this.#snapshotBytes = file.length;
  }

  async #openJournal(): Promise<void> {
    await this.#disk.remove(`${SNAPSHOT}.tmp`);
    await this.#disk.remove(`${JOURNAL}.tmp`);
    const journal = await this.#disk.open(JOURNAL, { create: true });
    if (journal === null) throw new TidemarkError("DISK_FAILED", "the metadata journal could not be created");
    await this.#disk.syncFolder("");
    const content = new Uint8Array(journal.sizeBytes);
    const readBytes = await journal.read(content, 0);
    if (readBytes !== content.length) throw corrupt(JOURNAL, "it ends before its size");
    const end = this.#replay(content);
    if (end < content.length) {
      this.#logger.info("an unfinished write at the end of the metadata journal is dropped", {
        bytes: content.length - end,
      });
      await journal.truncate(end);
      await journal.sync();
    }
    this.#journal = journal;
    this.#end = end;
  }

  /** @returns the position after the last whole record. */
  #replay(content: Uint8Array): number {
    let at = 0;
    let number: number | null = null;
    while (at < content.length) {
      const read = readRecord(content, at);
      if (read.kind === "torn") break;
      if (read.kind === "corrupt") throw corrupt(JOURNAL, `${read.reason} at byte ${at}`);
      const isNext: boolean = number === null ? read.number <= this.#number + 1 : read.number === number + 1;
      if (!isNext) throw corrupt(JOURNAL, `record ${read.number} does not follow at byte ${at}`);
      number = read.number;
      if (number === this.#number + 1) this.#adopt(read.value as StoredCommit, number);
      at = read.end;
    }
    return at;
  }

  #adopt({ format, version, writer, changes }: StoredCommit, number: number): void {
    checkFormat(JOURNAL, format);
    this.#state = apply(this.#state, changes, version);
    this.#writer = writer;
    this.#number = number;
  }

  async #compact(): Promise<void> {
    const { version } = this.#state;
    const stored: StoredSnapshot = {
      format: CHANGES_VERSION,
      version,
      writer: this.#writer,
      state: storedOf(this.#state),
    };
    const record = encodeRecord(this.#number, stored);
    try {
      await replaceFile(this.#disk, SNAPSHOT, record);
      await replaceFile(this.#disk, JOURNAL, new Uint8Array());
    } catch (error) {
      if (!isTidemarkError(error) || error.code !== "DISK_FULL") throw error;
      this.#logger.warn("no space for a snapshot of the metadata; the journal goes on");
      return;
    }
    const old = this.#journal;
    this.#journal = await this.#disk.open(JOURNAL);
    this.#end = 0;
    this.#snapshotBytes = record.length;
    await old?.close();
  }
}

const corrupt = (file: string, reason: string): TidemarkError =>
  new TidemarkError(
    "STORE_CORRUPT",
    `the controller's ${file} cannot be trusted: ${reason}; restore the folder from a backup`,
  );

function checkFormat(file: string, format: number): void {
  if (format === CHANGES_VERSION) return;
  throw corrupt(file, `it has format ${format}, this version reads ${CHANGES_VERSION}; use the version that wrote it`);
}
