import type { Clock } from "#base/clock.ts";
import type { BrokerId } from "#base/ids.ts";
import type { Logger } from "#base/logging.ts";
import type {
  AdminRequest,
  AdminResponse,
  CopyProgress,
  IsrProposal,
  Refused,
  Registration,
  ToBroker,
  ToController,
} from "#contract/control.ts";
import type { MetadataVersion } from "#contract/rows.ts";
import type { ByteStream } from "#ports/network.ts";
import type { Answer } from "../machine/decision.ts";
import { isForeign } from "../machine/history.ts";
import { movesAwayFrom } from "../machine/moves.ts";
import { type BrokerRecord, snapshotRows } from "../machine/state.ts";
import type { DecisionQueue } from "./decision-queue.ts";
import type { FailureDetector } from "./failure-detector.ts";
import type { HandOvers } from "./hand-overs.ts";
import type { LogComparison } from "./log-comparison.ts";
import { Session, type SessionHolder } from "./session.ts";

export interface BrokerSessionsOptions {
  readonly queue: DecisionQueue;
  readonly detector: FailureDetector;
  readonly handOvers: HandOvers;
  readonly comparison: LogComparison;
  readonly sessionTimeoutMs: number;
  admin(request: AdminRequest): Promise<AdminResponse>;
  onCopyProgress(broker: BrokerId, message: CopyProgress): void;
  /** A broker was told more than the store knows. */
  onAhead(reason: string, reported: MetadataVersion): void;
}

/** A stream that does not register is closed after this long. */
const REGISTER_TIMEOUT_MS = 5000;

/** The brokers' control streams: registration, what they report, and what they are told. */
export class BrokerSessions {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #options: BrokerSessionsOptions;
  readonly #open = new Set<Session>();
  /** Registered ones, by broker. */
  readonly #sessions = new Map<BrokerId, Session>();
  readonly #leaving = new Set<Session>();

  constructor(ports: { clock: Clock; logger: Logger }, options: BrokerSessionsOptions) {
    this.#clock = ports.clock;
    this.#logger = ports.logger;
    this.#options = options;
  }

  /** The process that has a session under this id; null without one. */
  holder(broker: BrokerId): SessionHolder | null {
    return this.#sessions.get(broker)?.holder ?? null;
  }

  /** @returns false when the broker has no session. */
  send(broker: BrokerId, message: ToBroker): boolean {
    const session = this.#sessions.get(broker);
    session?.send(message);
    return session !== undefined;
  }

  broadcast(line: Uint8Array): void {
    for (const session of this.#sessions.values()) session.sendLine(line);
  }

  /** Ends a broker's session: it may register again. */
  end(broker: BrokerId, reason: string): void {
    const session = this.#sessions.get(broker);
    if (session === undefined) return;
    this.#drop(session);
    session.break(reason);
  }

  stop(): void {
    this.#sessions.clear();
    for (const session of this.#open) session.break("the controller ends");
    this.#open.clear();
  }

  accept(stream: ByteStream): void {
    const session = new Session(stream, {
      onMessage: (from, message) => this.#onMessage(from, message),
      onClose: (from, reason) => this.#onClose(from, reason),
    });
    this.#open.add(session);
    this.#clock.after(REGISTER_TIMEOUT_MS, () => {
      if (!session.hasAskedToRegister) session.break("it did not register");
    });
  }

  #onClose(session: Session, reason: string): void {
    this.#open.delete(session);
    this.#leaving.delete(session);
    const { holder } = session;
    if (holder === null || this.#sessions.get(holder.broker) !== session) return;
    this.#drop(session);
    this.#logger.info("control stream closed", { broker: holder.broker, reason });
    this.#options.detector.disconnected(holder.broker, holder.incarnation);
  }

  #drop(session: Session): void {
    const { holder } = session;
    if (holder === null) return;
    this.#sessions.delete(holder.broker);
    session.holder = null;
    this.#options.handOvers.onSessionLost(holder.broker);
  }

  #onMessage(session: Session, message: ToController): void {
    if (message.type === "register") {
      if (session.hasAskedToRegister) return session.break("it registered twice");
      session.hasAskedToRegister = true;
      void this.#register(session, message);
      return;
    }
    if (session.holder === null) return session.break("it is not registered");
    this.#options.detector.heard(session.holder.broker);
    this.#act(session, session.holder, message);
  }

  #act(session: Session, holder: SessionHolder, message: Exclude<ToController, Registration>): void {
    const { queue, handOvers, comparison } = this.#options;
    const { broker } = holder;
    switch (message.type) {
      case "heartbeat":
        if (message.brokerEpoch !== holder.epoch) session.break("it speaks under another broker epoch");
        return;
      case "isrProposal":
        return this.#onProposal(session, holder, message);
      case "logEnds":
        return comparison.onLogEnds(holder, message);
      case "handOverReady":
        return handOvers.onReady(broker, message);
      case "topicRemoved":
        return queue.submit({ kind: "topicRemoved", broker, topicId: message.topicId });
      case "replicaRemoved": {
        const { topicId, partition, leaderEpoch } = message;
        return queue.submit({ kind: "replicaRemoved", broker, partition: { topicId, partition }, leaderEpoch });
      }
      case "copyProgress":
        return this.#options.onCopyProgress(broker, message);
      case "synced": {
        const { topicId, partition, leaderEpoch, partitionEpoch, synced } = message;
        const name = { topicId, partition };
        return queue.submit({ kind: "syncedReported", broker, partition: name, leaderEpoch, partitionEpoch, synced });
      }
      case "shutdownWish":
        return void this.#shutDown(session, holder);
      case "storageFailed":
        // It appends nothing any more: nobody has to wait for its death.
        this.#logger.error("broker has a failed disk", { broker });
        return queue.submit({ kind: "brokersLost", brokers: [holder] });
      case "metadataReport":
        return session.break("nobody asked what it kept of the metadata");
      case "admin":
        void this.#options.admin(message.request).then((response) => {
          session.send({ type: "adminAnswer", call: message.call, response });
        });
    }
  }

  #onProposal(session: Session, { broker }: SessionHolder, proposal: IsrProposal): void {
    this.#options.queue.submit({ kind: "isrProposed", broker, proposal }, (answer) => {
      if (answer?.kind !== "isrRefused") return;
      const { topicId, partition, leaderEpoch, partitionEpoch, attempt } = proposal;
      const { reason } = answer;
      session.send({ type: "isrRefused", topicId, partition, leaderEpoch, partitionEpoch, attempt, reason });
    });
  }

  async #register(session: Session, registration: Registration): Promise<void> {
    const refusal = this.#aheadRefusal(registration) ?? (await this.#duplicateRefusal(registration));
    if (!session.isOpen) return;
    if (refusal !== null) return this.#refuse(session, refusal);
    // What its last session may still bring comes too late: at its end the broker takes hand-overs for over.
    this.#options.handOvers.onSessionLost(registration.brokerId);
    this.#options.queue.submit({ kind: "brokerRegistered", registration }, (answer) => {
      this.#onRegistered(session, registration, answer);
    });
  }

  #onRegistered(session: Session, registration: Registration, answer: Answer | null): void {
    if (!session.isOpen) return;
    if (answer === null) {
      return this.#refuse(session, { code: "NOT_CONTROLLER", reason: "this controller decides no more" });
    }
    if (answer.kind === "registrationRefused") return this.#refuse(session, answer);
    if (answer.kind !== "registered") return;
    const { queue, detector, comparison, sessionTimeoutMs } = this.#options;
    const { brokerId: broker, incarnation, http } = registration;
    const record = queue.state.brokers.get(broker);
    if (record?.incarnation !== incarnation || record.isFenced) {
      return this.#refuse(session, { code: "NOT_READY", reason: "its session ended while it registered" });
    }
    this.end(broker, "it registered on another stream");
    session.holder = { broker, incarnation, epoch: answer.brokerEpoch };
    this.#sessions.set(broker, session);
    detector.connected({ broker, incarnation, http });
    const { state } = queue;
    session.send({
      type: "registered",
      clusterId: state.clusterId,
      controllerEpoch: state.version.controllerEpoch,
      brokerEpoch: answer.brokerEpoch,
      sessionTimeoutMs,
      version: state.version,
      snapshot: snapshotRows(state),
    });
    this.#logger.info("broker registered", { broker, incarnation, brokerEpoch: answer.brokerEpoch });
    comparison.onRegistered(broker);
    queue.submit({ kind: "circumstancesChanged" });
  }

  #refuse(session: Session, { code, reason }: { code: Refused["code"]; reason: string }): void {
    session.send({ type: "refused", code, reason, controller: null });
    session.close();
  }

  /** A broker that was told more than this controller's store knows: deciding now could undo what was committed. */
  #aheadRefusal({ brokerId, metadataVersion }: Registration): { code: Refused["code"]; reason: string } | null {
    const { state } = this.#options.queue;
    if (metadataVersion === null || !isForeign(metadataVersion, state)) return null;
    const { version } = state;
    const { controllerEpoch, sequence } = metadataVersion;
    const told = `broker ${brokerId} was told version ${controllerEpoch}.${sequence} of the metadata`;
    const reason = `${told}, which the store never had: the store is missing or was set back`;
    this.#options.onAhead(reason, metadataVersion);
    return { code: controllerEpoch > version.controllerEpoch ? "STALE_CONTROLLER" : "NOT_READY", reason };
  }

  /** Another process has this id in the registry: it must be dead before a new one takes its place. */
  async #duplicateRefusal(registration: Registration): Promise<{ code: Refused["code"]; reason: string } | null> {
    const known: BrokerRecord | undefined = this.#options.queue.state.brokers.get(registration.brokerId);
    if (known === undefined || known.isFenced || known.incarnation === registration.incarnation) return null;
    const verdict = await this.#options.detector.standing(known);
    const where = `${known.http.host}:${known.http.port}`;
    const isStillKnown = this.#options.queue.state.brokers.get(known.id)?.incarnation === known.incarnation;
    if (!isStillKnown)
      return { code: "NOT_READY", reason: `another process registered as broker ${known.id} just now` };
    if (verdict === "alive") {
      const reason = `broker ${known.id} runs already (its HTTP address is ${where}); give this one another id`;
      return { code: "DUPLICATE_BROKER", reason };
    }
    if (verdict === "unknown") {
      const reason = `whether the earlier process of broker ${known.id} lives is not known yet`;
      return { code: "NOT_READY", reason };
    }
    return null;
  }

  /** Moves away whatever a stopping broker leads, as far as that is possible, then lets it go. */
  async #shutDown(session: Session, { broker }: SessionHolder): Promise<void> {
    if (this.#leaving.has(session)) return;
    this.#leaving.add(session);
    const { queue, handOvers } = this.#options;
    const answer = await new Promise<Answer | null>((done) => queue.submit({ kind: "shutdownWished", broker }, done));
    if (answer?.kind !== "moves" || !session.isOpen) return;
    const moved = await handOvers.run(answer.moves);
    // Once more for those that failed: the ISR may have changed under them.
    if (moved.includes(false) && session.isOpen) await handOvers.run(movesAwayFrom(queue.state, broker));
    if (!session.isOpen) return;
    queue.submit({ kind: "shutdownPrepared", broker }, (prepared) => {
      if (prepared !== null) session.send({ type: "shutdownReady" });
    });
  }
}
