import { Agent, request } from "node:http";
import { EventReader } from "../event-reader.ts";
import { leadersOf, recordsIn } from "../log-ends.ts";
import { nowMs, residentBytes, sleep } from "../machine.ts";
import type { Row } from "../report.ts";
import { makeTopic, produceSurely, type Running, type RunningBroker, until } from "../system.ts";
import { Connection } from "../connection.ts";
import { buildBatch } from "../../broker/wire/record-batch-builder.ts";
import { type Context, type Figures, note, type Pair, row, say } from "./context.ts";

const RECORDS_PER_REQUEST = 100;
const REQUESTS_IN_FLIGHT = 8;
const VALUE_BYTES = 100;

const READERS = 1000;
const RECORDS_PER_SECOND = 100;
const BATCHES_PER_SECOND = 10;
const READERS_WINDOW_MS_MAX = 20_000;

/** A JSON object of so many bytes. */
const valueOf = (bytes: number): string => JSON.stringify({ text: "tidemark".repeat(bytes).slice(0, bytes - 11) });

const bodyOf = (count: number): string =>
  `{"records":[${Array.from({ length: count }, () => `{"value":${valueOf(VALUE_BYTES)}}`).join(",")}]}`;

/** Posts a body; answers how many of its records were appended. */
function post(url: string, agent: Agent, body: string): Promise<number> {
  const headers = { "content-type": "application/vnd.kafka.json.v2+json", "content-length": Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: "POST", agent, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("error", reject);
      response.on("end", () => {
        if (response.statusCode !== 200) return reject(new Error(`status ${response.statusCode}: ${text}`));
        const { offsets } = JSON.parse(text) as { offsets: { error_code: number | null }[] };
        resolve(offsets.filter(({ error_code }) => error_code === null).length);
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** Posts batches to one broker for `windowMs`; answers the records a second, all of which must be in the topic. */
async function postFor(running: Running, topic: string, windowMs: number): Promise<number> {
  const before = await recordsIn(running, topic);
  const agent = new Agent({ keepAlive: true, maxSockets: REQUESTS_IN_FLIGHT });
  const url = `${running.brokers[0]?.httpUrl}/topics/${topic}`;
  const [body, startMs] = [bodyOf(RECORDS_PER_REQUEST), nowMs()];
  let records = 0;
  const lane = async (): Promise<void> => {
    while (nowMs() - startMs < windowMs) {
      const appended = await post(url, agent, body);
      records += appended;
    }
  };
  await Promise.all(Array.from({ length: REQUESTS_IN_FLIGHT }, lane));
  const rate = (records * 1000) / (nowMs() - startMs);
  agent.destroy();
  const there = (await recordsIn(running, topic)) - before;
  if (there !== records) throw new Error(`${records} records were acknowledged over HTTP, ${there} are there`);
  return rate;
}

/** Records a second that one broker takes over HTTP. */
export async function httpProduceFigures({ extent }: Context, [pair]: readonly Pair[]): Promise<Row[]> {
  const rates: Figures = {};
  if (pair !== undefined) {
    const { system, running } = pair;
    const topic = "http-produce";
    await makeTopic(running.brokers[0] as RunningBroker, { name: topic, partitions: 6 });
    await postFor(running, topic, extent.clientWarmUpMs);
    for (let run = 0; run < extent.runs; run++) {
      const rate = await postFor(running, topic, extent.windowMs);
      say(`${system.name}: ${Math.round(rate)} records/s over HTTP, ${RECORDS_PER_REQUEST} a request`);
      note(rates, system.name, rate);
    }
  }
  const figure = `produce over HTTP at one broker, ${RECORDS_PER_REQUEST} records of ${VALUE_BYTES} B a request`;
  return [row(rates, { figure, unit: "records/s", better: "more", limit: 20_000 })];
}

/** Appends {@link RECORDS_PER_SECOND} for `windowMs`; answers how many. */
async function trickle(leader: RunningBroker, topic: string, windowMs: number): Promise<number> {
  const connection = new Connection(leader);
  const perBatch = RECORDS_PER_SECOND / BATCHES_PER_SECOND;
  const startMs = nowMs();
  let batches = 0;
  for (; batches < (windowMs / 1000) * BATCHES_PER_SECOND; batches++) {
    await sleep(Math.max(0, startMs + (batches * 1000) / BATCHES_PER_SECOND - nowMs()));
    const record = { value: valueOf(VALUE_BYTES), timestamp: Date.now() };
    const batch = buildBatch(Array.from({ length: perBatch }, () => record));
    await produceSurely(connection, { topic, partition: 0, batch });
  }
  connection.close();
  return batches * perBatch;
}

/** Bytes that a broker holds more while readers take what comes; every one of them must get every record. */
async function memoryOf(leader: RunningBroker, topic: string, asked: { readers: number; windowMs: number }) {
  const before = residentBytes(leader.pid);
  const readers = Array.from({ length: asked.readers }, () => new EventReader(leader.httpUrl ?? "", topic));
  try {
    await until(`${asked.readers} readers`, { limitMs: 60_000 }, async () =>
      readers.every((reader) => reader.isReading) ? true : undefined,
    );
    let most = residentBytes(leader.pid);
    const sampling = setInterval(() => (most = Math.max(most, residentBytes(leader.pid))), 200);
    const records = await trickle(leader, topic, asked.windowMs).finally(() => clearInterval(sampling));
    await until(`${records} records at each reader`, { limitMs: 60_000 }, async () =>
      readers.every((reader) => reader.isReading && reader.records === records) ? true : undefined,
    );
    return Math.max(most, residentBytes(leader.pid)) - before;
  } finally {
    for (const reader of readers) reader.close();
  }
}

/** Memory that many readers of server-sent events add to the broker that they read from. */
export async function eventReaderFigures({ extent }: Context, [pair]: readonly Pair[]): Promise<Row[]> {
  const memory: Figures = {};
  if (pair !== undefined) {
    const { system, running } = pair;
    const topic = "events";
    await makeTopic(running.brokers[0] as RunningBroker, { name: topic, partitions: 1 });
    const leader = (await leadersOf(running, topic))[0] as RunningBroker;
    const windowMs = Math.min(extent.windowMs, READERS_WINDOW_MS_MAX);
    await memoryOf(leader, topic, { readers: 1, windowMs: extent.clientWarmUpMs });
    const grown = (await memoryOf(leader, topic, { readers: READERS, windowMs })) / 1e6;
    say(`${system.name}: ${READERS} readers of events add ${grown.toFixed(1)} MB to their broker`);
    note(memory, system.name, grown);
  }
  const figure = `memory that ${READERS.toLocaleString("en-US")} readers of server-sent events add to one broker`;
  return [row(memory, { figure, unit: "MB", better: "less", limit: 100 })];
}
