import type { ApiAnswer, ApiClient } from "./api-client.ts";
import { rootName, type ShardObject, type ShardObjects, type ShardReply } from "./shard-objects.ts";

/** A write that is slower than this is sent again: twice is harmless, waiting is not. */
const TIMEOUT_MS = 3000;
/** A list of a hundred shards is some ten megabytes. */
const LIST_TIMEOUT_MS = 15_000;
const API_VERSION = "tidemark.dev/v1alpha1";
const ANSWERS_THAT_TELL_NOTHING = 500;

/** `MetadataShard` objects of one cluster in a real API server. */
export class ApiShardObjects implements ShardObjects {
  readonly #client: ApiClient;
  readonly #path: string;
  readonly #cluster: string;

  constructor(client: ApiClient, options: { namespace: string; cluster: string }) {
    this.#client = client;
    this.#cluster = options.cluster;
    this.#path = `/apis/${API_VERSION}/namespaces/${options.namespace}/metadatashards`;
  }

  async get(name: string): Promise<ShardReply<ShardObject>> {
    return replyOf(await this.#client.request({ method: "GET", path: `${this.#path}/${name}`, timeoutMs: TIMEOUT_MS }));
  }

  /** Without a resource version, so that what comes is a quorum read, not a cache. */
  async list(): Promise<ShardReply<readonly ShardObject[]>> {
    const selector = encodeURIComponent(`tidemark.dev/cluster=${this.#cluster}`);
    const path = `${this.#path}?labelSelector=${selector}`;
    const answer = await this.#client.request({ method: "GET", path, timeoutMs: LIST_TIMEOUT_MS });
    const reply = replyOf<{ items: readonly ShardObject[] }>(answer);
    return reply.kind === "ok" ? { kind: "ok", value: reply.value.items } : reply;
  }

  async create(object: ShardObject): Promise<ShardReply<ShardObject>> {
    const body = { apiVersion: API_VERSION, kind: "MetadataShard", ...object };
    return replyOf(await this.#client.request({ method: "POST", path: this.#path, body, timeoutMs: TIMEOUT_MS }));
  }

  async replace(object: ShardObject): Promise<ShardReply<ShardObject>> {
    const body = { apiVersion: API_VERSION, kind: "MetadataShard", ...object };
    const path = `${this.#path}/${object.metadata.name}`;
    return replyOf(await this.#client.request({ method: "PUT", path, body, timeoutMs: TIMEOUT_MS }));
  }

  /** Says who owns the objects, so that they go with it; none with null. Best effort: false = not all of them. */
  async setOwner(owner: object | null): Promise<boolean> {
    const listed = await this.list();
    if (listed.kind !== "ok") return false;
    const wanted = owner === null ? [] : [owner];
    const others = listed.value.filter(
      ({ metadata }) => JSON.stringify(metadata.ownerReferences ?? []) !== JSON.stringify(wanted),
    );
    const answers = await Promise.all(
      others.map(({ metadata }) =>
        this.#client.request({
          method: "PATCH",
          path: `${this.#path}/${metadata.name}`,
          contentType: "application/merge-patch+json",
          body: { metadata: { ownerReferences: wanted } },
          timeoutMs: TIMEOUT_MS,
        }),
      ),
    );
    const hasRoot = listed.value.some(({ metadata }) => metadata.name === rootName(this.#cluster));
    return hasRoot && answers.every(({ status }) => status === 200);
  }
}

/** A server that starts answers 404 too, and one without our definition or the namespace: that is no missing shard. */
const isOfShard = (body: unknown): boolean =>
  (body as { details?: { kind?: unknown } } | null)?.details?.kind === "metadatashards";

function replyOf<T>({ status, body, message }: ApiAnswer): ShardReply<T> {
  if (status === 200 || status === 201) return { kind: "ok", value: body as T };
  if (status === 404 && isOfShard(body)) return { kind: "missing" };
  if (status === 409) return { kind: "conflict" };
  if (status === 0 || status >= ANSWERS_THAT_TELL_NOTHING || status === 429)
    return { kind: "unknown", reason: message };
  return { kind: "refused", reason: `${status}: ${message}` };
}
