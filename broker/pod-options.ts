import { TidemarkError } from "./base/errors.ts";
import { type BrokerId, brokerId } from "./base/ids.ts";
import { type AddressParts, filledAddress } from "./contract/address-template.ts";
import { type ConfigMap, validateStaticConfig } from "./contract/config-values.ts";
import { isLogLevel, type LogLevel } from "./adapters/winston-logger.ts";
import type { Address } from "./ports/network.ts";
import { OptionsReader } from "./options.ts";

/** A port for clients, and where they are told to come. */
export interface PodListener {
  readonly name: string;
  readonly port: number;
  readonly advertisedHost: string;
  readonly advertisedPort: number;
}

/** What a broker in a pod is told by its mounted file and its environment. */
export interface PodOptions {
  readonly brokerId: BrokerId;
  readonly clusterId: string;
  readonly controller: Address;
  readonly listeners: readonly PodListener[];
  /** Where other processes reach it: the pod's own address, never a Service's. */
  readonly http: Address;
  /** Port for applications over HTTP; null: none. */
  readonly apiPort: number | null;
  readonly config: ConfigMap;
  readonly logLevel: LogLevel;
}

const KEYS = ["clusterId", "controller", "listeners", "http", "api", "config", "logLevel"];
const LISTENER_KEYS = ["name", "port", "advertisedHost", "advertisedPort", "brokers"];
const PORT_MAX = 65_535;

/**
 * Reads broker.json for the pod that `env` describes.
 * @throws TidemarkError BAD_INPUT naming the field or variable and what it must be.
 */
export function podOptions(json: string, env: NodeJS.ProcessEnv, source: string): PodOptions {
  const reader: OptionsReader = new OptionsReader(source);
  const names = namesOf(env);
  const id = Number(names.ordinal);
  const root = reader.object(reader.json(json), "the file", KEYS);
  const controller = reader.object(root["controller"], "controller", ["host", "port", "path"]);
  const http = reader.object(root["http"], "http", ["port"]);
  const api = root["api"] === undefined ? null : reader.object(root["api"], "api", ["port"]);
  const level = root["logLevel"] ?? "info";
  if (!isLogLevel(level)) reader.fail("logLevel must be debug, info, warn or error");
  const config = reader.map(root["config"] ?? {}, "config");
  const problem = validateStaticConfig(config);
  if (problem !== null) reader.fail(`config: ${problem}`);
  return {
    brokerId: brokerId(id),
    clusterId: reader.text(root["clusterId"] ?? "", "clusterId"),
    controller: {
      ...reader.address(controller, "controller"),
      path: reader.text(controller["path"] ?? "", "controller.path"),
    },
    listeners: listenersOf(reader, root["listeners"], { id, names }),
    http: { host: names.podIp, port: reader.number(http["port"], "http.port", PORT_MAX) },
    apiPort: api === null ? null : reader.number(api["port"], "api.port", PORT_MAX),
    config,
    logLevel: level,
  };
}

function namesOf(env: NodeJS.ProcessEnv): AddressParts {
  const need = (name: string): string => {
    const value = env[name] ?? "";
    if (value === "") throw new TidemarkError("BAD_INPUT", `${name} must be set from the pod's own fields`);
    return value;
  };
  const pod = need("POD_NAME");
  const ordinal = /-(\d{1,9})$/.exec(pod)?.[1];
  if (ordinal === undefined) {
    throw new TidemarkError("BAD_INPUT", `POD_NAME ${pod} must end with -NUMBER, as a StatefulSet's pods do`);
  }
  return {
    pod,
    ordinal,
    podIp: need("POD_IP"),
    nodeName: env["NODE_NAME"] ?? "",
    nodeIp: env["NODE_IP"] ?? "",
    namespace: need("POD_NAMESPACE"),
  };
}

function listenersOf(reader: OptionsReader, value: unknown, at: { id: number; names: AddressParts }): PodListener[] {
  if (!Array.isArray(value) || value.length === 0) reader.fail("listeners must name at least one");
  const listeners = (value as unknown[]).map((one, index) => listenerOf(reader, one, { ...at, index }));
  for (const field of ["name", "port"] as const) {
    const twice = listeners.find((one, index) => listeners.findIndex((other) => other[field] === one[field]) < index);
    if (twice !== undefined) reader.fail(`two listeners have the ${field} ${twice[field]}`);
  }
  return listeners;
}

function listenerOf(
  reader: OptionsReader,
  value: unknown,
  { id, names, index }: { id: number; names: AddressParts; index: number },
): PodListener {
  const path = `listeners[${index}]`;
  const listener = reader.object(value, path, LISTENER_KEYS);
  const port = reader.number(listener["port"], `${path}.port`, PORT_MAX);
  const given: unknown = listener["brokers"] ?? [];
  if (!Array.isArray(given)) reader.fail(`${path}.brokers must be a list`);
  const all = given.map((one) => reader.object(one, `${path}.brokers`, ["broker", "host", "port"]));
  const own = all.find((one) => one["broker"] === id) ?? {};
  // What a Service was given for this very broker counts more than what is said for all.
  const host = own["host"] ?? listener["advertisedHost"] ?? "{podIp}";
  return {
    name: reader.text(listener["name"], `${path}.name`),
    port,
    advertisedHost: filled(reader, reader.text(host, `${path}.advertisedHost`), { names, path }),
    advertisedPort: portOf(reader, own["port"] ?? listener["advertisedPort"] ?? port, { names, path }),
  };
}

function portOf(reader: OptionsReader, value: unknown, at: { names: AddressParts; path: string }): number {
  if (typeof value !== "string") return reader.number(value, `${at.path}.advertisedPort`, PORT_MAX);
  const text = filled(reader, value, at);
  // 31000+{ordinal}: a port for each broker by one rule.
  const sum = text.split("+").map((part) => (/^\s*\d+\s*$/.test(part) ? Number(part) : Number.NaN));
  return reader.number(
    sum.reduce((total, part) => total + part, 0),
    `${at.path}.advertisedPort`,
    PORT_MAX,
  );
}

function filled(
  reader: OptionsReader,
  template: string,
  { names, path }: { names: AddressParts; path: string },
): string {
  return filledAddress(template, (name, whole) => {
    const value = Object.hasOwn(names, name) ? names[name as keyof AddressParts] : undefined;
    if (value === undefined) return reader.fail(`${path}: ${whole} is none of ${Object.keys(names).join(", ")}`);
    return value === "" ? reader.fail(`${path}: this pod was not told its ${name}`) : value;
  });
}
