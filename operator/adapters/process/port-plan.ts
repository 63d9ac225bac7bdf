import { TidemarkError } from "#base/errors.ts";
import type { LocalPorts } from "./cluster-file.ts";
import { anyPort, firstFreePort, isPortFree } from "./free-port.ts";

export const LOCAL_HOST = "127.0.0.1";
const KAFKA_PORT_DEFAULT = 9092;
/** HTTP ports are looked for this far above the first Kafka port. */
const HTTP_DISTANCE = 1000;

export interface PortWish {
  readonly brokers: number;
  /** First Kafka port; 0 = any free ones; null = as before, else the default. */
  readonly first: number | null;
  /** First port of the HTTP API for applications; 0 = any free ones; null = it is not served. */
  readonly api: number | null;
  readonly before: LocalPorts | null;
  /** Ports that processes about to be adopted have already: they need not be free. */
  readonly held: ReadonlySet<number>;
}

/**
 * Chooses the ports of one cluster. Kafka's, and the HTTP API's, are promised to clients: they must be free as wished.
 * The processes' own stay what they were as long as nobody else took them.
 * @throws TidemarkError PORT_IN_USE, BAD_INPUT.
 */
export async function planPorts(wish: PortWish): Promise<LocalPorts> {
  const { before, held, brokers } = wish;
  const taken = new Set<number>();
  const take = (port: number): number => {
    taken.add(port);
    return port;
  };
  const isOurs = async (port: number): Promise<boolean> => held.has(port) || (await isPortFree(LOCAL_HOST, port));
  const kafka: number[] = [];
  for (let id = 0; id < brokers; id++) kafka.push(take(await kafkaPort(wish, { id, kafka, isOurs })));
  const api: number[] = [];
  for (let id = 0; wish.api !== null && id < brokers; id++) {
    api.push(take(await apiPort(wish.api, { id, old: before?.api?.[id], taken, isOurs })));
  }
  const near = (kafka[0] ?? KAFKA_PORT_DEFAULT) + HTTP_DISTANCE;
  const keepOrFind = async (old: number | undefined): Promise<number> => {
    if (old !== undefined && !taken.has(old) && (await isOurs(old))) return take(old);
    return take(await firstFreePort(LOCAL_HOST, Math.min(near, 60_000), taken));
  };
  const http: number[] = [];
  for (let id = 0; id < brokers; id++) http.push(await keepOrFind(before?.http[id]));
  return { kafka, http, api, controller: await keepOrFind(before?.controller) };
}

async function apiPort(
  first: number,
  at: {
    id: number;
    old: number | undefined;
    taken: ReadonlySet<number>;
    isOurs: (port: number) => Promise<boolean>;
  },
): Promise<number> {
  const { id, old, taken, isOurs } = at;
  if (first === 0) {
    const isKept = old !== undefined && !taken.has(old) && (await isOurs(old));
    return isKept ? old : firstFreePort(LOCAL_HOST, anyPort(), taken);
  }
  const port = first + id;
  if (port > 65_535) {
    throw new TidemarkError("BAD_INPUT", `HTTP port ${port} of broker ${id} is over 65535; give a lower --http-port`);
  }
  if (!taken.has(port) && (await isOurs(port))) return port;
  throw new TidemarkError(
    "PORT_IN_USE",
    `HTTP port ${LOCAL_HOST}:${port} of broker ${id} is in use; stop what listens there or give another --http-port`,
  );
}

async function kafkaPort(
  { first, before }: PortWish,
  { id, kafka, isOurs }: { id: number; kafka: readonly number[]; isOurs: (port: number) => Promise<boolean> },
): Promise<number> {
  const old = before?.kafka[id];
  const isAny = first === 0;
  if (isAny && old !== undefined && !kafka.includes(old) && (await isOurs(old))) return old;
  if (isAny) return firstFreePort(LOCAL_HOST, (kafka.at(-1) ?? anyPort()) + 1, new Set(kafka));
  const start = first ?? before?.kafka[0] ?? KAFKA_PORT_DEFAULT;
  const port = first === null && old !== undefined ? old : start + id;
  if (port > 65_535)
    throw new TidemarkError("BAD_INPUT", `Kafka port ${port} of broker ${id} is over 65535; give a lower --port`);
  if (await isOurs(port)) return port;
  throw new TidemarkError(
    "PORT_IN_USE",
    `Kafka port ${LOCAL_HOST}:${port} of broker ${id} is in use; stop what listens there or give another --port`,
  );
}
