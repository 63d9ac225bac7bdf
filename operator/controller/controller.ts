import { assert } from "#base/assert.ts";
import { type Clock, every, type Timer } from "#base/clock.ts";
import { TidemarkError } from "#base/errors.ts";
import { type BrokerId, type ControllerEpoch, controllerEpoch } from "#base/ids.ts";
import { encodeLine } from "#base/json-lines.ts";
import type { Logger } from "#base/logging.ts";
import type { Random } from "#base/random.ts";
import type { ConfigMap } from "#contract/config-values.ts";
import {
  type AdminRequest,
  type AdminResponse,
  ANNOUNCE_PATH,
  CONTROL_PATH,
  type ControllerAnnouncement,
  type Delta,
  HEARTBEAT_INTERVAL_MS,
} from "#contract/control.ts";
import { isNewer, type MetadataVersion } from "#contract/rows.ts";
import type { Address, ByteStream, ExchangeServer, Network } from "#ports/network.ts";
import { apply, rowsOf } from "../machine/apply.ts";
import type { Change } from "../machine/changes.ts";
import { NOT_CONTROLLER } from "../machine/error-codes.ts";
import { type Elections, electionsOf } from "../machine/elections.ts";
import { withEnd } from "../machine/history.ts";
import { CONTROLLER_EPOCHS_AHEAD, recoveredChanges } from "../machine/recovered.ts";
import { movesAwayFrom } from "../machine/moves.ts";
import {
  allPartitions,
  clusterConfigOf,
  EMPTY_STORED_STATE,
  FIRST_VERSION,
  type State,
  stateOf,
} from "../machine/state.ts";
import type { ControllerCondition, ControllerStatus, MetadataProblem } from "../ports/cluster-control.ts";
import type { Loaded, MetadataStore } from "../ports/metadata-store.ts";
import { answerAdmin } from "./admin.ts";
import { BrokerSessions } from "./broker-sessions.ts";
import { Committer } from "./committer.ts";
import { DecisionQueue } from "./decision-queue.ts";
import { FailureDetector, type LostBroker } from "./failure-detector.ts";
import { HandOvers } from "./hand-overs.ts";
import { LogComparison } from "./log-comparison.ts";
import { parseAdminRequest } from "./parse.ts";
import { Reassigner } from "./reassigner.ts";
import { Rebalancer } from "./rebalancer.ts";
import { MetadataRecovery, type Recovery } from "./recovery.ts";
import { statusOf } from "./status.ts";

export interface ControllerPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly store: MetadataStore;
  readonly network: Network;
  readonly logger: Logger;
}

/** Why a controller ended by itself: another took over, or `error`, after which the process must end. */
export type ControllerEnd = { readonly kind: "deposed" } | { readonly kind: "failed"; readonly error: unknown };

export interface ControllerOptions {
  /** "" = the store's, or, in a new store, one of its own making. */
  readonly clusterId: string;
  /** Where brokers reach this controller; asked once it is about to be announced. */
  readonly address: () => Address;
  /** What the brokers are started with: Kafka's keys. Validated by the caller. */
  readonly config: ConfigMap;
  /** A person says to go on although the store is missing or older than what brokers were told. */
  readonly isRecovering?: boolean;
  readonly onEnd: (end: ControllerEnd) => void;
  /** After each commit and each change of condition. */
  readonly onChange?: () => void;
}

/** Paths of POST requests that people and tools send. */
export const ADMIN_PATH = "/v1/admin";

const ANNOUNCE_TIMEOUT_MS = 500;
/** Brokers that have not dialled since a takeover are told again; the store is asked whether it is still ours. */
const WATCH_MS = 1000;
/** Partitions that one line of a log names. */
const NAMED_MAX = 20;

/** Everything that exists once the store was claimed. */
interface Active {
  readonly queue: DecisionQueue;
  readonly sessions: BrokerSessions;
  readonly detector: FailureDetector;
  readonly handOvers: HandOvers;
  readonly comparison: LogComparison;
  readonly rebalancer: Rebalancer;
  readonly reassigner: Reassigner;
  readonly timers: readonly Timer[];
}

/**
 * The cluster's controller: claims the metadata store, watches over the brokers, decides through the machine, and says
 * nothing before it is committed. It may be killed at any time; the next one goes on from the store.
 */
export class Controller {
  readonly exchangeServer: ExchangeServer;
  readonly #ports: ControllerPorts;
  readonly #options: ControllerOptions;
  readonly #committer: Committer;
  #active: Active | null = null;
  #isEnded = false;
  #recovery: MetadataRecovery | null = null;
  #config: ConfigMap;
  #blockedBy: MetadataProblem | null = null;
  /** Since this process took over. */
  #uncleanElections = 0;

  constructor(ports: ControllerPorts, options: ControllerOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#config = options.config;
    const incarnation = ports.random.id();
    this.#committer = new Committer(ports, { writer: incarnation });
    this.exchangeServer = {
      incarnation,
      onExchange: (path, accept, refuse) => this.#onExchange(path, accept, refuse),
      onPost: (path, body) => this.#onPost(path, body),
    };
  }

  /**
   * Claims the store and begins to decide. Waits for as long as the store cannot be reached.
   * @throws TidemarkError FOLDER_OF_ANOTHER_CLUSTER, STORE_CORRUPT, REFUSED when another controller was faster.
   */
  start(): Promise<void> {
    return this.#takeOver({ isRecovering: this.#options.isRecovering === true });
  }

  /**
   * A person says to go on although the store is missing or older than what brokers were told: asks the brokers for the
   * newest metadata that they kept, and goes on from it. Resolves when it decides again.
   * @throws TidemarkError like `start`
   */
  async recover(): Promise<void> {
    if (this.#isEnded || this.#recovery !== null) return;
    this.#deactivate();
    this.#blockedBy = null;
    await this.#takeOver({ isRecovering: true });
  }

  async #takeOver({ isRecovering }: { isRecovering: boolean }): Promise<void> {
    let recovery: Recovery | null = null;
    for (;;) {
      const loaded = await this.#committer.load();
      if (loaded === null || this.#isEnded) return;
      if (isRecovering) recovery ??= await this.#askBrokers(loaded);
      if (isRecovering && recovery === null) return;
      const state = await this.#claim(loaded, recovery);
      if (state === "overtaken") continue;
      if (state === "stopped" || this.#isEnded) return;
      return this.#activate(state);
    }
  }

  /** Null when this controller ended meanwhile. */
  async #askBrokers(loaded: Loaded): Promise<Recovery | null> {
    const { clusterId } = this.#options;
    const state = stateOf(loaded.state, loaded.version, this.#config);
    const name = loaded.state.clusterId === "" ? clusterId : loaded.state.clusterId;
    this.#recovery = new MetadataRecovery(this.#ports, { clusterId: name, state });
    const found = await this.#recovery.result();
    this.#recovery = null;
    if (found === null || this.#isEnded) return null;
    const { kept } = found;
    if (kept === null) this.#ports.logger.info("recovering from the metadata store itself");
    else {
      const { topics, brokers } = kept.rows;
      const what = { version: kept.version, topics: topics.length, brokers: brokers.length };
      this.#ports.logger.info("recovering from the newest metadata that a broker kept", what);
    }
    return found;
  }

  /** Ends all sessions; brokers go on serving. */
  async stop(): Promise<void> {
    this.#end();
    await this.#ports.store.close();
  }

  status(): ControllerStatus {
    const state = this.#active?.queue.state ?? stateOf(EMPTY_STORED_STATE, FIRST_VERSION, this.#config);
    return statusOf(state, {
      condition: this.condition,
      reason: this.#reason(),
      problem: this.#blockedBy,
      uncleanElections: this.#uncleanElections,
      reassignments: this.#active?.reassigner.list(null) ?? [],
      silenceMs: (broker) => this.#active?.detector.silenceMs(broker) ?? null,
    });
  }

  /** The brokers are started with another configuration from now on. Validated by the caller. */
  configure(config: ConfigMap): void {
    this.#config = config;
    this.#active?.queue.configure(config);
  }

  /** Hands over what the broker leads and others can take; resolves to how many partitions it still leads. */
  async moveLeadersAway(broker: BrokerId): Promise<number> {
    const active = this.#active;
    if (active === null) return Number.POSITIVE_INFINITY;
    await active.handOvers.run(movesAwayFrom(active.queue.state, broker));
    return [...allPartitions(active.queue.state)].filter(({ row }) => row.leader === broker).length;
  }

  /** Something else says that this broker's process has ended. */
  suspect(broker: BrokerId): void {
    void this.#active?.detector.suspect(broker);
  }

  /** Decides an administrative request. Always resolves. */
  async admin(request: AdminRequest): Promise<AdminResponse> {
    const active = this.#active;
    if (active === null || this.#blockedBy !== null) {
      const errorMessage = this.#blockedBy?.reason ?? "this controller is not active; try again";
      return { kind: "failed", errorCode: NOT_CONTROLLER, errorMessage };
    }
    const { queue, handOvers, comparison, reassigner } = active;
    return answerAdmin(request, {
      random: this.#ports.random,
      handOvers,
      reassigner,
      state: () => queue.state,
      submit: (event, done) => queue.submit(event, done),
      knownEnds: () => comparison.known(),
    });
  }

  #reason(): string | null {
    if (this.#recovery === null) return this.#blockedBy?.reason ?? null;
    const missing = this.#recovery.missing();
    const who = missing.length === 0 ? "" : `; waits for broker ${missing.join(", broker ")}`;
    return `asks the brokers what they kept of the metadata${who}`;
  }

  get condition(): ControllerCondition {
    if (this.#isEnded) return "ended";
    if (this.#recovery !== null) return "recovering";
    if (this.#blockedBy !== null) return "blocked";
    if (this.#committer.isUnsettled) return "storeUnreachable";
    return this.#active === null ? "starting" : "active";
  }

  async #claim(loaded: Loaded, recovery: Recovery | null): Promise<State | "overtaken" | "stopped"> {
    const clusterId = this.#options.clusterId === "" ? (recovery?.clusterId ?? "") : this.#options.clusterId;
    const stored = loaded.state.clusterId;
    if (stored !== "" && clusterId !== "" && stored !== clusterId) {
      throw new TidemarkError(
        "FOLDER_OF_ANOTHER_CLUSTER",
        `the metadata store belongs to cluster ${stored}, not to ${clusterId}; point the controller at its own`,
      );
    }
    const before = stateOf(loaded.state, loaded.version, this.#config);
    const changes: Change[] = [];
    if (stored === "") {
      changes.push({ kind: "cluster", clusterId: clusterId === "" ? this.#ports.random.id() : clusterId });
    }
    const epoch = claimedEpoch(loaded.version.controllerEpoch, recovery);
    if (recovery !== null) changes.push(...recoveredChanges(before, { kept: recovery.kept?.rows ?? null, epoch }));
    const version: MetadataVersion = { controllerEpoch: epoch, sequence: 0 };
    // Recovering, whatever was told before is not looked at any more.
    const history = recovery !== null ? { floor: epoch, ends: [] } : withEnd(before.history, loaded.version);
    changes.push({ kind: "history", history });
    const settled = await this.#committer.commit({ expected: loaded.version, version, changes });
    if (settled === "stopped" || settled === "overtaken") return settled;
    if (settled === "deposed") {
      throw new TidemarkError("REFUSED", "another controller claimed the metadata store at the same time");
    }
    const claimed = apply(before, changes, version);
    return { ...claimed, staticConfig: this.#config };
  }

  #activate(state: State): void {
    const { clock, logger, network } = this.#ports;
    const { brokerSessionTimeoutMs: sessionTimeoutMs } = clusterConfigOf(state);
    const queue = new DecisionQueue(this.#committer, {
      state,
      handlers: {
        onCommitted: (changes, states) => this.#onCommitted(changes, states),
        onDeposed: () => this.#fall({ kind: "deposed" }),
        onFatal: (error) => this.#fall({ kind: "failed", error }),
      },
    });
    const detector = new FailureDetector(
      { clock, logger, network },
      { sessionTimeoutMs, onLost: (lost) => this.#onLost(lost) },
    );
    const submit: DecisionQueue["submit"] = (event, done) => queue.submit(event, done);
    const handOvers = new HandOvers({ clock }, { submit, send: (broker, message) => sessions.send(broker, message) });
    const comparison = new LogComparison(
      { clock },
      {
        submit,
        state: () => queue.state,
        holder: (broker) => sessions.holder(broker),
        send: (broker, message) => void sessions.send(broker, message),
      },
    );
    const sessions = new BrokerSessions(
      { clock, logger },
      {
        queue,
        detector,
        handOvers,
        comparison,
        sessionTimeoutMs,
        admin: (request) => this.admin(request),
        onCopyProgress: (broker, message) => reassigner.onProgress(broker, message),
        onAhead: (reason, reported) => void this.#onAhead(reason, reported),
      },
    );
    const timers = [
      every(clock, HEARTBEAT_INTERVAL_MS, () => this.#heartbeat()),
      every(clock, WATCH_MS, () => void this.#watch()),
    ];
    const rebalancer = new Rebalancer(
      { clock, logger },
      { handOvers, state: () => queue.state, hasSession: (broker) => sessions.holder(broker) !== null },
    );
    const reassigner = new Reassigner(
      { clock, logger },
      {
        handOvers,
        state: () => queue.state,
        hasSession: (broker) => sessions.holder(broker) !== null,
        submit: (event, done) => queue.submit(event, done),
      },
    );
    this.#begin({ queue, sessions, detector, handOvers, comparison, rebalancer, reassigner, timers }, state);
  }

  #begin(active: Active, state: State): void {
    const { queue, detector } = active;
    this.#active = active;
    detector.start();
    active.comparison.start();
    active.rebalancer.start();
    active.reassigner.start();
    const { controllerEpoch: epoch } = state.version;
    this.#ports.logger.info("took over as controller", { clusterId: state.clusterId, controllerEpoch: epoch });
    for (const broker of state.brokers.values()) {
      if (broker.isFenced) continue;
      detector.presume({ broker: broker.id, incarnation: broker.incarnation, http: broker.http });
    }
    // Before any broker is heard: what the settings of this start change, and what a predecessor left half-done.
    queue.submit({ kind: "circumstancesChanged" });
    this.#announce([...state.brokers.keys()]);
    this.#options.onChange?.();
  }

  #onExchange(path: string, accept: () => ByteStream, refuse: (status: number, text: string) => void): void {
    if (path !== CONTROL_PATH) return refuse(404, "no such exchange");
    if (this.#isEnded) return refuse(421, "this controller was replaced");
    if (this.#recovery !== null) return this.#recovery.accept(accept());
    if (this.#active === null) return refuse(503, "this controller is starting");
    this.#active.sessions.accept(accept());
  }

  async #onPost(path: string, body: unknown): Promise<{ status: number; body: unknown }> {
    if (path !== ADMIN_PATH) return { status: 404, body: { error: "no such path" } };
    const request = parseAdminRequest(body);
    if (request === null) return { status: 400, body: { error: "the body is no administrative request" } };
    return { status: 200, body: await this.admin(request) };
  }

  #onCommitted(changes: readonly Change[], { before, after: state }: { before: State; after: State }): void {
    const active = this.#active;
    if (active === null) return;
    this.#report(electionsOf(before, changes));
    const delta: Delta = { type: "delta", version: state.version, rows: rowsOf(changes) };
    active.sessions.broadcast(encodeLine(delta));
    for (const change of changes) {
      if (change.kind === "broker" && change.broker.isFenced) {
        active.detector.forget(change.broker.id);
        active.sessions.end(change.broker.id, "its session ended");
      }
    }
    active.comparison.onCommitted(changes);
    active.reassigner.onCommitted(changes);
    this.#options.onChange?.();
  }

  #report({ elected, offline, unclean }: Elections): void {
    if (elected > 0) this.#ports.logger.info("leaders elected", { partitions: elected });
    if (offline > 0) this.#ports.logger.warn("partitions wait for a leader", { partitions: offline });
    if (unclean.length === 0) return;
    this.#uncleanElections += unclean.length;
    const names = unclean.slice(0, NAMED_MAX).map(({ topicId, partition }) => `${topicId}-${partition}`);
    this.#ports.logger.warn("elected replicas that may lack acknowledged records", {
      partitions: unclean.length,
      names,
    });
  }

  #onLost(lost: readonly LostBroker[]): void {
    for (const { broker, reason } of lost) this.#ports.logger.warn("broker lost", { broker, reason });
    this.#active?.queue.submit({ kind: "brokersLost", brokers: lost });
  }

  #heartbeat(): void {
    const active = this.#active;
    if (active === null) return;
    const { version } = active.queue.state;
    active.sessions.broadcast(encodeLine({ type: "controllerHeartbeat", version }));
  }

  /** A standing claim is looked at now and then: a predecessor that was paused must notice, though it has no work. */
  async #watch(): Promise<void> {
    const active = this.#active;
    if (active === null) return;
    const { state } = active.queue;
    const absent = [...state.brokers.values()].filter(
      (broker) => !broker.isFenced && active.sessions.holder(broker.id) === null,
    );
    this.#announce(absent.map((broker) => broker.id));
    try {
      if (!(await this.#committer.isDeposed(state.version))) return;
    } catch (error) {
      this.#fall({ kind: "failed", error });
      return;
    }
    if (this.#active === active) this.#fall({ kind: "deposed" });
  }

  #announce(brokers: readonly BrokerId[]): void {
    const active = this.#active;
    if (active === null) return;
    const { state } = active.queue;
    const announcement: ControllerAnnouncement = {
      controllerEpoch: state.version.controllerEpoch,
      clusterId: state.clusterId,
      http: this.#options.address(),
    };
    for (const id of brokers) {
      const broker = state.brokers.get(id);
      assert(broker !== undefined, "only registered brokers are told of a takeover");
      void this.#ports.network.post(broker.http, ANNOUNCE_PATH, announcement, { timeoutMs: ANNOUNCE_TIMEOUT_MS });
    }
  }

  /** A broker was told more than the store knows: either another controller is active, or the store was set back. */
  async #onAhead(reason: string, reported: MetadataVersion): Promise<void> {
    const active = this.#active;
    if (active === null) return;
    if (this.#blockedBy === null) {
      const { state } = active.queue;
      if (reported.controllerEpoch > state.version.controllerEpoch) {
        const isDeposed = await this.#committer.isDeposed(state.version).catch(() => false);
        if (this.#active !== active) return;
        if (isDeposed) return this.#fall({ kind: "deposed" });
      }
      active.queue.close();
      this.#ports.logger.error("nothing is decided any more", { reason });
      // A store that knows of no topic was not set back: it is another one.
      const kind = state.topics.size === 0 ? "lost" : "rolledBack";
      this.#blockedBy = { kind, reason, newestReported: reported };
      this.#options.onChange?.();
    } else if (isNewer(reported, this.#blockedBy.newestReported)) {
      this.#blockedBy = { ...this.#blockedBy, reason, newestReported: reported };
    }
  }

  #fall(end: ControllerEnd): void {
    if (this.#isEnded) return;
    this.#ports.logger.warn("this controller ends", { why: end.kind });
    this.#end();
    this.#options.onEnd(end);
  }

  #end(): void {
    this.#isEnded = true;
    this.#committer.stop();
    this.#recovery?.stop();
    this.#deactivate();
  }

  #deactivate(): void {
    const active = this.#active;
    this.#active = null;
    if (active === null) return;
    for (const timer of active.timers) timer.cancel();
    active.detector.stop();
    active.comparison.stop();
    active.rebalancer.stop();
    active.reassigner.stop();
    active.handOvers.stop();
    active.queue.close();
    active.sessions.stop();
  }
}

const claimedEpoch = (stored: ControllerEpoch, recovery: Recovery | null): ControllerEpoch =>
  recovery === null
    ? controllerEpoch(stored + 1)
    : controllerEpoch(Math.max(stored, recovery.toldEpochMax) + CONTROLLER_EPOCHS_AHEAD);
