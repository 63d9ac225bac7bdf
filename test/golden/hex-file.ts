import { readFileSync, writeFileSync } from "node:fs";

const COLUMNS = 96;

/** A recorded frame, its size prefix taken off. */
export interface RecordedFrame {
  /** Who sent it, with its version. */
  readonly origin: string;
  readonly bytes: Buffer;
}

/** Writes a frame as text, so that a change of one shows as a change of lines. */
export function writeHexFile(file: string, { origin, bytes }: RecordedFrame): void {
  const lines = bytes.toString("hex").match(new RegExp(`.{1,${COLUMNS}}`, "gu")) ?? [];
  writeFileSync(file, `# ${origin}\n${lines.join("\n")}\n`);
}

export function readHexFile(file: string): RecordedFrame {
  const [comment = "", ...lines] = readFileSync(file, "utf8").trimEnd().split("\n");
  return { origin: comment.replace(/^# /u, ""), bytes: Buffer.from(lines.join(""), "hex") };
}
