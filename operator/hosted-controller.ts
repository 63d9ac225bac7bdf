import { tokensOf } from "#adapters/token-match.ts";
import type { Clock, Timer } from "#base/clock.ts";
import { isTidemarkError } from "#base/errors.ts";
import type { BrokerId, ControllerEpoch } from "#base/ids.ts";
import type { Logger } from "#base/logging.ts";
import type { Random } from "#base/random.ts";
import { type AdminRequest, type AdminResponse, CONTROL_PATH } from "#contract/control.ts";
import type { Address, ByteStream, Network } from "#ports/network.ts";
import type { Tokens } from "#ports/tokens.ts";
import { Controller, type ControllerEnd } from "./controller/controller.ts";
import { Reports } from "./controller/reports.ts";
import type {
  ClusterControl,
  ClusterControlOptions,
  ClusterName,
  ControllerCondition,
  ControllerStatus,
  MetadataOwner,
  MetadataProblem,
  RecoverOutcome,
} from "./ports/cluster-control.ts";
import type { MetadataStore } from "./ports/metadata-store.ts";

/** What of the outside a hosted controller uses. */
export interface HostPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** A network that shows this token. */
  networkWith(tokens: Tokens): Network;
  storeOf(cluster: ClusterName, options: { owner: () => MetadataOwner | null; isRecovering: boolean }): MetadataStore;
  /** Says who owns the metadata objects that are there; false = try again. */
  setOwner(cluster: ClusterName, owner: MetadataOwner | null): Promise<boolean>;
}

const NOT_CONTROLLER = 41;
/** A controller that ended by itself is made anew; over a damaged store too, in case somebody has put it right. */
const AGAIN_MS = 1000;
/** Two operators that both claim a Cluster (two installations) would depose each other for ever: each waits longer. */
const AGAIN_MS_MAX = 60_000;
/** So long it must have lasted for that to be forgotten. */
const STEADY_MS = 120_000;
const DAMAGED_AGAIN_MS = 5000;
const OWNER_AGAIN_MS = 2000;
/** What changes within this time is told once. */
const TELL_MS = 50;

/** The controller of one cluster, made anew whenever it ends by itself. */
export class HostedController implements ClusterControl {
  readonly cluster: ClusterName;
  readonly tokens: Tokens;
  readonly #ports: HostPorts;
  readonly #address: () => Address;
  readonly #network: Network;
  readonly #logger: Logger;
  readonly #reports: Reports;
  readonly #listeners = new Set<() => void>();
  #options: ClusterControlOptions;
  #controller: Controller;
  #problem: MetadataProblem | null = null;
  #isStopped = false;
  #againMs = AGAIN_MS;
  #startedAtMs = 0;
  #again: Timer | null = null;
  #ownerTimer: Timer | null = null;
  #telling: Timer | null = null;

  constructor(
    ports: HostPorts,
    {
      cluster,
      address,
      isIdle,
      ...options
    }: ClusterControlOptions & { cluster: ClusterName; address: () => Address; isIdle: boolean },
  ) {
    this.#isStopped = isIdle;
    this.#ports = ports;
    this.cluster = cluster;
    this.#address = address;
    this.#options = options;
    this.tokens = tokensOf(() => this.#options.tokens);
    this.#network = ports.networkWith(this.tokens);
    this.#logger = loggerOf(ports.logger, cluster);
    this.#reports = new Reports({
      reason: () => this.#problem?.reason ?? "this controller is starting",
      onNewest: () => this.#tell(),
    });
    this.#controller = this.#start(false);
    if (isIdle) void this.#controller.stop();
    else this.#own();
  }

  /** What the reconciler says now. */
  update(options: ClusterControlOptions): void {
    const before = this.#options;
    this.#options = options;
    if (JSON.stringify(before.config) !== JSON.stringify(options.config)) this.#controller.configure(options.config);
    if (before.isPaused === true || before.metadataOwner?.uid !== options.metadataOwner?.uid) this.#own();
  }

  /** Cheaper than the whole status. */
  get condition(): ControllerCondition {
    return this.#problem === null ? this.#controller.condition : "blocked";
  }

  status(): ControllerStatus {
    const status = this.#controller.status();
    if (this.#problem === null) return status;
    const problem = { ...this.#problem, newestReported: this.#reports.newest };
    return { ...status, condition: "blocked", reason: problem.reason, problem };
  }

  async admin(request: AdminRequest): Promise<AdminResponse> {
    if (this.#problem === null) return this.#controller.admin(request);
    return { kind: "failed", errorCode: NOT_CONTROLLER, errorMessage: this.#problem.reason };
  }

  moveLeadersAway(broker: BrokerId): Promise<number> {
    return this.#controller.moveLeadersAway(broker);
  }

  suspect(broker: BrokerId): void {
    this.#controller.suspect(broker);
  }

  async recover(epoch: ControllerEpoch): Promise<RecoverOutcome> {
    const { problem } = this.status();
    if (problem === null || this.#isStopped) return { kind: "notNeeded" };
    const reported = problem.newestReported?.controllerEpoch;
    if (reported !== epoch) {
      const says = reported === undefined ? "no broker has reported one yet" : `brokers report epoch ${reported}`;
      return { kind: "wrongEpoch", reason: `epoch ${epoch} was named, but ${says}` };
    }
    this.#logger.warn("recovering the metadata, as a person says", { epoch });
    await this.#end();
    this.#problem = null;
    this.#controller = this.#start(true);
    return { kind: "recovered" };
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onExchange(path: string, accept: () => ByteStream, refuse: (status: number, text: string) => void): void {
    if (this.#problem !== null && path === CONTROL_PATH) return this.#reports.accept(accept());
    this.#controller.exchangeServer.onExchange(path, accept, refuse);
  }

  onPost(path: string, body: unknown): Promise<{ status: number; body: unknown }> {
    return this.#controller.exchangeServer.onPost(path, body);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#listeners.clear();
    this.#telling?.cancel();
    this.#ownerTimer?.cancel();
    await this.#end();
  }

  async #end(): Promise<void> {
    this.#again?.cancel();
    this.#reports.stop();
    await this.#controller.stop();
  }

  #start(isRecovering: boolean): Controller {
    const { clock, random } = this.#ports;
    const owner = (): MetadataOwner | null => this.#options.metadataOwner;
    const store = this.#ports.storeOf(this.cluster, { owner, isRecovering });
    const controller: Controller = new Controller(
      { clock, random, network: this.#network, logger: this.#logger, store },
      {
        clusterId: this.#options.clusterId,
        config: this.#options.config,
        address: this.#address,
        isRecovering,
        onEnd: (end) => this.#onEnd(controller, end),
        onChange: () => this.#tell(),
      },
    );
    if (this.#isStopped) return controller;
    this.#startedAtMs = clock.monotonic();
    controller.start().then(
      () => {
        if (this.#controller === controller) this.#onStarted();
      },
      (error: unknown) => this.#onEnd(controller, { kind: "failed", error }),
    );
    return controller;
  }

  #onStarted(): void {
    this.#problem = null;
    this.#reports.stop();
    this.#tell();
  }

  #onEnd(controller: Controller, end: ControllerEnd): void {
    if (this.#isStopped || this.#controller !== controller) return;
    const problem = end.kind === "failed" ? problemOf(end.error) : null;
    if (end.kind === "failed" && problem === null) {
      this.#logger.error("the controller ended; it is made anew", { error: textOf(end.error) });
    }
    if (problem !== null && this.#problem?.reason !== problem.reason) {
      this.#logger.error("nothing is decided any more", { reason: problem.reason });
    }
    this.#problem = problem;
    this.#tell();
    void controller.stop();
    const isSteady = this.#ports.clock.monotonic() - this.#startedAtMs >= STEADY_MS;
    const againMs = isSteady ? AGAIN_MS : this.#againMs;
    this.#againMs = Math.min(againMs * 2, AGAIN_MS_MAX);
    this.#again?.cancel();
    this.#again = this.#ports.clock.after(problem === null ? againMs : DAMAGED_AGAIN_MS, () => {
      if (!this.#isStopped) this.#controller = this.#start(false);
    });
  }

  #own(): void {
    this.#ownerTimer?.cancel();
    if (this.#options.isPaused === true) return;
    const wanted = this.#options.metadataOwner;
    void this.#ports.setOwner(this.cluster, wanted).then((isDone) => {
      const isOver = this.#isStopped || this.#options.isPaused === true || this.#options.metadataOwner !== wanted;
      if (isDone || isOver) return;
      this.#ownerTimer = this.#ports.clock.after(OWNER_AGAIN_MS, () => this.#own());
    });
  }

  #tell(): void {
    if (this.#telling !== null || this.#isStopped || this.#listeners.size === 0) return;
    this.#telling = this.#ports.clock.after(TELL_MS, () => {
      this.#telling = null;
      for (const listener of this.#listeners) listener();
    });
  }
}

/** A store that a person has to see to; null for everything else. */
function problemOf(error: unknown): MetadataProblem | null {
  if (!isTidemarkError(error)) return null;
  const kind = ({ STORE_LOST: "lost", STORE_CORRUPT: "rolledBack" } as const)[error.code as "STORE_LOST"] ?? null;
  return kind === null ? null : { kind, reason: error.message, newestReported: null };
}

const textOf = (error: unknown): string => {
  if (isTidemarkError(error)) return error.message;
  return Error.isError(error) ? (error.stack ?? error.message) : String(error);
};

/** Each line names its cluster. */
function loggerOf(logger: Logger, { namespace, name }: ClusterName): Logger {
  const who = { cluster: name, namespace };
  return {
    debug: (message, fields) => logger.debug(message, { ...who, ...fields }),
    info: (message, fields) => logger.info(message, { ...who, ...fields }),
    warn: (message, fields) => logger.warn(message, { ...who, ...fields }),
    error: (message, fields) => logger.error(message, { ...who, ...fields }),
  };
}
