import { type BrokerId, brokerId } from "./base/ids.ts";
import { TidemarkError } from "./base/errors.ts";
import { isLogLevel, type LogLevel } from "./adapters/winston-logger.ts";
import type { Address } from "./ports/network.ts";

/** What a broker process is told by whoever starts it (the local supervisor, or a pod's mounted file). */
export interface BrokerOptions {
  readonly brokerId: BrokerId;
  readonly dataFolder: string;
  /** "" accepts whatever cluster the controller names, on a new folder. */
  readonly clusterId: string;
  readonly controller: Address;
  /** Where it listens for clients; port 0 = any free one. */
  readonly kafka: Address & { readonly listener: string; readonly advertisedHost: string };
  readonly http: Address;
  /** Where it serves applications over HTTP; null: nowhere. */
  readonly api: Address | null;
  readonly rack: string | null;
  /** The cluster's static configuration: Kafka's keys. */
  readonly config: Readonly<Record<string, string>>;
  /** File with the cluster's internal token. */
  readonly tokenFile: string;
  readonly logLevel: LogLevel;
}

/** Reads fields, and refuses with the one line that names the file, the field and what it must be. */
export class OptionsReader {
  readonly #source: string;

  constructor(source: string) {
    this.#source = source;
  }

  fail(what: string): never {
    throw new TidemarkError("BAD_INPUT", `${this.#source}: ${what}`);
  }

  json(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch {
      return this.fail("is not JSON");
    }
  }

  object(value: unknown, path: string, keys: readonly string[]): Record<string, unknown> {
    if (typeof value !== "object" || value === null || Array.isArray(value)) this.fail(`${path} must be an object`);
    for (const key of Object.keys(value)) if (!keys.includes(key)) this.fail(`${path} has an unknown field "${key}"`);
    return value as Record<string, unknown>;
  }

  text(value: unknown, path: string): string {
    return typeof value === "string" ? value : this.fail(`${path} must be a string`);
  }

  number(value: unknown, path: string, most: number): number {
    const isWhole = Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most;
    return isWhole ? (value as number) : this.fail(`${path} must be a whole number from 0 to ${most}`);
  }

  address(value: Record<string, unknown>, path: string): Address {
    return { host: this.text(value["host"], `${path}.host`), port: this.number(value["port"], `${path}.port`, 65_535) };
  }

  map(value: unknown, path: string): Record<string, string> {
    if (typeof value !== "object" || value === null) this.fail(`${path} must be an object`);
    for (const [key, one] of Object.entries(value)) this.text(one, `${path}["${key}"]`);
    return value as Record<string, string>;
  }
}

/**
 * Reads the options file's content.
 * @throws TidemarkError BAD_INPUT naming the field and what it must be.
 */
export function parseBrokerOptions(json: string, source: string): BrokerOptions {
  const reader: OptionsReader = new OptionsReader(source);
  const value = reader.json(json);
  const keys = [
    "brokerId",
    "dataFolder",
    "clusterId",
    "controller",
    "kafka",
    "http",
    "api",
    "rack",
    "config",
    "logLevel",
    "tokenFile",
  ];
  const root = reader.object(value, "the file", keys);
  const kafka = reader.object(root["kafka"], "kafka", ["host", "port", "listener", "advertisedHost"]);
  const level = root["logLevel"] ?? "info";
  if (!isLogLevel(level)) reader.fail("logLevel must be debug, info, warn or error");
  return {
    brokerId: brokerId(reader.number(root["brokerId"], "brokerId", 2 ** 31 - 1)),
    dataFolder: reader.text(root["dataFolder"], "dataFolder"),
    clusterId: reader.text(root["clusterId"], "clusterId"),
    controller: reader.address(reader.object(root["controller"], "controller", ["host", "port"]), "controller"),
    kafka: {
      ...reader.address(kafka, "kafka"),
      listener: reader.text(kafka["listener"] ?? "PLAINTEXT", "kafka.listener"),
      advertisedHost: reader.text(kafka["advertisedHost"] ?? kafka["host"], "kafka.advertisedHost"),
    },
    http: reader.address(reader.object(root["http"], "http", ["host", "port"]), "http"),
    api: apiOf(reader, root["api"]),
    rack: root["rack"] === undefined || root["rack"] === null ? null : reader.text(root["rack"], "rack"),
    config: reader.map(root["config"] ?? {}, "config"),
    tokenFile: reader.text(root["tokenFile"], "tokenFile"),
    logLevel: level,
  };
}

function apiOf(reader: OptionsReader, value: unknown): Address | null {
  if (value === undefined || value === null) return null;
  return reader.address(reader.object(value, "api", ["host", "port"]), "api");
}
