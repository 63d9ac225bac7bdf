import { TidemarkError } from "#base/errors.ts";
import { type ConfigMap, validateStaticConfig } from "#contract/config-values.ts";
import type { Address } from "#ports/network.ts";

/** What a controller process is told by whoever starts it. */
export interface ControllerProcessOptions {
  readonly dataFolder: string;
  /** "" = the folder's, or, in a new one, one of its own making. */
  readonly clusterId: string;
  /** Where it listens, and is reached; port 0 = any free one. */
  readonly http: Address;
  /** The cluster's static configuration: Kafka's keys. */
  readonly config: ConfigMap;
  /** Go on although brokers were told more than the folder knows. */
  readonly recover: boolean;
  /** File with the cluster's internal token. */
  readonly tokenFile: string;
  readonly logLevel: "debug" | "info" | "warn" | "error";
}

const KEYS: readonly string[] = ["dataFolder", "clusterId", "http", "config", "recover", "tokenFile", "logLevel"];

/**
 * Reads the options file's content.
 * @throws TidemarkError BAD_INPUT naming the field and what it must be.
 */
export function parseControllerOptions(json: string, source: string): ControllerProcessOptions {
  const fail = (what: string): never => {
    throw new TidemarkError("BAD_INPUT", `${source}: ${what}`);
  };
  const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  let root: unknown;
  try {
    root = JSON.parse(json);
  } catch {
    fail("is not JSON");
  }
  if (!isObject(root)) return fail("must be an object");
  for (const key of Object.keys(root)) if (!KEYS.includes(key)) fail(`has an unknown field "${key}"`);
  const { dataFolder, clusterId = "", http, config = {}, recover = false, tokenFile, logLevel = "info" } = root;
  if (typeof dataFolder !== "string" || dataFolder === "") return fail("dataFolder must be the path of a folder");
  if (typeof clusterId !== "string") return fail("clusterId must be a string");
  if (typeof tokenFile !== "string" || tokenFile === "") return fail("tokenFile must be the path of a file");
  if (!isObject(http) || typeof http["host"] !== "string") return fail("http must have a host and a port");
  const port = http["port"];
  if (!Number.isInteger(port) || (port as number) < 0 || (port as number) > 65_535) {
    return fail("http.port must be a whole number from 0 to 65535");
  }
  if (!isObject(config) || !Object.values(config).every((value) => typeof value === "string")) {
    return fail("config must be an object of strings");
  }
  const problem = validateStaticConfig(config as ConfigMap);
  if (problem !== null) fail(`config: ${problem}`);
  if (typeof recover !== "boolean") return fail("recover must be true or false");
  if (logLevel !== "debug" && logLevel !== "info" && logLevel !== "warn" && logLevel !== "error") {
    return fail("logLevel must be debug, info, warn or error");
  }
  const address: Address = { host: http["host"], port: port as number };
  return { dataFolder, clusterId, http: address, config: config as ConfigMap, recover, tokenFile, logLevel };
}
