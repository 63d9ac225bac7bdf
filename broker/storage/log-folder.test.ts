import { expect, test } from "@jest/globals";
import { offset } from "../base/ids.ts";
import { LogFolder } from "./log-folder.ts";
import { SharedStorage } from "./shared-storage.ts";
import { FOLDER, TOPIC_ID } from "./testing/log-fixture.ts";
import { MemoryDisk } from "./testing/memory-disk.ts";

test("a segment begun while the log before it is synced survives a power cut once synced itself", async () => {
  const disk = new MemoryDisk();
  const shared = new SharedStorage(disk.mount());
  const folder = new LogFolder(shared, { path: FOLDER, topicId: TOPIC_ID });
  await folder.open();
  const segment = folder.newSegment(offset(0), 0);
  await folder.prepare(segment);
  // A flush of what lies before comes in between.
  await folder.syncEntries();
  await shared.files.use(segment.path, { create: true }, async (file) => {
    await file.write([new Uint8Array([1, 2, 3])], 0);
    await file.sync();
  });
  await folder.syncEntries();
  disk.crash({ losesPageCache: true });
  expect(disk.contentOf(segment.path)).toEqual(new Uint8Array([1, 2, 3]));
});
