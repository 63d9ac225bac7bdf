import type {
  Cache,
  Failed,
  Kind,
  Kubernetes,
  KubernetesEvent,
  KubernetesObject,
  ObjectName,
  ObjectReference,
  Outcome,
  WatchOptions,
} from "../../ports/kubernetes.ts";
import { canonical } from "../../specs/hash.ts";

const missing = (name: string): Failed => ({ kind: "notFound", status: 404, message: `${name} not found` });
const done = <Value>(value: Value): Outcome<Value> => ({ kind: "done", value });

interface Watcher extends WatchOptions {
  readonly isOn: () => boolean;
}

/** An API server in memory: objects, versions, watches; no controllers. What is written is counted. */
export class FakeKubernetes implements Kubernetes {
  readonly writes: string[] = [];
  readonly events: (KubernetesEvent & { readonly about: string })[] = [];
  /** Answers of calls that are to fail, by "verb Kind name" or "verb Kind". */
  readonly failures = new Map<string, Failed>();
  isTopicEstablished = true;
  readonly #objects = new Map<string, KubernetesObject>();
  readonly #watchers: Watcher[] = [];
  #version = 0;
  #uid = 0;

  /** As somebody else would: a person, or one of Kubernetes' own controllers. */
  put(object: KubernetesObject): KubernetesObject {
    return this.#store(object);
  }

  /** Gone, as if somebody had deleted it. */
  remove(reference: ObjectReference): void {
    const key = keyOf(reference);
    const object = this.#objects.get(key);
    if (object === undefined) return;
    this.#objects.delete(key);
    this.#tell(object);
  }

  see(kind: Kind, name: string, namespace = "apps"): KubernetesObject | null {
    return this.#objects.get(keyOf({ kind, namespace, name })) ?? null;
  }

  all(kind: Kind): KubernetesObject[] {
    return [...this.#objects.values()].filter((object) => object.kind === kind);
  }

  get(reference: ObjectReference): Promise<Outcome<KubernetesObject>> {
    const failed = this.#failure("get", reference);
    const object = this.#objects.get(keyOf(reference));
    return Promise.resolve(failed ?? (object === undefined ? missing(reference.name) : done(object)));
  }

  list(kind: Kind, { namespace, labels }: { namespace: string; labels?: Readonly<Record<string, string>> }) {
    const found = this.all(kind).filter(
      ({ metadata }) => metadata.namespace === namespace && hasLabels(metadata.labels, labels),
    );
    return Promise.resolve(done(found as readonly KubernetesObject[]));
  }

  apply(object: KubernetesObject): Promise<Outcome<KubernetesObject>> {
    return this.#write("apply", object, () => {
      const old = this.#objects.get(keyOfObject(object));
      const status = old?.["status"];
      return this.#store({ ...object, ...(status === undefined ? {} : { status }) });
    });
  }

  applyStatus(object: KubernetesObject): Promise<Outcome<KubernetesObject>> {
    return this.#write("status", object, () => {
      const old = this.#objects.get(keyOfObject(object));
      return old === undefined ? missing(object.metadata.name) : this.#store({ ...old, status: object["status"] });
    });
  }

  create(object: KubernetesObject): Promise<Outcome<KubernetesObject>> {
    return this.#write("create", object, () => {
      if (this.#objects.has(keyOfObject(object))) return { kind: "conflict", status: 409, message: "already exists" };
      const { stringData, ...rest } = object as KubernetesObject & { stringData?: Record<string, string> };
      const data = Object.entries(stringData ?? {}).map(([key, value]) => [key, Buffer.from(value).toString("base64")]);
      return this.#store(
        data.length === 0 ? object : ({ ...rest, data: Object.fromEntries(data) } as KubernetesObject),
      );
    });
  }

  patch(reference: ObjectReference & { uid: string }, patch: object): Promise<Outcome<KubernetesObject>> {
    const old = this.#objects.get(keyOf(reference));
    if (old === undefined || old.metadata.uid !== reference.uid) return Promise.resolve(missing(reference.name));
    return this.#write("patch", old, () => this.#store(merged(old, patch) as KubernetesObject));
  }

  delete(reference: ObjectReference & { uid: string }, options?: { propagation?: "orphan" }): Promise<Outcome<null>> {
    const old = this.#objects.get(keyOf(reference));
    if (old === undefined || old.metadata.uid !== reference.uid) return Promise.resolve(missing(reference.name));
    const failed = this.#failure("delete", reference);
    if (failed !== null) return Promise.resolve(failed);
    this.writes.push(
      `delete ${reference.kind} ${reference.name}${options === undefined ? "" : " leaving what it owns"}`,
    );
    this.remove(reference);
    return Promise.resolve(done(null));
  }

  event(object: KubernetesObject, event: KubernetesEvent): void {
    this.events.push({ ...event, about: `${object.kind} ${object.metadata.name}` });
  }

  watch(options: WatchOptions): Cache {
    let isOn = true;
    this.#watchers.push({ ...options, isOn: () => isOn });
    const { kind, labels } = options;
    const isSeen = (object: KubernetesObject): boolean => hasLabels(object.metadata.labels, labels);
    return {
      kind,
      isSynced: true,
      stalenessMs: () => 0,
      get: ({ namespace, name }: ObjectName) => {
        const object = this.see(kind, name, namespace);
        return object === null || !isSeen(object) ? null : object;
      },
      list: (namespace) =>
        this.all(kind).filter(
          (object) => isSeen(object) && (namespace ?? object.metadata.namespace) === object.metadata.namespace,
        ),
      stop: () => {
        isOn = false;
      },
    };
  }

  isEstablished(kind: Kind): Promise<boolean> {
    return Promise.resolve(kind !== "Topic" || this.isTopicEstablished);
  }

  #failure(verb: string, { kind, name }: ObjectReference): Failed | null {
    return this.failures.get(`${verb} ${kind} ${name}`) ?? this.failures.get(`${verb} ${kind}`) ?? null;
  }

  #write(
    verb: string,
    object: KubernetesObject,
    act: () => KubernetesObject | Failed,
  ): Promise<Outcome<KubernetesObject>> {
    const { kind, metadata } = object;
    const reference = { kind: kind as Kind, namespace: metadata.namespace ?? "", name: metadata.name };
    const failed = this.#failure(verb, reference);
    if (failed !== null) return Promise.resolve(failed);
    const result = act();
    if (!("metadata" in result)) return Promise.resolve(result);
    this.writes.push(`${verb} ${kind} ${metadata.name}`);
    return Promise.resolve(done(result));
  }

  #store(object: KubernetesObject): KubernetesObject {
    const key = keyOfObject(object);
    const old = this.#objects.get(key);
    const isSameSpec = old !== undefined && canonical(old["spec"]) === canonical(object["spec"]);
    const stored: KubernetesObject = {
      ...object,
      metadata: {
        ...object.metadata,
        uid: object.metadata.uid ?? old?.metadata.uid ?? `uid-${++this.#uid}`,
        creationTimestamp:
          object.metadata.creationTimestamp ?? old?.metadata.creationTimestamp ?? "2026-01-01T00:00:00Z",
        generation: isSameSpec ? (old.metadata.generation ?? 1) : (old?.metadata.generation ?? 0) + 1,
        resourceVersion: String(++this.#version),
      },
    };
    this.#objects.set(key, stored);
    this.#tell(stored);
    return stored;
  }

  #tell(object: KubernetesObject): void {
    for (const watcher of this.#watchers) {
      if (!watcher.isOn() || watcher.kind !== object.kind || !hasLabels(object.metadata.labels, watcher.labels))
        continue;
      watcher.onChange(object);
    }
  }
}

const keyOf = ({ kind, namespace, name }: ObjectReference): string => `${kind}/${namespace}/${name}`;
const keyOfObject = ({ kind, metadata }: KubernetesObject): string =>
  keyOf({ kind: kind as Kind, namespace: metadata.namespace ?? "", name: metadata.name });

const hasLabels = (
  labels: Readonly<Record<string, string>> | undefined,
  wanted: Readonly<Record<string, string>> | undefined,
): boolean => Object.entries(wanted ?? {}).every(([key, value]) => labels?.[key] === value);

/** RFC 7396. */
function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> = { ...(target as Record<string, unknown>) };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}
