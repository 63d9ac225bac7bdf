import path from "node:path";
import { parseArgs } from "node:util";
import { DemoCluster } from "./cluster.ts";
import { Lanes } from "./lanes.ts";
import { Ledger } from "./ledger.ts";
import { readTopic } from "./reader.ts";
import type { Outcome, Scene, View } from "./scene.ts";
import { citySource, lineSource, type Source } from "./source.ts";
import { RECORDS_MIN, Story, tooFew } from "./story.ts";
import { verdictLines } from "./verdict.ts";
import { LogView } from "./view-log.ts";
import { Paint, PANEL_COLUMNS, PANEL_ROWS, PanelView } from "./view-panel.ts";
import { WireTap } from "./wire-tap.ts";

const TOPIC = "cities";
const TIME_MS_MAX = 240_000;
const RESOURCES = path.resolve(import.meta.dirname, "../quickstart.yaml");

const write = (text: string): void => void process.stdout.write(text);

function fail(line: string): never {
  process.stderr.write(`demo: ${line}\n`);
  process.exit(1);
}

function inputOption(): string | undefined {
  try {
    return parseArgs({ options: { input: { type: "string" } } }).values.input ?? process.env["INPUT"];
  } catch (error) {
    const why = Error.isError(error) ? error.message.split(".", 1)[0] : String(error);
    return fail(`${why}; known: --input FILE, or - for standard input`);
  }
}

async function chooseSource(): Promise<Source> {
  const input = inputOption();
  if (input === undefined || input === "") return citySource();
  const source = await lineSource(input);
  if (typeof source === "string") fail(source);
  if (source.count !== null && source.count < RECORDS_MIN) fail(tooFew(source.count));
  return source;
}

async function play(cluster: DemoCluster, source: Source, view: View, scene: Scene): Promise<Outcome> {
  const ledger = new Ledger();
  const tap = new WireTap();
  const story = new Story({ cluster, source, ledger, tap, scene, view });
  scene.brokers = cluster.brokers;
  const { partitions: rows } = await cluster.watch(TOPIC, (sighting) => story.onState(sighting));
  const partitions = rows.length;
  if (partitions === 0) throw new Error(`topic ${TOPIC} is not there`);
  const lanes = await Lanes.open({ bootstrap: cluster.bootstrap, topic: TOPIC, partitions, tap, events: story });
  try {
    const told = await story.run(lanes);
    scene.readBack = 0;
    await readTopic({ bootstrap: cluster.bootstrap, topic: TOPIC }, ({ n, key, value }) => {
      ledger.noteRead(n, key, value);
      scene.readBack = ledger.readBack;
      if (ledger.readBack % 512 === 0) view.update(scene);
    });
    const recordsPerSecondMax = bestSecond(scene.tenths);
    return { ...told, recordsPerSecondMax, verdict: ledger.verdict() };
  } finally {
    story.abandon();
    await lanes.close();
  }
}

/** Most records acknowledged within one second. */
function bestSecond(tenths: readonly number[]): number {
  let best = 0;
  for (let start = 0; start + 10 <= tenths.length; start++) {
    best = Math.max(
      best,
      tenths.slice(start, start + 10).reduce((sum, one) => sum + one, 0),
    );
  }
  return best;
}

async function main(): Promise<void> {
  process.removeAllListeners("warning");
  const source = await chooseSource();
  const { isTTY, columns, rows } = process.stdout;
  const isTerminal = isTTY === true && columns >= PANEL_COLUMNS && rows >= PANEL_ROWS;
  const paint = new Paint(isTerminal && process.env["NO_COLOR"] === undefined);
  write(`\n  ${paint.bold("Tidemark")}  three brokers, one topic, and a leader that dies in the middle\n\n`);
  write(`  input    ${source.count === null ? "" : `${source.count.toLocaleString("en-US")} `}${source.title}\n`);
  write(`           ${paint.dim(source.origin)}\n`);
  const cluster = new DemoCluster(RESOURCES);
  let end: Promise<void> | null = null;
  const stop = (): Promise<void> => (end ??= cluster.stop());
  const breakOff = (line: string): void => {
    if (isTerminal) write("\x1b[?25h");
    void stop().then(() => fail(line));
  };
  process.once("SIGINT", () => breakOff("broken off"));
  process.once("SIGTERM", () => breakOff("broken off"));
  const timer = setTimeout(() => breakOff(`not done after ${TIME_MS_MAX / 1000} s`), TIME_MS_MAX);
  const scene: Scene = {
    count: source.count,
    acked: 0,
    readBack: null,
    tenths: [],
    killedAtTenth: null,
    wholeAtTenth: null,
    state: null,
    brokers: [],
    dead: null,
    moments: [],
    pace: "slowed so that one can watch",
  };
  let view: View | null = null;
  let outcome: Outcome;
  try {
    if (isTerminal) write("  cluster  starting a controller and three brokers …");
    const ready = await cluster.ready();
    write(`${isTerminal ? "\r\x1b[2K" : ""}  cluster  ${ready}\n`);
    write("  writer   kafkajs, idempotent, acks=all      reader  @platformatic/kafka\n");
    view = isTerminal ? new PanelView(write, paint) : new LogView(write);
    outcome = await play(cluster, source, view, scene);
    view.close(scene);
  } catch (error) {
    view?.close(scene);
    await stop();
    fail(Error.isError(error) ? (error.message.split("\n", 1)[0] ?? "") : String(error));
  }
  clearTimeout(timer);
  await stop();
  const { lines, isGood } = verdictLines(outcome, paint);
  write(`${lines.join("\n")}\n`);
  process.exit(isGood ? 0 : 1);
}

await main();
