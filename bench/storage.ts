import { mkdtemp, rm } from "node:fs/promises";
import { closeSync, openSync, writevSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NodeDisk } from "../broker/adapters/node-disk.ts";
import { nodeClock } from "../broker/adapters/node-clock.ts";
import { type LeaderEpoch, type Offset, type TopicId } from "../broker/base/ids.ts";
import { silent } from "../broker/base/logging.ts";
import { defaultLogConfig } from "../broker/storage/log-config.ts";
import { PartitionLog } from "../broker/storage/partition-log.ts";
import { SharedStorage } from "../broker/storage/shared-storage.ts";
import { buildBatch } from "../broker/wire/record-batch-builder.ts";

/*
 * What the storage room costs, alone: `node bench/storage.ts [FOLDER]`. CPU of the whole process (all threads) by
 * process.cpuUsage, after a warm-up. FOLDER should be on the disk to be measured; it is removed afterwards unless
 * --keep is given, so that Kafka's own tools can look at it.
 */

const args = process.argv.slice(2);
const isKept = args.includes("--keep");
const [given] = args.filter((arg) => !arg.startsWith("--"));
const root = given ?? (await mkdtemp(join(tmpdir(), "tidemark-bench-")));

const topicId = "0123456789abcdef0123456789abcdef" as TopicId;
const print = (line: string): void => void process.stdout.write(`${line}\n`);

async function openLog(folder: string, shared: SharedStorage): Promise<PartitionLog> {
  const { log } = await PartitionLog.open({
    disk: shared.disk,
    folder,
    topicId,
    clock: nodeClock,
    logger: silent,
    config: defaultLogConfig,
    checkpoint: null,
    isCleanStart: false,
    shared,
  });
  log.onFailure = (error) => {
    throw error;
  };
  return log;
}

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Load {
  readonly name: string;
  readonly recordBytes: number;
  readonly recordsPerBatch: number;
  readonly logs: number;
  readonly batches: number;
  /** Batches appended in one turn of the event loop, over all logs. */
  readonly batchesPerTurn: number;
}

/** Appends until all is written; answers CPU and time per batch. */
async function append(load: Load): Promise<void> {
  const shared = new SharedStorage(new NodeDisk(root));
  const logs: PartitionLog[] = [];
  for (let index = 0; index < load.logs; index++) logs.push(await openLog(`${load.name}-${index}`, shared));
  const records = Array.from({ length: load.recordsPerBatch }, () => ({
    value: Buffer.alloc(load.recordBytes, 120),
    timestamp: 1_700_000_000_000,
  }));
  const template = buildBatch(records);
  let appendMs = 0;
  const run = async (batches: number): Promise<{ cpu: number; wall: number }> => {
    appendMs = 0;
    const startCpu = cpuMs();
    const start = performance.now();
    for (let sent = 0; sent < batches; ) {
      const copies = Array.from({ length: load.batchesPerTurn }, () => Uint8Array.prototype.slice.call(template));
      const startAppend = performance.now();
      for (const copy of copies) {
        logs[sent++ % logs.length]!.appendAsLeader(copy, { leaderEpoch: 0 as LeaderEpoch, nowMs: 1_700_000_000_000 });
      }
      appendMs += performance.now() - startAppend;
      await turn();
      while (logs.some((log) => log.unwrittenBytes > 8 * 1024 * 1024)) await turn();
    }
    while (logs.some((log) => log.writtenEnd < log.logEnd)) await turn();
    return { cpu: cpuMs() - startCpu, wall: performance.now() - start };
  };
  await run(Math.ceil(load.batches / 4));
  const { cpu, wall } = await run(load.batches);
  const perBatch = (ms: number): string => `${((ms * 1000) / load.batches).toFixed(2)} us`;
  const megabytes = (load.batches * template.length) / 1e6;
  print(
    `${load.name.padEnd(18)} ${perBatch(appendMs)} in append, ${perBatch(cpu)} CPU with the write, ` +
      `${(megabytes / (cpu / 1000)).toFixed(0)} MB per CPU-second, ${(megabytes / (wall / 1000)).toFixed(0)} MB/s`,
  );
  for (const log of logs) await log.close();
  await shared.close();
}

/** One write of `sizeBytes` at a time: through the thread pool, and in the event loop. */
async function compareWrites(sizeBytes: number): Promise<void> {
  const rounds = 20_000;
  const chunk = Buffer.alloc(sizeBytes, 120);
  const disk = new NodeDisk(root);
  const file = (await disk.open(`write-${sizeBytes}`, { create: true }))!;
  let startCpu = cpuMs();
  for (let index = 0; index < rounds; index++) await file.write([chunk], (index % 1000) * sizeBytes);
  const pooled = cpuMs() - startCpu;
  await file.close();
  const descriptor = openSync(join(root, `write-${sizeBytes}`), "r+");
  startCpu = cpuMs();
  for (let index = 0; index < rounds; index++) {
    writevSync(descriptor, [chunk], (index % 1000) * sizeBytes);
    if (index % 10 === 0) await turn();
  }
  const direct = cpuMs() - startCpu;
  closeSync(descriptor);
  const perWrite = (ms: number): string => `${((ms * 1000) / rounds).toFixed(1)} us`;
  const size = String(sizeBytes).padStart(6);
  print(`write of ${size} B   thread pool ${perWrite(pooled)}, in the event loop ${perWrite(direct)}`);
}

async function recoverAndRead(): Promise<void> {
  const shared = new SharedStorage(new NodeDisk(root));
  const start = performance.now();
  const { log, recovery } = await PartitionLog.open({
    disk: shared.disk,
    folder: "large-0",
    topicId,
    clock: nodeClock,
    logger: silent,
    config: defaultLogConfig,
    checkpoint: null,
    isCleanStart: false,
    shared,
    tailBytesMax: 0,
  });
  const scanMs = performance.now() - start;
  const scanRate = (recovery.scannedBytes / 1e3 / scanMs).toFixed(0);
  print(`recovery            ${scanRate} MB/s over ${(recovery.scannedBytes / 1e6).toFixed(0)} MB`);
  const startCpu = cpuMs();
  let bytes = 0;
  for (let at: Offset = log.logStart; at < log.logEnd; ) {
    const views = await log.read(at, { endOffset: log.logEnd, maxBytes: 1024 * 1024 });
    for (const view of views) bytes += view.length;
    const last = views.at(-1)!;
    at = (at + views.reduce((sum, view) => sum + countOf(view), 0)) as Offset;
    if (last.length === 0) break;
  }
  const readRate = (bytes / 1e3 / (cpuMs() - startCpu)).toFixed(0);
  print(`cold read           ${readRate} MB per CPU-second over ${(bytes / 1e6).toFixed(0)} MB`);
  await log.close();
  await shared.close();
}

const countOf = (view: Uint8Array): number => {
  const data = new DataView(view.buffer, view.byteOffset, view.byteLength);
  let count = 0;
  for (let at = 0; at < view.length; at += data.getInt32(at + 8) + 12) count += data.getInt32(at + 23) + 1;
  return count;
};

for (const sizeBytes of [256, 1024, 8192, 65_536]) await compareWrites(sizeBytes);
await append({ name: "small", recordBytes: 1024, recordsPerBatch: 1, logs: 1, batches: 200_000, batchesPerTurn: 50 });
await append({ name: "single", recordBytes: 1024, recordsPerBatch: 1, logs: 1, batches: 40_000, batchesPerTurn: 1 });
await append({
  name: "many-logs",
  recordBytes: 1024,
  recordsPerBatch: 1,
  logs: 50,
  batches: 100_000,
  batchesPerTurn: 50,
});
await append({ name: "large", recordBytes: 1024, recordsPerBatch: 125, logs: 1, batches: 6000, batchesPerTurn: 2 });
await recoverAndRead();
if (!isKept) await rm(root, { recursive: true, force: true });
else print(`kept ${root}`);
