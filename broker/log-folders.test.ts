import { expect, test } from "@jest/globals";
import type { BrokerId, LeaderEpoch, PartitionIndex } from "./base/ids.ts";
import { silent } from "./base/logging.ts";
import { FakeClock } from "./base/testing/fake-clock.ts";
import { LogFolders } from "./log-folders.ts";
import { DataFolder } from "./storage/data-folder.ts";
import { defaultLogConfig } from "./storage/log-config.ts";
import { batchOf, seededRandom, TOPIC_ID } from "./storage/testing/log-fixture.ts";
import { MemoryDisk } from "./storage/testing/memory-disk.ts";

const name = { topic: "orders", topicId: TOPIC_ID, partition: 0 as PartitionIndex };

async function start(disk: MemoryDisk) {
  const clock = new FakeClock();
  const options = { random: seededRandom(1), clusterId: "c1", brokerId: 1 as BrokerId };
  const folder = await DataFolder.open({ disk: disk.mount(), ...options });
  const logs = new LogFolders({ disk: disk.mount(), clock, logger: silent }, folder);
  const [stored] = await logs.recover(() => defaultLogConfig);
  const { log, highWatermark } = stored ?? (await logs.open(name, defaultLogConfig));
  await folder.begin();
  const append = async (value: string): Promise<void> => {
    log.appendAsLeader(batchOf([value]), { leaderEpoch: 0 as LeaderEpoch, nowMs: 0 });
    while (log.writtenEnd < log.logEnd) await clock.advance(1);
  };
  return { log, logs, highWatermark, append };
}

// Else a crash before the next checkpoint brings it back, and it covers records that came to stand there since.
test("a high watermark above the end of a log that lost records is forgotten", async () => {
  const disk = new MemoryDisk();
  const { log, logs, append } = await start(disk);
  await append("synced");
  await log.flush();
  for (const value of ["a", "b", "c"]) await append(value);
  await logs.checkpoint([{ ...name, log, highWatermark: log.logEnd }]);
  disk.crash({ losesPageCache: true });
  const second = await start(disk);
  await second.append("acknowledged since");
  await second.log.flush();
  disk.crash({ losesPageCache: false });
  const third = await start(disk);
  expect([third.log.logStart, third.log.logEnd, third.highWatermark]).toEqual([0, 2, 1]);
});

// What replaces the hidden records may be among those that are not synced yet.
test("a log start is kept once everything appended before it is synced, not before", async () => {
  const disk = new MemoryDisk();
  const first = await start(disk);
  await first.append("synced");
  await first.log.flush();
  await first.append("not synced");
  first.log.advanceLogStart(first.log.logEnd);
  await first.logs.checkpoint([{ ...name, log: first.log, highWatermark: first.log.logEnd }]);
  disk.crash({ losesPageCache: true });
  const { log, logs, append } = await start(disk);
  expect([log.logStart, log.logEnd]).toEqual([0, 1]);
  await append("synced, too");
  log.advanceLogStart(log.logEnd);
  await log.flush();
  await logs.checkpoint([{ ...name, log, highWatermark: log.logEnd }]);
  disk.crash({ losesPageCache: true });
  const third = await start(disk);
  expect([third.log.logStart, third.log.logEnd]).toEqual([2, 2]);
});
