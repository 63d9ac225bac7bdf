import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { getPriority, tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { silent } from "../base/logging.ts";
import { type Offset, offset, type TopicId } from "../base/ids.ts";
import { defaultLogConfig } from "../storage/log-config.ts";
import { PartitionLog } from "../storage/partition-log.ts";
import { buildBatch } from "../wire/record-batch-builder.ts";
import { nodeClock } from "./node-clock.ts";
import { NodeDisk } from "./node-disk.ts";
import { ThreadCompactor } from "./thread-compactor.ts";

const PROGRAM = new URL("../compaction-thread.ts", import.meta.url);

let folder: string;
let log: PartitionLog;

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "tidemark-compactor-"));
  const opened = await PartitionLog.open({
    disk: new NodeDisk(folder),
    folder: "t-0",
    topicId: "0123456789abcdef0123456789abcdef" as TopicId,
    clock: nodeClock,
    logger: silent,
    config: { ...defaultLogConfig, segmentBytes: 1000, isCompacted: true },
    checkpoint: null,
    isCleanStart: false,
    tailBytesMax: 0,
  });
  log = opened.log;
  for (let index = 0; index < 60; index++) {
    const batch = buildBatch([{ key: `key-${index % 2}`, value: `${index}`, timestamp: 1 }], { compression: "lz4" });
    log.appendAsLeader(batch, { leaderEpoch: 0 as never, nowMs: 1 });
  }
  await log.flush();
});

afterEach(async () => {
  await log.close();
  rmSync(folder, { recursive: true });
});

const request = () => ({
  highWatermark: log.logEnd,
  nowMs: 1,
  keyBytesMax: 1 << 16,
  hashKey: [1, 2, 3, 4] as const,
  bytesPerSecond: Number.MAX_SAFE_INTEGER,
});

test("a log is compacted in a thread of its own, twice in a row", async () => {
  const compactor = new ThreadCompactor(PROGRAM, folder);
  const before = log.sizeBytes;
  expect(await log.compaction.run(compactor, request())).toMatchObject({ outcome: "done" });
  expect(log.sizeBytes).toBeLessThan(before / 2);
  expect(await log.compaction.run(compactor, request())).toMatchObject({ outcome: "done" });
  expect(readdirSync(path.join(folder, "t-0")).filter((name) => /cleaned|swap/.test(name))).toEqual([]);
});

/** Scheduling steps (nice values) of this process's threads, by thread. Source: proc_pid_stat(5). */
const threadPriorities = (): Map<string, number> =>
  new Map(
    readdirSync("/proc/self/task").flatMap((thread) => {
      const steps = stepsOf(thread);
      return steps === null ? [] : [[thread, steps]];
    }),
  );

/** Null when the thread has ended meanwhile, as that of a compactor which was released may. */
function stepsOf(thread: string): number | null {
  try {
    const [, steps] = /\) (?:\S+ ){16}(\S+)/.exec(readFileSync(`/proc/self/task/${thread}/stat`, "utf8"))!;
    return Number(steps);
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return null;
    throw error;
  }
}

/** Elsewhere a thread has no priority of its own, and the broker sets none. */
const onLinux = process.platform === "linux" ? test : test.skip;

onLinux("the thread stands behind all others of its process when they want a core", async () => {
  const compactor = new ThreadCompactor(PROGRAM, folder);
  const before = threadPriorities();
  const sources = [{ baseOffset: offset(0), endOffset: offset(0), sizeBytes: 0 }];
  const job = { folder: "t-0", sources, from: 0 as Offset, keyBytesMax: 1000, hashKey: [1, 2, 3, 4] as const };
  await compactor.findKeys({ ...job, bytesPerSecond: Number.MAX_SAFE_INTEGER });
  const changed = [...threadPriorities()].filter(([thread, steps]) => steps !== (before.get(thread) ?? getPriority()));
  compactor.release();
  expect(changed.map(([, steps]) => steps)).toEqual([Math.min(19, getPriority() + 10)]);
});

test("what the thread cannot do is told, and the next job finds another thread", async () => {
  const compactor = new ThreadCompactor(PROGRAM, folder);
  const sources = [{ baseOffset: offset(777), endOffset: offset(778), sizeBytes: 100 }];
  const job = { folder: "t-0", sources, from: 777 as Offset, keyBytesMax: 1000, hashKey: [1, 2, 3, 4] as const };
  const asked = compactor.findKeys({ ...job, bytesPerSecond: Number.MAX_SAFE_INTEGER });
  await expect(asked).rejects.toMatchObject({ code: "DISK_FAILED" });
  compactor.release();
  expect(await log.compaction.run(compactor, request())).toMatchObject({ outcome: "done" });
});

test("a thread that does not start is a failure of the run, not of the process", async () => {
  const compactor = new ThreadCompactor(new URL("./no-such-program.ts", import.meta.url), folder);
  await expect(log.compaction.run(compactor, request())).rejects.toMatchObject({ code: "LOG_CORRUPT" });
  expect(log.compaction.cleanedEnd).toBe(0);
});
