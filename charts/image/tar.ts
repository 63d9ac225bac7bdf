/** A file, folder or link of an archive, under a path without a leading "/". */
export interface TarEntry {
  readonly path: string;
  readonly kind: "file" | "folder" | "link";
  /** Permission bits. */
  readonly mode: number;
  readonly content?: Buffer;
  /** Where a link leads. */
  readonly target?: string;
}

const BLOCK_BYTES = 512;
const NAME_BYTES_MAX = 100;
const PREFIX_BYTES_MAX = 155;

const kinds = { file: "0", link: "2", folder: "5" } as const;

/** Splits a long path at a "/" as ustar wants it: the last part in `name`, what stands before it in `prefix`. */
function splitPath(path: string): { name: string; prefix: string } {
  if (Buffer.byteLength(path) <= NAME_BYTES_MAX) return { name: path, prefix: "" };
  for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1)) {
    const name = path.slice(at + 1);
    const prefix = path.slice(0, at);
    const nameFits = Buffer.byteLength(name) <= NAME_BYTES_MAX && name !== "";
    if (nameFits && Buffer.byteLength(prefix) <= PREFIX_BYTES_MAX) return { name, prefix };
  }
  throw new Error(`${path} is too long for a ustar archive`);
}

function header(entry: TarEntry): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  const { name, prefix } = splitPath(entry.kind === "folder" ? `${entry.path}/` : entry.path);
  const octal = (value: number, at: number, digits: number): void => {
    block.write(`${value.toString(8).padStart(digits, "0")}\0`, at);
  };
  block.write(name, 0);
  octal(entry.mode, 100, 7);
  // Owner root, modified at the epoch: the same content is the same archive, whoever builds it and when.
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(entry.content?.length ?? 0, 124, 11);
  octal(0, 136, 11);
  block.write(" ".repeat(8), 148);
  block.write(kinds[entry.kind], 156);
  if (entry.target !== undefined) block.write(entry.target, 157, NAME_BYTES_MAX);
  block.write("ustar\u000000", 257);
  block.write(prefix, 345);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

/** Adds the folders that the paths imply, so that an archive is whole. */
function withFolders(entries: readonly TarEntry[]): TarEntry[] {
  const all = new Map<string, TarEntry>();
  for (const { path } of entries) {
    const parts = path.split("/").slice(0, -1);
    for (let length = 1; length <= parts.length; length++) {
      const folder = parts.slice(0, length).join("/");
      all.set(folder, { path: folder, kind: "folder", mode: 0o755 });
    }
  }
  for (const entry of entries) all.set(entry.path, entry);
  return [...all.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** A ustar archive of the entries, sorted by path. The same entries in any order give the same bytes. */
export function tarOf(entries: readonly TarEntry[]): Buffer {
  const pieces: Buffer[] = [];
  for (const entry of withFolders(entries)) {
    pieces.push(header(entry));
    const content = entry.content ?? Buffer.alloc(0);
    const rest = content.length % BLOCK_BYTES;
    pieces.push(content);
    if (rest > 0) pieces.push(Buffer.alloc(BLOCK_BYTES - rest));
  }
  pieces.push(Buffer.alloc(2 * BLOCK_BYTES));
  return Buffer.concat(pieces);
}
