import type { ApiAnswer, ApiClient } from "./api-client.ts";
import type { LeaseObject, LeaseRead, LeaseWrite, ReadLease } from "./lease-election.ts";
import { LEASE_DURATION_MS, type LeaseRecord } from "./lease-state.ts";

/** Less than the time between two attempts and the deadline allow. */
const TIMEOUT_MS = 1000;
const ADDRESS_ANNOTATION = "tidemark.dev/holder-address";
const API_VERSION = "coordination.k8s.io/v1";

interface LeaseBody {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>>; readonly [key: string]: unknown };
  readonly spec?: {
    readonly holderIdentity?: string | null;
    readonly leaseDurationSeconds?: number | null;
    readonly acquireTime?: string | null;
    readonly renewTime?: string | null;
    readonly leaseTransitions?: number | null;
  };
}

/** A `Lease` in a real API server. `now` gives the times that people see in it; nothing is decided by them. */
export class ApiLease implements LeaseObject {
  readonly #client: ApiClient;
  readonly #name: string;
  readonly #namespace: string;
  readonly #now: () => Date;

  constructor(client: ApiClient, options: { namespace: string; name: string; now: () => Date }) {
    this.#client = client;
    this.#name = options.name;
    this.#namespace = options.namespace;
    this.#now = options.now;
  }

  get #path(): string {
    return `/apis/${API_VERSION}/namespaces/${this.#namespace}/leases`;
  }

  async read(): Promise<LeaseRead> {
    const path = `${this.#path}/${this.#name}`;
    const answer = await this.#client.request({ method: "GET", path, timeoutMs: TIMEOUT_MS });
    if (answer.status === 200) return { kind: "read", lease: leaseOf(answer.body as LeaseBody) };
    const isMissing = answer.status === 404 && (answer.body as { reason?: unknown } | null)?.reason === "NotFound";
    if (isMissing) return { kind: "read", lease: null };
    return { kind: "unreachable", reason: answer.message };
  }

  async write(record: LeaseRecord, before: ReadLease | null): Promise<LeaseWrite> {
    const body = this.#bodyOf(record, before);
    const isNew = before === null;
    return outcomeOf(
      await this.#client.request({
        method: isNew ? "POST" : "PUT",
        path: isNew ? this.#path : `${this.#path}/${this.#name}`,
        body,
        timeoutMs: TIMEOUT_MS,
      }),
    );
  }

  #bodyOf(record: LeaseRecord, before: ReadLease | null): object {
    const known = before === null ? null : (before.token as LeaseBody);
    const { [ADDRESS_ANNOTATION]: _old, ...annotations } = known?.metadata.annotations ?? {};
    const isSameHolder = known?.spec?.holderIdentity === record.holder;
    const time = this.#now().toISOString().replace("Z", "000Z");
    const transitions = known?.spec?.leaseTransitions ?? 0;
    return {
      apiVersion: API_VERSION,
      kind: "Lease",
      metadata: {
        ...(known?.metadata ?? { name: this.#name, namespace: this.#namespace }),
        annotations: record.address === null ? annotations : { ...annotations, [ADDRESS_ANNOTATION]: record.address },
      },
      spec: {
        holderIdentity: record.holder,
        leaseDurationSeconds: Math.round(record.durationMs / 1000),
        acquireTime: isSameHolder ? (known?.spec?.acquireTime ?? time) : time,
        renewTime: time,
        leaseTransitions: isSameHolder || record.holder === "" ? transitions : transitions + 1,
      },
    };
  }
}

function leaseOf(body: LeaseBody): ReadLease {
  const { holderIdentity, leaseDurationSeconds, renewTime } = body.spec ?? {};
  const record: LeaseRecord = {
    holder: holderIdentity ?? "",
    address: body.metadata.annotations?.[ADDRESS_ANNOTATION] ?? null,
    durationMs: (leaseDurationSeconds ?? LEASE_DURATION_MS / 1000) * 1000,
    renewed: renewTime ?? "",
  };
  return { record, token: body };
}

function outcomeOf({ status, message }: ApiAnswer): LeaseWrite {
  if (status === 200 || status === 201) return { kind: "written" };
  if (status === 409) return { kind: "lost" };
  return { kind: "unknown", reason: message };
}
