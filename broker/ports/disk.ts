/**
 * One open file. Reads and writes carry their own position, so there is no cursor to share.
 * A promise of `write` resolves when the page cache has the bytes; they survive a power cut only after `sync`.
 */
export interface DiskFile {
  /** Length in bytes as of the last write or truncate through this handle. */
  readonly sizeBytes: number;
  /** Reads up to `target.length` bytes from `position`; resolves to the count read, less only at the end of file. */
  read(target: Uint8Array, position: number): Promise<number>;
  /** Writes all of `chunks`, in order, from `position` on (one `writev`). */
  write(chunks: readonly Uint8Array[], position: number): Promise<void>;
  /**
   * The same without waiting, where the page cache takes the bytes in about the time of a copy. False when nothing was
   * done because the disk is slow at the moment: `write` is the way then. Throws what `write` rejects with. Not there
   * where every write takes its time.
   */
  writeNow?(chunks: readonly Uint8Array[], position: number): boolean;
  /** `fdatasync`. A failure must end the process: the kernel may have dropped the pages (never retried). */
  sync(): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * A folder on a disk: every path is relative to it, with `/` between parts. Failures reject with TidemarkError
 * DISK_FULL or DISK_FAILED. Opening or reading a file that is not there is an outcome: null.
 */
export interface Disk {
  /** Opens for reading and writing; null when missing and not `create`. */
  open(path: string, options?: { create?: boolean }): Promise<DiskFile | null>;
  /** Whole content of a small file; null when missing. */
  readFile(path: string): Promise<Uint8Array | null>;
  /** Names in a folder, sorted; empty when the folder is missing. */
  list(path: string): Promise<string[]>;
  makeFolder(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file or a whole folder; nothing when missing. */
  remove(path: string): Promise<void>;
  /** Makes creations, renames and removals in this folder survive a power cut. */
  syncFolder(path: string): Promise<void>;
}

/** Replaces a small file so that a crash leaves the old or the new content: temporary file, sync, rename, sync. */
export async function replaceFile(disk: Disk, path: string, content: Uint8Array): Promise<void> {
  const temporary = `${path}.tmp`;
  await disk.remove(temporary);
  const file = await disk.open(temporary, { create: true });
  if (file === null) throw new Error("open with create never answers null");
  try {
    await file.write([content], 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(temporary, path);
  await disk.syncFolder(path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "");
}
