import { isTidemarkError } from "#base/errors.ts";
import { endWithReader, INTERRUPTED } from "./exit.ts";
import { Journey } from "./journey.ts";
import { Patience, pause } from "./patience.ts";
import { StatusLine } from "./progress-line.ts";
import type { ReassignOptions } from "./reassign.ts";
import { type Progressing, ReassignAdmin } from "./reassign-admin.ts";
import { idCell, print } from "./table.ts";
import { barText, bytesText } from "./units.ts";

export interface MovesOptions extends ReassignOptions {
  readonly topic?: string;
  readonly watch?: boolean;
}

const LOOK_MS = 1000;
/** How long brokers may not answer while we watch. */
const PATIENCE_MS = 30_000;

/** `tidemark reassign status`: what moves and how far it is; with `--watch` until nothing does. */
export async function showMoves(options: MovesOptions): Promise<void> {
  endWithReader();
  await ReassignAdmin.with(options, async (admin) => {
    const look = async (): Promise<Progressing[]> =>
      (await admin.progress()).filter(({ topic }) => options.topic === undefined || topic === options.topic);
    const first = await look();
    if (options.watch === true) await watch(first, look);
    const moving = options.watch === true ? [] : first;
    print(options.output, { json: moving, rows: rowsOf(moving) });
    if (moving.length > 0 && options.output === "table") process.stdout.write(`${new Journey(moving).text(0)}\n`);
  });
}

function rowsOf(moving: readonly Progressing[]): string[][] {
  if (moving.length === 0) return [["no partition is on its way"]];
  const rows = moving.map(({ topic, partition, replicas, adding, removing, totalBytes, missingBytes }) => [
    topic,
    `${partition}`,
    idCell(replicas),
    idCell(adding),
    idCell(removing),
    missingBytes === null ? "unknown" : bytesText(missingBytes),
    missingBytes === null ? "-" : barText(totalBytes === 0 ? 1 : 1 - missingBytes / (totalBytes ?? 1)),
  ]);
  return [["TOPIC", "PARTITION", "REPLICAS", "ADDING", "REMOVING", "STILL TO COPY", "DONE"], ...rows];
}

/** A bar on standard error for who watches a terminal; returns when nothing moves any more. */
async function watch(first: readonly Progressing[], look: () => Promise<Progressing[]>): Promise<void> {
  const line = new StatusLine();
  const journey = new Journey(first);
  const startedAtMs = performance.now();
  const text = (): string => journey.text((performance.now() - startedAtMs) / 1000);
  process.once("SIGINT", () => {
    line.close(text);
    process.exit(INTERRUPTED);
  });
  const patience = new Patience(PATIENCE_MS);
  let moving = first;
  while (moving.length > 0) {
    const lookSoon = async (): Promise<readonly Progressing[]> => {
      line.show(text);
      await pause(LOOK_MS);
      return await look();
    };
    // Brokers and controllers come back: what moves goes on meanwhile.
    moving = await patience.with(lookSoon, (error, isOver) => {
      if (isOver || !isTidemarkError(error)) throw error;
    });
    journey.update(moving);
  }
  line.close(text);
}
