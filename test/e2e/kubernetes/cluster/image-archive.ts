import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

const BLOCK_BYTES = 512;

export interface ArchivedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly isExecutable?: boolean;
}

/** One entry of a tar archive (ustar): a header of 512 bytes and the content, filled up to whole blocks. */
function entry({ name, bytes, isExecutable = false }: ArchivedFile): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, "0")}\0`;
  header.write(name, 0, 100);
  header.write(octal(isExecutable ? 0o755 : 0o644, 7), 100);
  header.write(octal(0, 7), 108);
  header.write(octal(0, 7), 116);
  header.write(octal(bytes.length, 11), 124);
  header.write(octal(0, 11), 136);
  header.write(" ".repeat(8), 148);
  header.write("0", 156);
  header.write("ustar\0", 257);
  header.write("00", 263);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  const rest = (BLOCK_BYTES - (bytes.length % BLOCK_BYTES)) % BLOCK_BYTES;
  return Buffer.concat([header, bytes, Buffer.alloc(rest)]);
}

const archive = (files: readonly ArchivedFile[]): Buffer =>
  Buffer.concat([...files.map(entry), Buffer.alloc(2 * BLOCK_BYTES)]);

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** An image of one static program, as the archive that containerd imports: no registry and no Docker take part. */
export function writeImageArchive(out: string, image: { tag: string; program: string }): void {
  const name = path.basename(image.program);
  const layer = archive([{ name, bytes: readFileSync(image.program), isExecutable: true }]);
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === "arm64" ? "arm64" : "amd64",
      os: "linux",
      config: { Entrypoint: [`/${name}`] },
      rootfs: { type: "layers", diff_ids: [`sha256:${sha256(layer)}`] },
    }),
  );
  const [configName, layerName] = [`${sha256(config)}.json`, `${sha256(layer)}/layer.tar`];
  const manifest = [{ Config: configName, RepoTags: [image.tag], Layers: [layerName] }];
  const files = [
    { name: configName, bytes: config },
    { name: layerName, bytes: layer },
    { name: "manifest.json", bytes: Buffer.from(JSON.stringify(manifest)) },
  ];
  writeFileSync(out, archive(files));
}
