import type { Clock } from "#base/clock.ts";
import type { Logger } from "#base/logging.ts";
import type { Random } from "#base/random.ts";
import {
  type Cache,
  type Failed,
  type Kind,
  kinds,
  type Kubernetes,
  type KubernetesEvent,
  type KubernetesObject,
  type ObjectReference,
  type Outcome,
  type WatchOptions,
} from "../../ports/kubernetes.ts";
import type { ApiAnswer, ApiRequest } from "./api-client.ts";
import { collectionPath, objectPath, selectorQuery } from "./paths.ts";
import { WatchCache, type WatchClient } from "./watch-cache.ts";

/** What is needed of the API client. */
export interface ObjectsClient extends WatchClient {
  request(request: ApiRequest): Promise<ApiAnswer>;
}

const MANAGER = "tidemark-operator";
const STATUS_MANAGER = "tidemark-operator-status";
const TIMEOUT_MS = 10_000;
const APPLY = "application/apply-patch+yaml";
const MERGE = "application/merge-patch+json";
/** The same Event of the same object is not written again before. */
const EVENT_REST_MS = 300_000;
const EVENTS_KNOWN_MAX = 1000;
/** Events are for people: what comes faster than this a minute is dropped. */
const EVENTS_MAX_PER_MINUTE = 120;

function failedOf({ status, message }: ApiAnswer): Failed {
  if (status === 404) return { kind: "notFound", status, message };
  if (status === 409) return { kind: "conflict", status, message };
  const isRefused = [400, 403, 405, 413, 415, 422].includes(status);
  return { kind: isRefused ? "refused" : "unreachable", status, message };
}

const isDone = (answer: ApiAnswer): boolean => answer.status >= 200 && answer.status < 300;

function outcomeOf(answer: ApiAnswer): Outcome<KubernetesObject> {
  return isDone(answer) ? { kind: "done", value: answer.body as KubernetesObject } : failedOf(answer);
}

const referenceOf = ({ kind, metadata }: KubernetesObject): ObjectReference => ({
  kind: kind as Kind,
  namespace: metadata.namespace ?? "",
  name: metadata.name,
});

export interface ObjectsPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly client: ObjectsClient;
  /** False while another process may write as well: nothing is sent then but questions. */
  readonly mayWrite: () => boolean;
}

/** The API server over HTTP. */
export class KubernetesObjects implements Kubernetes {
  readonly #ports: ObjectsPorts;
  readonly #told = new Map<string, number>();
  #minuteMs = 0;
  #inMinute = 0;

  constructor(ports: ObjectsPorts) {
    this.#ports = ports;
  }

  async get(reference: ObjectReference): Promise<Outcome<KubernetesObject>> {
    return outcomeOf(await this.#ask({ method: "GET", path: objectPath(reference) }));
  }

  async list(
    kind: Kind,
    { namespace, labels }: { namespace: string; labels?: Readonly<Record<string, string>> },
  ): Promise<Outcome<readonly KubernetesObject[]>> {
    const query = new URLSearchParams(selectorQuery(labels));
    const answer = await this.#ask({ method: "GET", path: `${collectionPath(kind, namespace)}?${query}` });
    if (!isDone(answer)) return failedOf(answer);
    const { items = [] } = answer.body as { items?: KubernetesObject[] };
    const { apiVersion } = kinds[kind];
    return { kind: "done", value: items.map((item) => ({ ...item, apiVersion, kind })) };
  }

  async apply(object: KubernetesObject): Promise<Outcome<KubernetesObject>> {
    const path = `${objectPath(referenceOf(object))}?fieldManager=${MANAGER}&force=true`;
    return outcomeOf(await this.#ask({ method: "PATCH", path, body: object, contentType: APPLY }));
  }

  async applyStatus(object: KubernetesObject): Promise<Outcome<KubernetesObject>> {
    const path = `${objectPath(referenceOf(object))}/status?fieldManager=${STATUS_MANAGER}&force=true`;
    return outcomeOf(await this.#ask({ method: "PATCH", path, body: object, contentType: APPLY }));
  }

  async create(object: KubernetesObject): Promise<Outcome<KubernetesObject>> {
    const { kind, namespace } = referenceOf(object);
    const path = `${collectionPath(kind, namespace)}?fieldManager=${MANAGER}`;
    return outcomeOf(await this.#ask({ method: "POST", path, body: object }));
  }

  async patch(reference: ObjectReference & { uid: string }, patch: object): Promise<Outcome<KubernetesObject>> {
    const { metadata } = patch as { metadata?: object };
    const body = { ...patch, metadata: { ...metadata, uid: reference.uid } };
    const path = `${objectPath(reference)}?fieldManager=${MANAGER}`;
    return outcomeOf(await this.#ask({ method: "PATCH", path, body, contentType: MERGE }));
  }

  async delete(
    reference: ObjectReference & { uid: string },
    options?: { propagation?: "orphan" },
  ): Promise<Outcome<null>> {
    const body = {
      apiVersion: "v1",
      kind: "DeleteOptions",
      preconditions: { uid: reference.uid },
      propagationPolicy: options?.propagation === "orphan" ? "Orphan" : "Background",
    };
    const answer = await this.#ask({ method: "DELETE", path: objectPath(reference), body });
    return isDone(answer) ? { kind: "done", value: null } : failedOf(answer);
  }

  event(object: KubernetesObject, event: KubernetesEvent): void {
    if (!this.#mayTell(object, event)) return;
    void this.#tell(object, event);
  }

  watch(options: WatchOptions): Cache {
    return new WatchCache(this.#ports, { ...options, apiVersion: kinds[options.kind].apiVersion });
  }

  /** Discovery lists a kind only while its definition is established, and without `create` while that is deleted. */
  async isEstablished(kind: Kind): Promise<boolean> {
    const { apiVersion, plural } = kinds[kind];
    const path = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const answer = await this.#ask({ method: "GET", path });
    if (!isDone(answer)) return false;
    const { resources = [] } = answer.body as { resources?: { name: string; verbs?: string[] }[] };
    return resources.some(({ name, verbs = [] }) => name === plural && verbs.includes("create"));
  }

  async #ask(request: Omit<ApiRequest, "timeoutMs">): Promise<ApiAnswer> {
    if (request.method !== "GET" && !this.#ports.mayWrite()) {
      return { status: 0, body: null, message: "the Lease may be somebody else's by now" };
    }
    return this.#ports.client.request({ ...request, timeoutMs: TIMEOUT_MS });
  }

  #mayTell({ metadata }: KubernetesObject, { reason, message }: KubernetesEvent): boolean {
    const nowMs = this.#ports.clock.monotonic();
    if (nowMs - this.#minuteMs >= 60_000) {
      this.#minuteMs = nowMs;
      this.#inMinute = 0;
    }
    const key = `${metadata.uid} ${reason} ${message}`;
    const toldMs = this.#told.get(key);
    if (toldMs !== undefined && nowMs - toldMs < EVENT_REST_MS) return false;
    if (++this.#inMinute > EVENTS_MAX_PER_MINUTE) return false;
    this.#told.delete(key);
    this.#told.set(key, nowMs);
    const [oldest] = this.#told.keys();
    if (this.#told.size > EVENTS_KNOWN_MAX && oldest !== undefined) this.#told.delete(oldest);
    return true;
  }

  async #tell(object: KubernetesObject, { type, reason, message }: KubernetesEvent): Promise<void> {
    const { clock, random, logger } = this.#ports;
    const { name, namespace = "default", uid } = object.metadata;
    const at = new Date(clock.now()).toISOString().replace(/\.\d+Z$/, "Z");
    const body: KubernetesObject = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: `${name.slice(0, 200)}.${random.id().slice(0, 16)}`, namespace },
      involvedObject: { apiVersion: object.apiVersion, kind: object.kind, name, namespace, uid },
      type,
      reason,
      message: message.slice(0, 1024),
      source: { component: MANAGER },
      reportingComponent: MANAGER,
      firstTimestamp: at,
      lastTimestamp: at,
      count: 1,
    };
    const answer = await this.#ask({ method: "POST", path: collectionPath("Event", namespace), body });
    if (!isDone(answer)) logger.debug("an Event was not written", { reason, why: answer.message });
  }
}
