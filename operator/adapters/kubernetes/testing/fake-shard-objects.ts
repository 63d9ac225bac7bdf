import type { ShardObject, ShardObjects, ShardReply } from "../shard-objects.ts";

/**
 * What becomes of one write. `dropped`: never arrives, no answer. `landed`: arrives, the answer is lost. `stopped`:
 * the process ends before it is sent: no answer ever. `label`: somebody sets a label just before. `last`: it arrives,
 * and the process ends.
 */
export type WriteFault = "none" | "dropped" | "landed" | "stopped" | "label" | "last";

const NEVER = new Promise<never>(() => {});

/** The objects of one namespace; outlives the processes that use it. */
export class FakeApi {
  readonly objects = new Map<string, ShardObject>();
  #resourceVersion = 0;

  put(object: ShardObject): ShardObject {
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#resourceVersion) } };
    this.objects.set(object.metadata.name, stored);
    return stored;
  }

  label(name: string, value: string): void {
    const object = this.objects.get(name);
    if (object === undefined) return;
    this.put({ ...object, metadata: { ...object.metadata, labels: { ...object.metadata.labels, foreign: value } } });
  }

  /** A copy as a backup tool makes it. */
  copy(): Map<string, ShardObject> {
    return new Map(this.objects);
  }
}

/** One process's access to a shared `FakeApi`. */
export class FakeShardObjects implements ShardObjects {
  writes = 0;
  reads = 0;
  #isStopped = false;
  readonly #api: FakeApi;
  readonly #fault: (write: number) => WriteFault;
  /** While true nothing gets through. */
  isUnreachable = false;

  constructor(api: FakeApi, fault: (write: number) => WriteFault = () => "none") {
    this.#api = api;
    this.#fault = fault;
  }

  /** The process has ended: what it waits for never comes. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  async get(name: string): Promise<ShardReply<ShardObject>> {
    if (this.#isStopped) return NEVER;
    this.reads++;
    await Promise.resolve();
    if (this.isUnreachable) return { kind: "unknown", reason: "unreachable" };
    const object = this.#api.objects.get(name);
    return object === undefined ? { kind: "missing" } : { kind: "ok", value: object };
  }

  async list(): Promise<ShardReply<readonly ShardObject[]>> {
    if (this.#isStopped) return NEVER;
    this.reads++;
    await Promise.resolve();
    if (this.isUnreachable) return { kind: "unknown", reason: "unreachable" };
    return { kind: "ok", value: [...this.#api.objects.values()] };
  }

  create(object: ShardObject): Promise<ShardReply<ShardObject>> {
    return this.#write(object, () => (this.#api.objects.has(object.metadata.name) ? "conflict" : null));
  }

  replace(object: ShardObject): Promise<ShardReply<ShardObject>> {
    return this.#write(object, () => {
      const known = this.#api.objects.get(object.metadata.name);
      if (known === undefined) return "missing";
      return known.metadata.resourceVersion === object.metadata.resourceVersion ? null : "conflict";
    });
  }

  async #write(object: ShardObject, problem: () => "conflict" | "missing" | null): Promise<ShardReply<ShardObject>> {
    if (this.#isStopped) return NEVER;
    const fault = this.isUnreachable ? "dropped" : this.#fault(++this.writes);
    if (fault === "stopped") {
      this.#isStopped = true;
      return NEVER;
    }
    await Promise.resolve();
    if (fault === "label") this.#api.label(object.metadata.name, String(this.writes));
    if (fault === "dropped") return { kind: "unknown", reason: "dropped" };
    const kind = problem();
    const value = kind === null ? this.#api.put(object) : null;
    if (fault === "last") {
      this.#isStopped = true;
      return NEVER;
    }
    if (fault === "landed") return { kind: "unknown", reason: "the answer was lost" };
    return value === null ? { kind: kind ?? "conflict" } : { kind: "ok", value };
  }
}
