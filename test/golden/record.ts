/*
 * Records golden frames: stands between a client and a real Kafka, hands everything on, and keeps of every API key and
 * version the longest request and response of at most 4 KiB. The broker must advertise the address of this program.
 *
 *   node test/golden/record.ts --listen PORT --to HOST:PORT --origin "kafkajs 2.2.4" [--session KEY]
 *
 * SIGINT or SIGTERM writes the frames to test/golden/NN-name/ORIGIN-vN.request.hex (…response.hex). With --session the
 * first exchanges of one API key are kept instead, all of them and in their order: …/ORIGIN-session-NN-vN.request.hex.
 */
import { mkdirSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import path from "node:path";
import { parseArgs } from "node:util";
import type { Api } from "../../broker/wire/api.ts";
import { declaredApis } from "../protocol/declared-apis.ts";
import { writeHexFile } from "./hex-file.ts";

const LONGEST_BYTES = 4_096;
const SESSION_EXCHANGES = 30;

const { values } = parseArgs({
  options: {
    listen: { type: "string" },
    to: { type: "string" },
    origin: { type: "string" },
    session: { type: "string" },
  },
});
const { listen, to, origin, session } = values;
if (listen === undefined || to === undefined || origin === undefined) throw new Error("--listen, --to and --origin");
const apis = new Map((await declaredApis()).map((api) => [api.key, api]));
const kept = new Map<string, Buffer>();
let exchanges = 0;

/** One request and what answers it; `part` tells it from others of its kind, where all are kept. */
interface Exchange {
  readonly api: Api;
  readonly version: number;
  readonly part: string;
}

/** What a request begins; null when nothing of it is to be kept. */
function exchangeOf(api: Api, version: number): Exchange | null {
  if (session === undefined) return { api, version, part: "" };
  if (api.key !== Number(session) || exchanges === SESSION_EXCHANGES) return null;
  exchanges++;
  return { api, version, part: `-session-${String(exchanges).padStart(2, "0")}` };
}

/** The file that holds a frame of an exchange. */
function fileOf({ api, version, part }: Exchange, direction: "request" | "response"): string {
  const kebab = api.name.replaceAll(/(?<!^)[A-Z]/gu, (letter) => `-${letter}`).toLowerCase();
  const folder = path.join(import.meta.dirname, `${String(api.key).padStart(2, "0")}-${kebab}`);
  mkdirSync(folder, { recursive: true });
  return path.join(folder, `${origin?.replaceAll(/[^a-z0-9.]+/giu, "-")}${part}-v${version}.${direction}.hex`);
}

function keep(name: string, frame: Buffer): void {
  const known = kept.get(name);
  if (frame.length <= LONGEST_BYTES && frame.length > (known?.length ?? 0)) kept.set(name, Buffer.from(frame));
}

/** Calls `take` with every whole frame of a stream of bytes. */
function frames(take: (frame: Buffer) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const end = 4 + rest.readInt32BE(0);
      take(rest.subarray(4, end));
      rest = rest.subarray(end);
    }
  };
}

function relay(client: Socket): void {
  const [host = "127.0.0.1", port = "9092"] = to?.split(":") ?? [];
  const broker = connect(Number(port), host);
  const asked = new Map<number, Exchange>();
  const requests = frames((frame) => {
    const api = apis.get(frame.readInt16BE(0));
    const version = frame.readInt16BE(2);
    if (api === undefined || version < api.versions.min || version > api.versions.max) return;
    const exchange = exchangeOf(api, version);
    if (exchange === null) return;
    asked.set(frame.readInt32BE(4), exchange);
    keep(fileOf(exchange, "request"), frame);
  });
  const responses = frames((frame) => {
    const exchange = asked.get(frame.readInt32BE(0));
    if (exchange !== undefined) keep(fileOf(exchange, "response"), frame);
  });
  client.on("data", requests).on("error", () => broker.destroy());
  broker.on("data", responses).on("error", () => client.destroy());
  client.pipe(broker).pipe(client);
}

function finish(): void {
  for (const [file, bytes] of kept) writeHexFile(file, { origin: origin ?? "", bytes });
  console.log(`${kept.size} frames of ${origin} written`);
  process.exit(0);
}

createServer(relay).listen(Number(listen), "127.0.0.1", () => console.log(`recording on 127.0.0.1:${listen}`));
process.on("SIGINT", finish).on("SIGTERM", finish);
