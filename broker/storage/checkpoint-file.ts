import { type Offset, offset } from "../base/ids.ts";
import { type Disk, replaceFile } from "../ports/disk.ts";

const LINE = /^(\S+) (\d+) (\d+)$/;

/**
 * One offset for each partition of a broker, in Kafka's format: "0", the count, then lines of topic, partition and
 * offset. Keys are `<topic>-<partition>`. A crash leaves the old or the new content.
 */
export class CheckpointFile {
  readonly #disk: Disk;
  readonly #path: string;
  #written: string | null = null;

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.#path = path;
  }

  /** Whether the file is there and was understood, or written. */
  get hasContent(): boolean {
    return this.#written !== null;
  }

  /** Empty when missing or damaged: then everything is read again. */
  async read(): Promise<Map<string, Offset>> {
    const content = await this.#disk.readFile(this.#path);
    const offsets = new Map<string, Offset>();
    if (content === null) return offsets;
    const text = new TextDecoder().decode(content);
    const [version, count, ...lines] = text.trimEnd().split("\n");
    if (version !== "0" || Number(count) !== lines.length) return offsets;
    for (const line of lines) {
      const [, topic, partition, value] = LINE.exec(line) ?? [];
      if (value === undefined || !Number.isSafeInteger(Number(value))) return new Map();
      offsets.set(`${topic}-${partition}`, offset(Number(value)));
    }
    this.#written = text;
    return offsets;
  }

  /** Replaces the content, if it changes. */
  async write(offsets: ReadonlyMap<string, Offset>): Promise<void> {
    const lines = [...offsets].map(([folder, value]) => {
      const dash = folder.lastIndexOf("-");
      return `${folder.slice(0, dash)} ${folder.slice(dash + 1)} ${value}`;
    });
    const text = ["0", String(lines.length), ...lines.sort(), ""].join("\n");
    if (text === this.#written) return;
    await replaceFile(this.#disk, this.#path, new TextEncoder().encode(text));
    this.#written = text;
  }
}
