import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DiskFile } from "../ports/disk.ts";
import { hostIdentity } from "./host-identity.ts";
import { NodeDisk, openFolder } from "./node-disk.ts";

let root = "";
let disk = new NodeDisk("");

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "tidemark-disk-"));
  disk = new NodeDisk(root);
});
afterEach(() => rm(root, { recursive: true }));

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const contentOf = async (path: string): Promise<string | null> => {
  const content = await disk.readFile(path);
  return content === null ? null : new TextDecoder().decode(content);
};

async function create(path: string): Promise<DiskFile> {
  const file = await disk.open(path, { create: true });
  if (file === null) throw new Error("open with create never answers null");
  return file;
}

describe("a file", () => {
  test("takes any number of parts at a position, at once or later, and knows its size", async () => {
    const file = await create("f");
    await file.write([bytes("ab"), bytes(""), bytes("cd")], 0);
    await file.write(
      Array.from({ length: 2500 }, () => bytes("x")),
      4,
    );
    expect(file.sizeBytes).toBe(2504);
    expect(file.writeNow?.([bytes("YZ"), bytes("!")], 2)).toBe(true);
    expect(file.sizeBytes).toBe(2504);
    await file.truncate(6);
    await file.sync();
    expect([file.sizeBytes, await contentOf("f")]).toEqual([6, "abYZ!x"]);
    await file.close();
  });

  test("reads what is there and says how much", async () => {
    const file = await create("f");
    await file.write([bytes("0123456789")], 0);
    const target = new Uint8Array(8);
    expect(await file.read(target, 6)).toBe(4);
    expect(new TextDecoder().decode(target.subarray(0, 4))).toBe("6789");
    expect(await file.read(target, 10)).toBe(0);
    await file.close();
  });

  test("on a full disk rejects as DISK_FULL, at once and later", async () => {
    await symlink("/dev/full", join(root, "full"));
    const file = await create("full");
    await expect(file.write([bytes("a")], 0)).rejects.toMatchObject({ code: "DISK_FULL" });
    expect(() => file.writeNow?.([bytes("a")], 0)).toThrow(expect.objectContaining({ code: "DISK_FULL" }));
    await file.close();
  });
});

describe("a folder", () => {
  test("lists, renames, removes and syncs; what is missing is no error", async () => {
    await disk.makeFolder("a/b");
    await (await create("a/b/2")).close();
    await (await create("a/b/1")).close();
    expect(await disk.list("a/b")).toEqual(["1", "2"]);
    await disk.rename("a/b/1", "a/b/3");
    await disk.syncFolder("a/b");
    await disk.remove("a/b/2");
    await disk.remove("a/b/2");
    expect([await disk.list("a/b"), await disk.list("none"), await disk.open("none"), await contentOf("none")]).toEqual(
      [["3"], [], null, null],
    );
    await disk.remove("a");
    expect(await disk.list("")).toEqual([]);
  });

  test("that cannot be used rejects as DISK_FAILED, in one line", async () => {
    await (await create("file")).close();
    await expect(disk.open("file/below", { create: true })).rejects.toMatchObject({ code: "DISK_FAILED" });
    await expect(disk.rename("none", "other")).rejects.toMatchObject({ code: "DISK_FAILED" });
    await expect(disk.syncFolder("none")).rejects.toMatchObject({ code: "DISK_FAILED" });
    await expect(openFolder(join(root, "file"))).rejects.toMatchObject({ code: "DISK_FAILED" });
  });
});

describe("a folder's lock", () => {
  const held = `import { openFolder } from ${JSON.stringify(join(import.meta.dirname, "node-disk.ts"))};
    await openFolder(process.argv[1]);
    process.stdout.write("held\\n");
    setInterval(() => {}, 1000);`;

  /** A process that holds the folder. */
  async function holder(): Promise<ChildProcess> {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", held, root], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout!, "data");
    return child;
  }

  test("keeps everybody else out until it is released", async () => {
    const folder = await openFolder(root);
    await expect(openFolder(root)).rejects.toMatchObject({ code: "FOLDER_IN_USE" });
    await folder.release();
    await (await openFolder(root)).release();
  });

  test("is held by a stopped process, and ends with a killed one", async () => {
    const child = await holder();
    child.kill("SIGSTOP");
    await expect(openFolder(root)).rejects.toMatchObject({ code: "FOLDER_IN_USE" });
    child.kill("SIGKILL");
    await once(child, "exit");
    await (await openFolder(root)).release();
  });
});

test("the machine's identity is the same for two folders of one mount, at every call", async () => {
  await disk.makeFolder("below");
  const identity = await hostIdentity(root);
  expect(await hostIdentity(join(root, "below"))).toEqual(identity);
  expect(identity.bootId.length).toBeGreaterThan(10);
  expect(identity.device).toMatch(/^\d+$/);
});
