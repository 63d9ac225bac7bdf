import { expect, test } from "@jest/globals";
import { IndexFile } from "./index-file.ts";
import { SharedStorage } from "./shared-storage.ts";
import { holdFirstRead } from "./testing/watched-reads.ts";
import { MemoryDisk } from "./testing/memory-disk.ts";

test("a read of an index that ends when another stands in its place is not taken for that one's", async () => {
  const disk = new MemoryDisk();
  await disk.makeFolder("t-0");
  const shared = new SharedStorage(disk);
  const options = { entryBytes: 8, isNew: true };
  const old = new IndexFile(shared, "t-0/0.index", options);
  old.grow();
  await old.persist();
  await shared.files.forget(old.path);
  const { promise: isHeld, resolve: hold } = Promise.withResolvers<void>();
  const { promise: isReleased, resolve: release } = Promise.withResolvers<void>();
  holdFirstRead(disk, old.path, { hold, isReleased });
  const load = old.load();
  await isHeld;
  await shared.files.forget(old.path);
  await disk.remove(old.path);
  release();
  expect(await load).toHaveLength(8);
  expect(await new IndexFile(shared, old.path, options).load()).toHaveLength(0);
});
