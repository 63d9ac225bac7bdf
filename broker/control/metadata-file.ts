import { TidemarkError } from "../base/errors.ts";
import type { MetadataRows, MetadataVersion } from "../contract/rows.ts";
import { type Disk, replaceFile } from "../ports/disk.ts";
import type { MetadataImage } from "./metadata-image.ts";

const PATH = "metadata.json";

interface StoredMetadata {
  readonly version: MetadataVersion;
  readonly rows: MetadataRows;
}

/**
 * Keeps the newest metadata this broker was sent on its own disk, so that a controller whose store was lost or set
 * back is found out: it must not decide before a person has said how to recover.
 */
export class MetadataFile {
  readonly #disk: Disk;
  readonly #image: MetadataImage;
  #stored: MetadataVersion | null = null;
  #isWriting = false;
  #isDirty = false;

  constructor(disk: Disk, image: MetadataImage) {
    this.#disk = disk;
    this.#image = image;
  }

  /** Newest version ever seen, in memory or on disk; null when none. */
  get version(): MetadataVersion | null {
    return this.#image.version ?? this.#stored;
  }

  /** Reads what an earlier process left; null when there is nothing. */
  async load(): Promise<MetadataRows | null> {
    const bytes = await this.#disk.readFile(PATH);
    if (bytes === null) return null;
    try {
      const { version, rows } = JSON.parse(new TextDecoder().decode(bytes)) as StoredMetadata;
      if (!Number.isSafeInteger(version.controllerEpoch) || !Array.isArray(rows.partitions)) throw new Error("no rows");
      this.#stored = version;
      return rows;
    } catch (cause) {
      throw new TidemarkError("LOG_CORRUPT", `${PATH} in the data folder is unreadable; restore or remove it`, {
        cause,
      });
    }
  }

  /** Writes what the image holds now, soon: changes that come while a write is under way go into one more. */
  async save(): Promise<void> {
    this.#isDirty = true;
    if (this.#isWriting) return;
    this.#isWriting = true;
    try {
      while (this.#isDirty) {
        this.#isDirty = false;
        const version = this.#image.version;
        if (version === null) break;
        const content: StoredMetadata = { version, rows: this.#image.snapshot() };
        await replaceFile(this.#disk, PATH, new TextEncoder().encode(JSON.stringify(content)));
        this.#stored = version;
      }
    } finally {
      this.#isWriting = false;
    }
  }
}
