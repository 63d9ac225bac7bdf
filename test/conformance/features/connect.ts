import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { freePorts } from "../../../operator/adapters/process/free-port.ts";
import { until } from "../cluster.ts";
import { Program } from "../program.ts";
import { type Bench, type Feature, mustBe, valuesOf } from "./feature.ts";
import { withFolder } from "./folder.ts";

const LIMIT_MS = 500_000;
const LINES = 100;

/** A worker of Kafka Connect's distributed mode. */
interface Worker {
  readonly url: string;
  readonly program: Program;
}

async function startWorker({ cluster, command, topic }: Bench, folder: string): Promise<Worker> {
  const [port] = (await freePorts("127.0.0.1", 1)) as [number];
  const url = `http://127.0.0.1:${port}`;
  const file = path.join(folder, `worker-${port}.properties`);
  const storage = ["offset", "config", "status"].flatMap((what) => [
    `${what}.storage.topic=${topic}-${what}`,
    `${what}.storage.replication.factor=3`,
  ]);
  const lines = [
    `bootstrap.servers=${cluster.bootstrap}`,
    `group.id=${topic}`,
    "key.converter=org.apache.kafka.connect.storage.StringConverter",
    "value.converter=org.apache.kafka.connect.storage.StringConverter",
    "offset.storage.partitions=3",
    "offset.flush.interval.ms=500",
    // Whose worker is gone is given to another at once.
    "scheduled.rebalance.max.delay.ms=0",
    `listeners=${url}`,
    ...storage,
  ];
  writeFileSync(file, lines.join("\n"));
  return { url, program: new Program(command, [file], LIMIT_MS) };
}

/** What a worker answers; null while it cannot. */
async function ask(worker: Worker, page: string, body?: object): Promise<unknown> {
  if (worker.program.hasEnded) throw new Error(worker.program.complaint());
  const how = body === undefined ? {} : { method: "PUT", body: JSON.stringify(body) };
  try {
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${worker.url}${page}`, { ...how, headers, signal: AbortSignal.timeout(20_000) });
    return response.ok ? await response.json() : null;
  } catch {
    // It is not up yet, or the group is about to rebalance: whoever asks looks again.
    return null;
  }
}

async function runConnector(worker: Worker, name: string, config: Record<string, string>): Promise<void> {
  await until(`${name} is taken`, async () => (await ask(worker, `/connectors/${name}/config`, config)) !== null);
}

interface Status {
  readonly tasks: readonly { readonly state: string; readonly worker_id: string }[];
}

/** The worker that runs a connector's only task, once one does. */
async function runnerOf(worker: Worker, name: string, workers: readonly Worker[]): Promise<Worker> {
  let runner: Worker | undefined;
  await until(`the task of ${name} runs`, async () => {
    const status = (await ask(worker, `/connectors/${name}/status`)) as Status | null;
    const task = status?.tasks.find(({ state }) => state === "RUNNING");
    runner = workers.find(({ url }) => url.endsWith(task?.worker_id ?? "nobody"));
    return runner !== undefined;
  });
  return runner as Worker;
}

/** Resolves when the sink's file has every line; a line may come twice. */
async function untilArrived(file: string, lines: readonly string[]): Promise<void> {
  const arrived = (): Set<string> => new Set(existsSync(file) ? readFileSync(file, "utf8").split("\n") : []);
  await until(`${lines.length} lines have arrived`, () => {
    const found = arrived();
    return lines.every((line) => found.has(line));
  });
}

async function distributed(bench: Bench): Promise<void> {
  await bench.cluster.makeTopic(bench.topic, { partitions: 1 });
  await withFolder(async (folder) => {
    const [source, sink] = [path.join(folder, "source.txt"), path.join(folder, "sink.txt")];
    const lines = valuesOf("line", 2 * LINES);
    writeFileSync(source, `${lines.slice(0, LINES).join("\n")}\n`);
    const workers = [await startWorker(bench, folder), await startWorker(bench, folder)] as const;
    const [first] = workers;
    const common = { "tasks.max": "1" };
    const file = "org.apache.kafka.connect.file.FileStream";
    const from = { ...common, "connector.class": `${file}SourceConnector`, file: source, topic: bench.topic };
    await runConnector(first, "source", from);
    const to = { ...common, "connector.class": `${file}SinkConnector`, file: sink, topics: bench.topic };
    await runConnector(first, "sink", to);
    await untilArrived(sink, lines.slice(0, LINES));
    const killed = await runnerOf(first, "source", workers);
    const [left] = workers.filter((worker) => worker !== killed) as [Worker];
    killed.program.kill();
    await killed.program.end();
    appendFileSync(source, `${lines.slice(LINES).join("\n")}\n`);
    await untilArrived(sink, lines);
    if ((await runnerOf(left, "source", workers)) !== left) throw new Error("the source runs on a killed worker");
    const values = [...new Set(await bench.cluster.values(bench.topic))];
    mustBe("what is in the topic", values, lines);
    left.program.kill();
  });
}

export const connect: readonly Feature[] = [
  {
    name: "a worker killed",
    what:
      "A file goes through a topic into another file; the worker that reads it is killed, the other goes on, and " +
      "every line arrives at least once. Offsets, configs and states are in compacted topics of the cluster.",
    run: distributed,
  },
];
