import { assert } from "../base/assert.ts";
import { missing, type SharedStorage } from "./shared-storage.ts";

const PENDING_ENTRIES_FIRST = 16;

/**
 * A file of entries of one size whose keys rise: those already written are read back on demand through the broker's
 * cache, the newest wait in memory. An idle segment thus holds a few hundred bytes.
 */
export class IndexFile {
  readonly path: string;
  readonly #entryBytes: number;
  readonly #shared: SharedStorage;
  /** Entries in the file; −1 until `load` has looked. */
  #persisted: number;
  #pending = new Uint8Array(0);
  #pendingCount = 0;
  #isUnsynced = false;
  /** Persists take turns: each begins where the one before ended. */
  #persisting: Promise<void> = Promise.resolve();

  constructor(shared: SharedStorage, path: string, options: { entryBytes: number; isNew: boolean }) {
    this.#shared = shared;
    this.path = path;
    this.#entryBytes = options.entryBytes;
    this.#persisted = options.isNew ? 0 : -1;
  }

  get isLoaded(): boolean {
    return this.#persisted >= 0;
  }

  /** Entries in all. Only once loaded. */
  get count(): number {
    assert(this.isLoaded, "an index is counted only once loaded");
    return this.#persisted + this.#pendingCount;
  }

  get pendingCount(): number {
    return this.#pendingCount;
  }

  /** Entries in memory, `pendingCount` of them. */
  get pending(): Uint8Array {
    return this.#pending;
  }

  /** Whether there is anything that a sync would save. */
  get isUnsynced(): boolean {
    return this.#isUnsynced || this.#pendingCount > 0;
  }

  /** Room for one more entry; the caller fills `entryBytes` from the returned position of `pending` on. */
  grow(): number {
    const at = this.#pendingCount * this.#entryBytes;
    if (at === this.#pending.length) {
      const wider = new Uint8Array(at === 0 ? PENDING_ENTRIES_FIRST * this.#entryBytes : at * 2);
      wider.set(this.#pending);
      this.#pending = wider;
    }
    this.#pendingCount++;
    return at;
  }

  /** The entries in the file, the newest pending ones left out. Incomplete ones at its end are ignored. */
  async load(): Promise<Uint8Array> {
    const cached = this.#shared.indexes.get(this);
    if (cached !== undefined) return cached;
    const content = await this.#readAll();
    if (this.#persisted < 0) this.#persisted = content.length / this.#entryBytes;
    if (content.length > 0 && content.length === this.#persisted * this.#entryBytes) {
      this.#shared.indexes.put(this, content);
    }
    return content;
  }

  async #readAll(): Promise<Uint8Array> {
    const result = await this.#shared.files.use(this.path, { create: false }, async (file) => {
      const whole = this.#persisted < 0 ? file.sizeBytes : this.#persisted * this.#entryBytes;
      const content = new Uint8Array(whole - (whole % this.#entryBytes));
      const readBytes = await file.read(content, 0);
      return content.subarray(0, readBytes - (readBytes % this.#entryBytes));
    });
    return result === missing ? new Uint8Array(0) : result;
  }

  /** Reads the file's last entry, which makes the index ready for appends without loading all; null when empty. */
  async loadLast(): Promise<Uint8Array | null> {
    const entry = await this.#shared.files.use(this.path, { create: false }, async (file) => {
      this.#persisted = Math.floor(file.sizeBytes / this.#entryBytes);
      const last = new Uint8Array(this.#entryBytes);
      if (this.#persisted > 0) await file.read(last, (this.#persisted - 1) * this.#entryBytes);
      return last;
    });
    if (entry === missing) this.#persisted = 0;
    return entry === missing || this.#persisted === 0 ? null : entry;
  }

  /** Moves what waits in memory to the file. */
  persist(): Promise<void> {
    const turn = this.#persisting.then(() => this.#persistNow());
    this.#persisting = turn.catch(() => undefined); // whoever asked for this turn is told
    return turn;
  }

  async #persistNow(): Promise<void> {
    const count = this.#pendingCount;
    if (count === 0) return;
    const entries = this.#pending.subarray(0, count * this.#entryBytes);
    const position = this.#persisted * this.#entryBytes;
    await this.#shared.files.use(this.path, { create: true }, (file) => file.write([entries], position));
    this.#isUnsynced = true;
    this.#persisted += count;
    this.#pendingCount -= count;
    this.#pending = this.#pending.slice(entries.length, entries.length + this.#pendingCount * this.#entryBytes);
    this.#shared.indexes.forget(this);
  }

  /** Persists, then syncs. */
  async sync(): Promise<void> {
    await this.persist();
    if (!this.#isUnsynced) return;
    this.#isUnsynced = false;
    await this.#shared.files.use(this.path, { create: true }, (file) => file.sync());
  }

  /** Keeps the first `count` entries, in memory and in the file. */
  async truncate(count: number): Promise<void> {
    this.#shared.indexes.forget(this);
    assert(this.isLoaded, "an index is truncated only once loaded");
    this.#pendingCount = Math.min(this.#pendingCount, Math.max(0, count - this.#persisted));
    if (this.#pendingCount === 0) this.#pending = new Uint8Array(0);
    this.#persisted = Math.min(this.#persisted, count);
    const sizeBytes = this.#persisted * this.#entryBytes;
    await this.#shared.files.use(this.path, { create: false }, async (file) => {
      if (file.sizeBytes <= sizeBytes) return;
      await file.truncate(sizeBytes);
      this.#isUnsynced = true;
    });
  }
}
