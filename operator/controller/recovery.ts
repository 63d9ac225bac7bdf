import type { Clock, Timer } from "#base/clock.ts";
import type { BrokerId } from "#base/ids.ts";
import type { Logger } from "#base/logging.ts";
import {
  CONTRACT_VERSION,
  type KeptMetadata,
  type Refused,
  type Registration,
  type ToController,
} from "#contract/control.ts";
import { isNewer } from "#contract/rows.ts";
import type { ByteStream } from "#ports/network.ts";
import { isForeign } from "../machine/history.ts";
import type { State } from "../machine/state.ts";
import { Session } from "./session.ts";

/** Without news from any broker for so long, those that are missing are not waited for. */
const PATIENCE_MS = 60_000;
/** The same while nobody is known who could be missing: store and brokers seem to be new. */
const PATIENCE_OF_NEW_MS = 5000;

/** What the brokers kept of the metadata. */
export interface Recovery {
  /** "" when no broker belongs to a cluster yet. */
  readonly clusterId: string;
  /** The newest that a broker was told and the store never had; null when the store had everything. */
  readonly kept: KeptMetadata | null;
  /** Highest controller epoch that any broker was told; 0 when none was. */
  readonly toldEpochMax: number;
}

/**
 * Before a controller that recovers decides anything: asks every broker that dials what it was told, and has the newest
 * of it sent when the store does not know it. Over once all brokers that the newest metadata names have said theirs, or
 * nobody new has come for a minute.
 */
export class MetadataRecovery {
  readonly #ports: { readonly clock: Clock; readonly logger: Logger };
  readonly #state: State;
  readonly #sessions = new Set<Session>();
  readonly #asked = new Map<Session, Registration>();
  readonly #heard = new Set<BrokerId>();
  readonly #over = Promise.withResolvers<Recovery | null>();
  #clusterId: string;
  #kept: KeptMetadata | null = null;
  #toldEpochMax = 0;
  #patience: Timer | null = null;
  #isOver = false;

  constructor(ports: { clock: Clock; logger: Logger }, options: { clusterId: string; state: State }) {
    this.#ports = ports;
    this.#clusterId = options.clusterId;
    this.#state = options.state;
    if (options.state.brokers.size > 0) this.#beginPatience();
  }

  /** Resolves once enough brokers were heard; to null when it was stopped before. */
  result(): Promise<Recovery | null> {
    return this.#over.promise;
  }

  /** Brokers that are waited for. */
  missing(): BrokerId[] {
    const known = this.#kept === null ? [...this.#state.brokers.keys()] : this.#kept.rows.brokers.map(({ id }) => id);
    return known.filter((broker) => !this.#heard.has(broker));
  }

  accept(stream: ByteStream): void {
    const session = new Session(stream, {
      onMessage: (from, message) => this.#onMessage(from, message),
      onClose: (from) => {
        this.#sessions.delete(from);
        this.#asked.delete(from);
      },
    });
    this.#sessions.add(session);
  }

  stop(): void {
    this.#end(null);
  }

  #onMessage(session: Session, message: ToController): void {
    if (message.type === "register") return this.#onRegistration(session, message);
    const registration = this.#asked.get(session);
    if (message.type !== "metadataReport" || registration === undefined) return session.break("it was not asked");
    this.#asked.delete(session);
    const { version, rows } = message;
    if (isForeign(version, this.#state) && isNewer(version, this.#kept?.version ?? null))
      this.#kept = { version, rows };
    this.#onHeard(registration);
  }

  #onRegistration(session: Session, registration: Registration): void {
    const refusal = this.#refusalOf(registration);
    if (refusal !== null) {
      session.send({ type: "refused", ...refusal, controller: null });
      return session.close();
    }
    if (this.#clusterId === "") this.#clusterId = registration.clusterId;
    const told = registration.metadataVersion;
    if (told !== null) this.#toldEpochMax = Math.max(this.#toldEpochMax, told.controllerEpoch);
    if (told === null || !isForeign(told, this.#state) || !isNewer(told, this.#kept?.version ?? null)) {
      return this.#onHeard(registration);
    }
    this.#asked.set(session, registration);
    session.send({ type: "queryMetadata" });
  }

  #refusalOf({ contractVersion, clusterId, brokerId }: Registration): Pick<Refused, "code" | "reason"> | null {
    if (contractVersion !== CONTRACT_VERSION) {
      return { code: "WRONG_VERSION", reason: `this controller speaks contract version ${CONTRACT_VERSION}` };
    }
    if (clusterId === "" || this.#clusterId === "" || clusterId === this.#clusterId) return null;
    const reason = `broker ${brokerId} belongs to cluster ${clusterId}, this is cluster ${this.#clusterId}`;
    return { code: "WRONG_CLUSTER", reason };
  }

  #onHeard({ brokerId }: Registration): void {
    const isNews = !this.#heard.has(brokerId);
    this.#heard.add(brokerId);
    const isNew = this.#kept === null && this.#state.brokers.size === 0;
    if (!isNew && this.#asked.size === 0 && this.missing().length === 0) return this.#end(this.#found());
    // Brokers that wait dial again and again: that alone is no news.
    if (isNews) this.#beginPatience();
  }

  #beginPatience(): void {
    this.#patience?.cancel();
    const isNew = this.#kept === null && this.#state.brokers.size === 0;
    this.#patience = this.#ports.clock.after(isNew ? PATIENCE_OF_NEW_MS : PATIENCE_MS, () => {
      const missing = this.missing();
      if (missing.length > 0) this.#ports.logger.warn("recovering without what these brokers were told", { missing });
      this.#end(this.#found());
    });
  }

  #found(): Recovery {
    return { clusterId: this.#clusterId, kept: this.#kept, toldEpochMax: this.#toldEpochMax };
  }

  #end(found: Recovery | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#patience?.cancel();
    this.#over.resolve(found);
    // They dial again, to register.
    for (const session of [...this.#sessions]) session.break("the metadata is recovered");
    this.#sessions.clear();
  }
}
