import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { unzip } from "./zip.ts";

/** The release whose definitions are the measure. */
export const KAFKA_VERSION = "4.4.0";
const cacheFolder = path.join(import.meta.dirname, "../../.cache/kafka-definitions");
const inJar = /^common\/message\/.*\.json$/;

/** A field as Kafka's own definitions write it down. */
export interface KafkaField {
  readonly name: string;
  readonly type: string;
  readonly versions: string;
  readonly nullableVersions?: string;
  readonly taggedVersions?: string;
  readonly tag?: number;
  readonly default?: string | number | boolean;
  readonly ignorable?: boolean;
  readonly fields?: readonly KafkaField[];
}

export interface KafkaMessage {
  readonly name: string;
  readonly apiKey?: number;
  readonly type: string;
  readonly validVersions: string;
  readonly flexibleVersions: string;
  readonly fields: readonly KafkaField[];
  readonly commonStructs?: readonly { readonly name: string; readonly fields: readonly KafkaField[] }[];
}

export type Definitions =
  | { readonly ok: true; readonly from: string; readonly messages: readonly KafkaMessage[] }
  | { readonly ok: false; readonly reason: string };

/**
 * Kafka's message definitions: from `given`, a folder of them or a kafka-clients jar, or else from the jar that Maven
 * fetches once into `.cache/`.
 */
export function kafkaDefinitions(given: string | undefined): Definitions {
  const source = given === undefined ? fetchedJar() : { ok: true as const, file: given };
  if (!source.ok) return source;
  if (!existsSync(source.file)) return { ok: false, reason: `${source.file} does not exist` };
  const texts = statSync(source.file).isDirectory() ? textsOfFolder(source.file) : textsOfJar(source.file);
  const messages = texts.map(parse).filter(({ type }) => type === "request" || type === "response");
  if (messages.length === 0) return { ok: false, reason: `${source.file} holds no message definitions` };
  return { ok: true, from: source.file, messages };
}

const textsOfJar = (file: string): string[] => [...unzip(readFileSync(file), (name) => inJar.test(name)).values()];

const textsOfFolder = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .map((name) => readFileSync(path.join(folder, name), "utf8"));

/** The definitions are JSON with whole lines of comment. */
const parse = (text: string): KafkaMessage => JSON.parse(text.replaceAll(/^\s*\/\/.*$/gmu, "")) as KafkaMessage;

function fetchedJar(): { ok: true; file: string } | { ok: false; reason: string } {
  const file = path.join(cacheFolder, `kafka-clients-${KAFKA_VERSION}.jar`);
  if (existsSync(file)) return { ok: true, file };
  console.log(`fetching kafka-clients ${KAFKA_VERSION} through Maven, once (about 10 MB)`);
  mkdirSync(cacheFolder, { recursive: true });
  const goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy";
  const artifact = `-Dartifact=org.apache.kafka:kafka-clients:${KAFKA_VERSION}`;
  const maven = spawnSync("mvn", ["-q", "-B", goal, artifact, `-DoutputDirectory=${cacheFolder}`], {
    encoding: "utf8",
  });
  if (maven.error !== undefined) return { ok: false, reason: "no Maven on this machine" };
  if (maven.status !== 0 || !existsSync(file)) {
    return { ok: false, reason: `Maven could not fetch kafka-clients ${KAFKA_VERSION}: ${lastLine(maven.stdout)}` };
  }
  return { ok: true, file };
}

const lastLine = (text: string): string => text.trim().split("\n").at(-1) ?? "";
