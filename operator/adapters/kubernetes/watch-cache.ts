import { type Clock, sleep, type Timer } from "#base/clock.ts";
import type { Logger } from "#base/logging.ts";
import type { Random } from "#base/random.ts";
import type { Cache, Kind, KubernetesObject, ObjectName, WatchOptions } from "../../ports/kubernetes.ts";
import type { ApiAnswer, ApiStream } from "./api-client.ts";
import { collectionPath, selectorQuery } from "./paths.ts";

/** What a watch needs of the API client. */
export interface WatchClient {
  request(request: { method: "GET"; path: string; timeoutMs: number }): Promise<ApiAnswer>;
  stream(path: string, handlers: { silenceMsMax: number; onLine: (line: unknown) => void }): ApiStream;
}

const LIST_TIMEOUT_MS = 30_000;
const PAGE_SIZE = 500;
/** The API server ends a watch after this; jitter keeps all of them from ending at once. */
const WATCH_S_LEAST = 240;
const WATCH_S_JITTER = 120;
/** Bookmarks come about once a minute: a watch that says nothing for longer is dead, though its connection stands. */
const SILENCE_MS_MAX = 90_000;
/** Everything is read anew now and then, whatever the watch said. */
const RESYNC_MS_LEAST = 600_000;
const RESYNC_MS_JITTER = 300_000;
const RETRY_MS_FIRST = 200;
const RETRY_MS_MAX = 10_000;

interface Line {
  readonly type?: string;
  readonly object?: KubernetesObject & { readonly code?: number };
}

interface ListBody {
  readonly items?: readonly KubernetesObject[];
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
}

const keyOf = ({ namespace, name }: ObjectName): string => `${namespace}/${name}`;
const keyOfObject = ({ metadata }: KubernetesObject): string =>
  keyOf({ namespace: metadata.namespace ?? "", name: metadata.name });

/** Nobody here reads who wrote which field, and it is half of many an object. */
function slim(object: KubernetesObject, kind: Kind, apiVersion: string): KubernetesObject {
  const { managedFields: _, ...metadata } = object.metadata as KubernetesObject["metadata"] & {
    managedFields?: unknown;
  };
  return { ...object, apiVersion: object.apiVersion ?? apiVersion, kind: object.kind ?? kind, metadata };
}

/**
 * One kind in some namespaces, read once and then watched. A watch that ends, expires (410) or falls silent is opened
 * again, from a new list where it must; reads go on from what is there meanwhile, and `stalenessMs` tells how old
 * that may be.
 */
export class WatchCache implements Cache {
  readonly kind: Kind;
  readonly #parts: readonly WatchedPart[];

  constructor(
    ports: { clock: Clock; random: Random; logger: Logger; client: WatchClient },
    options: WatchOptions & { readonly apiVersion: string },
  ) {
    this.kind = options.kind;
    const namespaces = options.namespaces.length === 0 ? [null] : options.namespaces;
    this.#parts = namespaces.map((namespace) => new WatchedPart(ports, options, namespace));
    for (const part of this.#parts) part.start();
  }

  get isSynced(): boolean {
    return this.#parts.every((part) => part.isSynced);
  }

  stalenessMs(): number {
    return Math.max(...this.#parts.map((part) => part.stalenessMs()));
  }

  get(name: ObjectName): KubernetesObject | null {
    for (const part of this.#parts) {
      const object = part.objects.get(keyOf(name));
      if (object !== undefined) return object;
    }
    return null;
  }

  list(namespace?: string): readonly KubernetesObject[] {
    const all = this.#parts.flatMap((part) => [...part.objects.values()]);
    return namespace === undefined ? all : all.filter(({ metadata }) => metadata.namespace === namespace);
  }

  stop(): void {
    for (const part of this.#parts) part.stop();
  }
}

/** One kind in one namespace, or in all. */
class WatchedPart {
  readonly objects = new Map<string, KubernetesObject>();
  isSynced = false;
  readonly #ports: { clock: Clock; random: Random; logger: Logger; client: WatchClient };
  readonly #options: WatchOptions & { readonly apiVersion: string };
  readonly #path: string;
  readonly #namespace: string | null;
  /** null: everything must be read anew. */
  #version: string | null = null;
  #heardMs: number;
  #failures = 0;
  #isStopped = false;
  #stream: ApiStream | null = null;

  constructor(
    ports: { clock: Clock; random: Random; logger: Logger; client: WatchClient },
    options: WatchOptions & { readonly apiVersion: string },
    namespace: string | null,
  ) {
    this.#ports = ports;
    this.#options = options;
    this.#namespace = namespace;
    this.#path = collectionPath(options.kind, namespace);
    this.#heardMs = ports.clock.monotonic();
  }

  start(): void {
    void this.#run();
  }

  stop(): void {
    this.#isStopped = true;
    this.#stream?.close();
  }

  stalenessMs(): number {
    return this.#ports.clock.monotonic() - this.#heardMs;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const problem = (this.#version === null ? await this.#list() : null) ?? (await this.#watch());
      if (this.#isStopped) return;
      if (problem === null) {
        this.#failures = 0;
        continue;
      }
      this.#failures++;
      const { logger, random, clock } = this.#ports;
      const { kind } = this.#options;
      const where = { kind, namespace: this.#namespace ?? "all", why: problem };
      // The first time may be a passing thing; then it is said again ever more rarely.
      if (Number.isInteger(Math.log2(this.#failures)) && this.#failures > 1)
        logger.warn("a watch does not stand", where);
      else logger.debug("a watch ended", where);
      const delayMs = Math.min(RETRY_MS_MAX, RETRY_MS_FIRST * 2 ** Math.min(this.#failures - 1, 10));
      await sleep(clock, delayMs * (0.5 + random.next() / 2));
    }
  }

  /** @returns null when everything was read, else why not. */
  async #list(): Promise<string | null> {
    const { client } = this.#ports;
    const found = new Map<string, KubernetesObject>();
    let version = "";
    let next = "";
    do {
      const query = new URLSearchParams({ limit: String(PAGE_SIZE), ...selectorQuery(this.#options.labels) });
      if (next !== "") query.set("continue", next);
      const answer = await client.request({
        method: "GET",
        path: `${this.#path}?${query}`,
        timeoutMs: LIST_TIMEOUT_MS,
      });
      if (answer.status !== 200) return `list: ${answer.status} ${answer.message}`;
      const { items = [], metadata } = answer.body as ListBody;
      for (const item of items) {
        const object = slim(item, this.#options.kind, this.#options.apiVersion);
        found.set(keyOfObject(object), object);
      }
      version = metadata?.resourceVersion ?? "";
      next = metadata?.continue ?? "";
    } while (next !== "");
    if (this.#isStopped) return null;
    this.#heard();
    this.#version = version;
    this.#replace(found);
    return null;
  }

  #replace(found: ReadonlyMap<string, KubernetesObject>): void {
    const changed = [...found].filter(
      ([key, object]) => this.objects.get(key)?.metadata.resourceVersion !== object.metadata.resourceVersion,
    );
    const gone = [...this.objects].filter(([key]) => !found.has(key));
    for (const [key] of gone) this.objects.delete(key);
    for (const [key, object] of changed) this.objects.set(key, object);
    this.isSynced = true;
    for (const [, object] of [...gone, ...changed]) this.#options.onChange(object);
  }

  /** Watches until that ends. @returns null when it ended as watches do, else why. */
  async #watch(): Promise<string | null> {
    const { client, clock, random } = this.#ports;
    const query = new URLSearchParams({
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: this.#version ?? "",
      timeoutSeconds: String(Math.floor(WATCH_S_LEAST + random.next() * WATCH_S_JITTER)),
      ...selectorQuery(this.#options.labels),
    });
    let isExpired = false;
    const startedMs = clock.monotonic();
    const stream = client.stream(`${this.#path}?${query}`, {
      silenceMsMax: SILENCE_MS_MAX,
      onLine: (line) => {
        if (this.#take(line as Line)) return;
        isExpired = true;
        stream.close();
      },
    });
    this.#stream = stream;
    const resync: Timer = clock.after(RESYNC_MS_LEAST + random.next() * RESYNC_MS_JITTER, () => {
      isExpired = true;
      stream.close();
    });
    const why = await stream.done;
    resync.cancel();
    this.#stream = null;
    if (isExpired || why.startsWith("410")) {
      this.#version = null;
      return null;
    }
    const hasStood = clock.monotonic() - startedMs > 1000;
    return hasStood && !/^\d/.test(why) ? null : why;
  }

  /** @returns false when the watch has nothing more to say and everything must be read anew. */
  #take({ type, object }: Line): boolean {
    if (type === undefined || object === undefined || type === "ERROR") return false;
    this.#heard();
    this.#version = object.metadata.resourceVersion ?? this.#version;
    if (type === "BOOKMARK") return true;
    const slimmed = slim(object, this.#options.kind, this.#options.apiVersion);
    const key = keyOfObject(slimmed);
    if (type === "DELETED") this.objects.delete(key);
    else this.objects.set(key, slimmed);
    this.#options.onChange(slimmed);
    return true;
  }

  #heard(): void {
    this.#heardMs = this.#ports.clock.monotonic();
  }
}
