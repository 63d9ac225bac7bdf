import { TidemarkError } from "#base/errors.ts";
import { readText, writeNewText } from "../adapters/process/local-files.ts";
import { noSuchTopic } from "./admin-client.ts";
import type { ClientOptions } from "./broker-access.ts";
import { endWithReader, FAILED } from "./exit.ts";
import { keyOf, type Place } from "./places.ts";
import { type Outcome, ReassignAdmin, THROTTLE_KEY } from "./reassign-admin.ts";
import { readReassignments, reassignmentJson, type Target } from "./reassign-file.ts";
import { type Assigned, copyBytesOf, type Move, plan, type Seat, without } from "./reassign-plan.ts";
import { idCell, type Output, print } from "./table.ts";
import { bytesText } from "./units.ts";

export interface ReassignOptions extends ClientOptions {
  readonly output: Output;
}

export interface PlanOptions extends ReassignOptions {
  readonly topic: readonly string[];
  readonly brokers?: readonly number[];
  readonly removeBroker: readonly number[];
  readonly file?: string;
}

/** One partition on the command line instead of a file. */
interface OnePartition {
  readonly topic?: string;
  readonly partition?: number;
}

export interface StartOptions extends ReassignOptions, OnePartition {
  readonly replicas?: readonly number[];
  readonly throttle?: number;
}

export interface CancelOptions extends ReassignOptions, OnePartition {
  readonly all?: boolean;
}

const bad = (message: string): TidemarkError => new TidemarkError("BAD_INPUT", message);

/** `tidemark reassign plan`: what would move so that all is even; changes nothing. */
export async function planMoves(options: PlanOptions): Promise<void> {
  endWithReader();
  const moves = await ReassignAdmin.with(options, async (admin) => {
    const { seats, partitions } = await admin.world();
    const wanted = options.topic.length === 0 ? partitions : ofTopics(partitions, options.topic);
    const others = without(partitions, wanted);
    const found = plan({ partitions: wanted, others, ...placesOf(seats, partitions, options) });
    if (!("kind" in found)) return found;
    const { place, replicas } = found;
    throw bad(`${nameOf(place)} has ${replicas} replicas, and there are fewer brokers to put them on`);
  });
  const targets = moves.map(({ topic, partition, to: replicas }) => ({ topic, partition, replicas }));
  if (options.file !== undefined) writeNewText(options.file, `${JSON.stringify(reassignmentJson(targets), null, 2)}\n`);
  printMoves(options.output, moves, { ...reassignmentJson(targets), moves });
}

function ofTopics(partitions: readonly Assigned[], topics: readonly string[]): Assigned[] {
  const missing = topics.find((topic) => !partitions.some((one) => one.topic === topic));
  if (missing !== undefined) throw noSuchTopic(missing);
  return partitions.filter(({ topic }) => topics.includes(topic));
}

/** Where replicas may go, and which brokers only keep what they have. */
function placesOf(up: readonly Seat[], all: readonly Assigned[], options: PlanOptions) {
  const { brokers: named = null, removeBroker: removed } = options;
  const ids = up.map(({ id }) => id);
  const holders = [...new Set(all.flatMap(({ replicas }) => replicas))].sort((a, b) => a - b);
  const missing = (named ?? []).find((id) => !ids.includes(id));
  if (missing !== undefined) throw bad(`--brokers: broker ${missing} is not up; brokers that are: ${ids.join(",")}`);
  const stranger = removed.find((id) => !ids.includes(id) && !holders.includes(id));
  if (stranger !== undefined) throw bad(`--remove-broker: there is no broker ${stranger}; there are ${ids.join(",")}`);
  const seats = up.filter(({ id }) => (named?.includes(id) ?? true) && !removed.includes(id));
  if (seats.length === 0) throw bad("no broker is left to put replicas on");
  // Where brokers are named, nobody else keeps anything.
  const away = named === null ? holders.filter((id) => !ids.includes(id) && !removed.includes(id)) : [];
  return { seats, kept: away.map((id) => ({ id, rack: null })) };
}

const nameOf = ({ topic, partition }: Place): string => `${topic}-${partition}`;
const sizeCell = (bytes: number | null): string => (bytes === null ? "unknown" : bytesText(bytes));

function printMoves(output: Output, moves: readonly Move[], json: unknown): void {
  const rows = moves.map(({ topic, partition, from, to, copyBytes }) => [
    topic,
    `${partition}`,
    idCell(from),
    idCell(to),
    copyBytes === 0 ? "-" : sizeCell(copyBytes),
  ]);
  if (output === "json") return print(output, { json, rows });
  if (moves.length === 0) return print(output, { json, rows: [["nothing is to be moved"]] });
  print(output, { json, rows: [["TOPIC", "PARTITION", "FROM", "TO", "COPIES"], ...rows] });
  const count = moves.length === 1 ? "1 partition changes" : `${moves.length} partitions change`;
  process.stdout.write(`${count}, ${sizeCell(copyBytesOf(moves))} to copy\n`);
}

/** `tidemark reassign start`: partitions go to other brokers, as a file or the command line says. */
export async function startMoves(file: string | undefined, options: StartOptions): Promise<void> {
  endWithReader();
  const targets = targetsOf(file, options);
  await ReassignAdmin.with(options, async (admin) => {
    if (options.throttle !== undefined) await throttle(admin, options.throttle);
    report(options.output, await admin.alter(targets), "is on its way");
  });
}

/** Says so at once: it stays, whatever becomes of the moves. */
async function throttle(admin: ReassignAdmin, bytesPerSecond: number): Promise<void> {
  await admin.throttle(bytesPerSecond);
  const undo = `tidemark configs unset --broker all ${THROTTLE_KEY}`;
  process.stderr.write(`copies take at most ${bytesText(bytesPerSecond)}/s of each broker until \`${undo}\`\n`);
}

function targetsOf(file: string | undefined, { topic, partition, replicas }: StartOptions): Target[] {
  const isGiven = [topic, partition, replicas].filter((one) => one !== undefined).length;
  if ((file === undefined) === (isGiven === 0)) throw bad(`give either a file, or ${START_FORM}`);
  if (file !== undefined) return readTargets(file);
  if (topic === undefined || partition === undefined || replicas === undefined) throw bad(`give ${START_FORM}`);
  return [{ topic, partition, replicas }];
}

const START_FORM = "--topic, --partition and --replicas";

function readTargets(file: string): Target[] {
  const text = readText(file);
  if (text === null) throw bad(`${file}: no such file`);
  return readReassignments(text, file);
}

/** `tidemark reassign cancel`: partitions go back to the replicas that they had. */
export async function cancelMoves(file: string | undefined, options: CancelOptions): Promise<void> {
  endWithReader();
  const isChosen = chosenBy(file, options);
  await ReassignAdmin.with(options, async (admin) => {
    const moving = (await admin.underWay()).filter(isChosen);
    if (moving.length === 0) throw new TidemarkError("REFUSED", "nothing of that is on its way");
    report(options.output, await admin.alter(moving.map((one) => ({ ...one, replicas: null }))), "goes back");
  });
}

function chosenBy(file: string | undefined, { topic, partition, all }: CancelOptions): (place: Place) => boolean {
  const isGiven = [file, topic, all].filter((one) => one !== undefined).length;
  if (isGiven !== 1) throw bad("give one of a file, --topic and --all");
  if (partition !== undefined && topic === undefined) throw bad("--partition is one of --topic");
  if (all === true) return () => true;
  if (file === undefined) {
    return (place) => place.topic === topic && (partition === undefined || place.partition === partition);
  }
  const keys = new Set(readTargets(file).map(keyOf));
  return (place) => keys.has(keyOf(place));
}

/** `tidemark reassign elect`: the first replica of each partition leads again, where it can. */
export async function electFirst(options: ReassignOptions & OnePartition): Promise<void> {
  endWithReader();
  const { topic, partition } = options;
  if (partition !== undefined && topic === undefined) throw bad("--partition is one of --topic");
  await ReassignAdmin.with(options, async (admin) => {
    const outcomes = await admin.elect(topic === undefined ? null : await placesAt(admin, topic, partition));
    if (outcomes.length > 0 || options.output === "json")
      return report(options.output, outcomes, "is led by its first");
    process.stdout.write("every partition is led by its first replica\n");
  });
}

async function placesAt(admin: ReassignAdmin, topic: string, partition: number | undefined): Promise<Place[]> {
  const count = await admin.partitionCount(topic);
  const all = Array.from({ length: count }, (_, index) => ({ topic, partition: index }));
  const places = all.filter((one) => partition === undefined || one.partition === partition);
  if (places.length === 0) throw bad(`topic ${topic} has partitions 0 to ${count - 1}, not ${partition}`);
  return places;
}

/** What became of each partition: those taken to standard output, those refused to standard error, with exit code 1. */
function report(output: Output, outcomes: readonly Outcome[], what: string): void {
  const taken = outcomes.filter(({ refusal }) => refusal === null);
  const refused = outcomes.filter(({ refusal }) => refusal !== null);
  const rows = taken.map((one) => [`${nameOf(one)} ${what}`]);
  if (output === "json" || rows.length > 0) print(output, { json: outcomes, rows });
  for (const one of refused) process.stderr.write(`tidemark: ${nameOf(one)}: ${one.refusal}\n`);
  if (refused.length > 0) process.exitCode = FAILED;
}
