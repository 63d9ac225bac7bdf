import { mkdir, rm, stat } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { TidemarkError } from "../base/errors.ts";

/** Holds a folder for this process until released or until the process ends, however it ends. */
export interface FolderLock {
  release(): Promise<void>;
}

/**
 * Locks a folder, made when missing, against every other process of this machine.
 *
 * Node has no flock. On Linux the lock is a socket in the abstract namespace, named by the folder's device and inode:
 * the kernel lets one process listen there and frees the name when that process ends, SIGKILL included; a stopped
 * process keeps it. Elsewhere it is a socket file in the folder, which a dead process leaves behind: whoever finds it
 * tries to connect, and takes it over when nobody answers. Throws TidemarkError FOLDER_IN_USE.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  await mkdir(folder, { recursive: true });
  const { dev, ino } = await stat(folder, { bigint: true });
  if (process.platform !== "linux") return await lockBySocketFile(folder);
  const server = await listen(`\0tidemark-folder-${dev}-${ino}`);
  if (server === null) throw inUse(folder);
  return lockOf(server);
}

async function lockBySocketFile(folder: string): Promise<FolderLock> {
  const path = join(folder, ".lock");
  const server = await listen(path);
  if (server !== null) return lockOf(server);
  const isHeld = await new Promise<boolean>((resolve) => {
    const socket = connect(path);
    const answer = (held: boolean): void => {
      socket.destroy();
      resolve(held);
    };
    socket.once("connect", () => answer(true)).once("error", () => answer(false));
  });
  if (isHeld) throw inUse(folder);
  await rm(path, { force: true });
  const second = await listen(path);
  if (second === null) throw inUse(folder);
  return lockOf(second);
}

const inUse = (folder: string): TidemarkError =>
  new TidemarkError("FOLDER_IN_USE", `${folder} is in use by another process; stop it, or use another folder`);

/** Null when somebody listens there. */
function listen(path: string): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(null);
      else reject(error);
    });
    server.listen({ path, exclusive: true }, () => {
      server.unref();
      resolve(server);
    });
  });
}

const lockOf = (server: Server): FolderLock => ({
  release: () => new Promise((resolve) => server.close(() => resolve())),
});
