import { createHash } from "node:crypto";
import { realpathSync, rmSync } from "node:fs";
import { createServer, connect, type Server } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

/**
 * A lock on a folder that dies with its process and holds while the process is merely stopped: a listening local
 * socket named after the folder. On Linux it has no file at all; elsewhere a dead one's file is found out by dialling.
 */
export interface FolderLock {
  release(): void;
}

function socketName(folder: string): string {
  const digest = createHash("sha256").update(realpathSync(folder)).digest("hex").slice(0, 32);
  return process.platform === "linux" ? `\0tidemark-up-${digest}` : path.join(tmpdir(), `tidemark-${digest}.sock`);
}

function listen(name: string): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", () => resolve(null));
    server.listen(name, () => {
      server.unref();
      resolve(server);
    });
  });
}

function answers(name: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(name);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** Takes the lock of `folder`, which exists; null when another process has it. */
export async function lockFolder(folder: string): Promise<FolderLock | null> {
  const name = socketName(folder);
  let server = await listen(name);
  if (server === null && !name.startsWith("\0") && !(await answers(name))) {
    rmSync(name, { force: true });
    server = await listen(name);
  }
  const held = server;
  return held === null ? null : { release: () => void held.close() };
}
