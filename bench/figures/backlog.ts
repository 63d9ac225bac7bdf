import { leadersOf } from "../log-ends.ts";
import { cpuSeconds, nowMs, residentBytes, sleep } from "../machine.ts";
import type { Row } from "../report.ts";
import { makeTopic, produceSurely, type RunningBroker, withConnection } from "../system.ts";
import { Connection } from "../connection.ts";
import { deleteTopic, fetchRecords, nextOffset, recordBatch } from "../requests.ts";
import { type Context, type Figures, note, type Pair, row, say } from "./context.ts";

const topic = "backlog";
const recordsPerBatch = 900;

async function fill(leader: RunningBroker, records: number): Promise<void> {
  const batch = recordBatch({ count: recordsPerBatch, valueBytes: 1024, timestampMs: Date.now() });
  await withConnection(leader, async (connection) => {
    let left = Math.ceil(records / recordsPerBatch);
    const send = async (): Promise<void> => {
      while (left-- > 0) await produceSurely(connection, { topic, partition: 0, batch });
    };
    await Promise.all([send(), send(), send(), send()]);
  });
}

/** Reads the partition from its start to its end; answers the bytes read and the leader's greatest memory. */
async function readAll(leader: RunningBroker): Promise<{ bytes: number; residentMax: number }> {
  const connection = new Connection(leader);
  let [offset, bytes, residentMax] = [0, 0, 0];
  for (;;) {
    const answer = await fetchRecords(connection, { topic, partition: 0, offset, maxBytes: 1_048_576 });
    if (answer.errorCode !== 0) throw new Error(`a fetch was refused with code ${answer.errorCode}`);
    const next = nextOffset(answer.records);
    if (next < 0 || offset >= answer.highWatermark) break;
    bytes += answer.records.length;
    offset = next;
    residentMax = Math.max(residentMax, residentBytes(leader.pid));
  }
  connection.close();
  return { bytes, residentMax };
}

const CONSUMER_RUNS_MAX = 3;

/** The same records, read by a consumer group; the first time is left out, since it warms up. */
async function consumeAll({ client, extent }: Context, pair: Pair, consumed: Figures): Promise<void> {
  const { system, running } = pair;
  const { consume } = client;
  if (consume === null) return;
  for (let run = 0; run <= Math.min(extent.runs, CONSUMER_RUNS_MAX); run++) {
    const { megabytes, brokerCpuSeconds } = await consume(running, { topic, records: extent.backlogRecords });
    const efficiency = megabytes / brokerCpuSeconds;
    say(`${system.name}: a group read ${Math.round(megabytes)} MB, ${Math.round(efficiency)} MB per broker CPU-second`);
    if (run > 0) note(consumed, system.name, efficiency);
  }
}

/** What reading a long backlog costs the leader: processor time, and memory that it did not hold before. */
export async function backlogFigures(context: Context, pairs: readonly Pair[]): Promise<Row[]> {
  const [growth, perCpu, consumed]: [Figures, Figures, Figures] = [{}, {}, {}];
  for (const { system, running } of pairs) {
    const first = running.brokers[0] as RunningBroker;
    await makeTopic(first, { name: topic, partitions: 1 });
    const [leader] = (await leadersOf(running, topic)) as [RunningBroker];
    await fill(leader, context.extent.backlogRecords);
    await sleep(3000);
    const [before, cpu, startMs] = [residentBytes(leader.pid), cpuSeconds([leader.pid]), nowMs()];
    const { bytes, residentMax } = await readAll(leader);
    const used = cpuSeconds([leader.pid]) - cpu;
    const grown = Math.max(0, (residentMax - before) / 1e6);
    const seconds = ((nowMs() - startMs) / 1000).toFixed(1);
    say(`${system.name}: read ${Math.round(bytes / 1e6)} MB in ${seconds} s, memory grew by ${Math.round(grown)} MB`);
    note(growth, system.name, grown);
    note(perCpu, system.name, bytes / 1e6 / Math.max(used, 0.01));
    await consumeAll(context, { system, running }, consumed);
    await withConnection(first, (connection) => deleteTopic(connection, topic));
  }
  return [
    row(growth, { figure: "memory that reading a backlog adds", unit: "MB", better: "less", limit: 16 }),
    row(perCpu, { figure: "reading a backlog, per CPU-second of the leader", unit: "MB", better: "more" }),
    row(consumed, {
      figure: "a group that reads a backlog out of the page cache, per broker CPU-second",
      unit: "MB",
      better: "more",
      target: 1.25,
    }),
  ];
}
