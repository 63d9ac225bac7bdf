import type { FamilyReading, Labels } from "./metrics.ts";

export const PROMETHEUS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** So much text at once: the event loop serves clients between two pieces. */
const PIECE_CHARACTERS = 64 * 1024;

/**
 * All families in the Prometheus text format 0.0.4, in pieces. Written here and not by prom-client's registry, which
 * keeps every sample as objects and puts them into words in one go: with 10,000 partitions (`node bench/scrape.ts`)
 * it holds the event loop for the whole of it.
 */
export function* prometheusPieces(families: Iterable<FamilyReading>): Generator<string> {
  let piece = "";
  for (const { name, help, type, samples } of families) {
    piece += `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n# TYPE ${name} ${type}\n`;
    for (const sample of samples) {
      piece += `${sample.name}${labelsText(sample.labels)} ${valueText(sample.value)}\n`;
      if (piece.length < PIECE_CHARACTERS) continue;
      yield piece;
      piece = "";
    }
  }
  if (piece !== "") yield piece;
}

/** Whom pieces are sent to: a response of Node's HTTP. */
export interface PieceSink {
  write(piece: string, done: (error?: Error | null) => void): unknown;
  end(): unknown;
}

/** One piece after the other, each once the socket has taken the last and others had their turn. */
export async function sendPieces(sink: PieceSink, pieces: Iterable<string>): Promise<void> {
  for (const piece of pieces) {
    const isSent = await new Promise<boolean>((resolve) => {
      sink.write(piece, (error) => resolve(error === undefined || error === null));
    });
    // The other side is gone.
    if (!isSent) return;
  }
  sink.end();
}

function labelsText(labels: Labels): string {
  let text = "";
  for (const name in labels) text += `${text === "" ? "{" : ","}${name}="${escaped(labels[name]!)}"`;
  return text === "" ? "" : `${text}}`;
}

const isPlain = /^[^\\"\n]*$/;

const escaped = (value: string): string =>
  isPlain.test(value) ? value : value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");

function valueText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  return String(value);
}
