import { assert } from "./base/assert.ts";
import { type Clock, every, type Timer } from "./base/clock.ts";
import { type BrokerId, type Incarnation, NO_TOPIC_ID } from "./base/ids.ts";
import { LimitedLogger } from "./base/limited-logger.ts";
import type { Logger } from "./base/logging.ts";
import { Metrics } from "./base/metrics.ts";
import type { Random } from "./base/random.ts";
import { effectiveBrokerConfig, NO_BROKER_CONFIG } from "./contract/config-values.ts";
import {
  ANNOUNCE_PATH,
  CONTRACT_VERSION,
  type ControllerAnnouncement,
  KAFKA_PATH,
  type KeptMetadata,
  type PartitionName,
  type Refused,
  type Registration,
  REPLICATION_PATH,
} from "./contract/control.ts";
import type { Endpoint, MetadataRows } from "./contract/rows.ts";
import { ControlSession, type Directive } from "./control/control-session.ts";
import { MetadataFile } from "./control/metadata-file.ts";
import { type ImageChange, MetadataImage } from "./control/metadata-image.ts";
import { BrokerContext } from "./handlers/context.ts";
import { addFetchSessionMetrics } from "./handlers/fetch-sessions.ts";
import { isInternalTopic } from "./handlers/internal-topics.ts";
import { addCleanerMetrics } from "./http/cleaner-metrics.ts";
import { addReplicaMetrics } from "./http/replica-metrics.ts";
import type { Compactor } from "./ports/compactor.ts";
import type { Disk } from "./ports/disk.ts";
import type { HostIdentity } from "./ports/host-identity.ts";
import { Peers } from "./peers/peers.ts";
import type { Address, ByteStream, ExchangeServer, Network } from "./ports/network.ts";
import { earlierLogConfigOf, logConfigOf } from "./log-config-of.ts";
import { LogFolders } from "./log-folders.ts";
import { LogCleaner } from "./replication/log-cleaner.ts";
import { ReplicaManager } from "./replication/replica-manager.ts";
import { KafkaServer } from "./server/kafka-server.ts";
import { DataFolder } from "./storage/data-folder.ts";
import type { LogConfig } from "./storage/log-config.ts";
import { SegmentCleaner } from "./storage/segment-cleaner.ts";

/** Everything outside the process, as ports: real ones in `process.ts`, simulated ones in the simulator. */
export interface BrokerPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly network: Network;
  readonly logger: Logger;
  /** Left out: compaction runs between everything else that the process does. */
  readonly compactor?: Compactor;
}

export interface BrokerSetup {
  readonly brokerId: BrokerId;
  /** "" = whatever cluster the controller names, on a new folder. */
  readonly clusterId: string;
  readonly controller: Address;
  /** Where clients and other processes reach this one. */
  readonly endpoints: readonly Endpoint[];
  readonly http: Address;
  readonly rack: string | null;
  readonly host: HostIdentity;
  /** The cluster's static configuration. */
  readonly config: Readonly<Record<string, string>>;
}

/** How a broker ends: told once, and then the process must. */
export interface BrokerEnds {
  /** A disk failed, or an invariant broke: nothing more may be written. */
  onFailure(error: unknown): void;
  /** The controller will not have this broker. */
  onBanned(refused: Refused): void;
}

/** How long a stop waits for the controller to move leaders away. */
const SHUTDOWN_WISH_MS_MAX = 10_000;
/** How long the end of a process with a failed disk waits for that disk to take the mark. */
const MARK_MS_MAX = 1000;
const MINUTE_MS = 60_000;

/**
 * One broker, composed from ports. `start` recovers and registers; clients are served from the first registration on.
 */
export class Broker {
  readonly incarnation: Incarnation;
  readonly metrics = new Metrics();
  readonly image = new MetadataImage();
  readonly #ports: BrokerPorts;
  /** Clients and other brokers can cause its warnings. */
  readonly #logAboutPeers: Logger;
  readonly #setup: BrokerSetup;
  readonly #ends: BrokerEnds;
  readonly #metadata: MetadataFile;
  readonly #session: ControlSession;
  #parts: { folder: DataFolder; replicas: ReplicaManager; server: KafkaServer; damaged: PartitionName[] } | null = null;
  #onRegistered: (() => void)[] = [];
  #onShutdownReady: () => void = () => {};
  #isServing = false;
  #isLeaving = false;
  #isCaughtUp = false;
  #hasFailed = false;
  /** Resolves when a failed disk has its mark, or will not take it. */
  #failed: Promise<void> = Promise.resolve();

  constructor(ports: BrokerPorts, setup: BrokerSetup, ends: BrokerEnds) {
    this.#ports = ports;
    this.#logAboutPeers = new LimitedLogger(ports);
    this.#setup = setup;
    this.#ends = ends;
    this.incarnation = ports.random.id() as Incarnation;
    this.#metadata = new MetadataFile(ports.disk, this.image);
    this.#session = new ControlSession(ports, {
      controller: setup.controller,
      image: this.image,
      handlers: {
        registration: () => this.#registration(),
        keptMetadata: () => this.#keptMetadata(),
        onChange: (change) => this.#onChange(change),
        onRegistered: (registered) => this.#registered(registered.clusterId),
        onDirective: (directive) => this.#onDirective(directive),
        onBanned: (refused) => ends.onBanned(refused),
      },
    });
  }

  /** Registered at least once since the start: clients are served. */
  get isServing(): boolean {
    return this.#isServing;
  }

  /**
   * Every partition that it hosts has had it in its ISR at the same time since the start. Then it stays so: a broker
   * that falls behind later still serves what it leads.
   */
  get isCaughtUp(): boolean {
    this.#isCaughtUp ||= this.#isServing && this.image.isInSyncEverywhere(this.#setup.brokerId);
    return this.#isCaughtUp;
  }

  get isRegistered(): boolean {
    return this.#session.isRegistered;
  }

  /** What serves applications over HTTP: null before the start. */
  get gateway(): { readonly broker: BrokerContext; readonly peers: Peers } | null {
    return this.#context === null || this.#peers === null ? null : { broker: this.#context, peers: this.#peers };
  }

  /** How the process answers other processes of the cluster. */
  get exchangeServer(): ExchangeServer {
    return {
      incarnation: this.incarnation,
      onExchange: (path, accept, refuse) => {
        if (path !== REPLICATION_PATH && path !== KAFKA_PATH) return refuse(404, `no exchange at ${path}`);
        if (this.#parts === null || !this.#isServing) return refuse(503, "this broker is not registered yet");
        if (path === KAFKA_PATH) this.#parts.server.acceptPeer(accept());
        else this.#parts.replicas.acceptFollower(accept());
      },
      onPost: async (path, body) => {
        if (path !== ANNOUNCE_PATH) return { status: 404, body: { error: `nothing at ${path}` } };
        const isTaken = this.#session.onAnnouncement(body as ControllerAnnouncement);
        return { status: isTaken ? 200 : 409, body: {} };
      },
    };
  }

  /**
   * Opens the data folder, recovers every log, and begins to dial the controller. Resolves when recovered; `registered`
   * tells when the broker serves.
   * @throws TidemarkError FOLDER_OF_ANOTHER_CLUSTER, LOG_CORRUPT, DISK_FULL, DISK_FAILED
   */
  async start(): Promise<void> {
    const { disk, clock, random, logger } = this.#ports;
    const { brokerId, clusterId, config } = this.#setup;
    const folder = await DataFolder.open({ disk, random: this.#ports.random, clusterId, brokerId });
    const earlier = await this.#metadata.load();
    this.#earlier = earlier;
    const replicas: ReplicaManager = this.#replicaManager(folder);
    addReplicaMetrics(this.metrics, { replicas: () => replicas.replicas(), traffics: () => replicas.traffics.all() });
    const context = new BrokerContext({
      brokerId,
      clusterId: () => this.#session.clusterId,
      clock,
      random,
      logger,
      image: this.image,
      replicas,
      controller: this.#session,
      staticConfig: config,
    });
    addFetchSessionMetrics(this.metrics, context.fetchSessions);
    const server = new KafkaServer(
      { clock, logger: this.#logAboutPeers },
      { broker: context, metrics: this.metrics, onBug: (error) => this.onBug(error) },
    );
    this.#context = context;
    this.#peers = new Peers(this.#ports.network, { broker: context, onBug: (error) => this.onBug(error) });
    const damaged = [...(await replicas.recover()), ...this.#missing(earlier, replicas)];
    await folder.begin();
    this.#parts = { folder, replicas, server, damaged };
    replicas.start();
    this.#cleaner = this.#newCleaner(replicas);
    this.#cleaner.start();
    this.#expiry = every(clock, context.config().offsetsRetentionCheckIntervalMs, () => {
      context.groups.expire(context.config().offsetsRetentionMinutes * MINUTE_MS);
    });
    this.#session.start();
  }

  /** Resolves at the next registration, at once when one stands. */
  registered(): Promise<void> {
    if (this.#session.isRegistered) return Promise.resolve();
    return new Promise((resolve) => this.#onRegistered.push(resolve));
  }

  /** Serves a client that came in by the listener of that name. */
  acceptClient(stream: ByteStream, listener: string): void {
    if (this.#parts === null || !this.#isServing) stream.destroy();
    else this.#parts.server.accept(stream, listener);
  }

  /** Hands its leaders over, syncs everything, marks the folder as cleanly stopped. */
  async stop(): Promise<void> {
    if (this.#parts === null) return this.#session.stop();
    const { folder, replicas, server } = this.#parts;
    if (this.#session.isRegistered) await this.#leave();
    this.#isServing = false;
    this.#peers?.stop();
    server.stop();
    this.#expiry?.cancel();
    this.#cleaner?.stop();
    this.#context?.groups.stop();
    await replicas.stop();
    this.#session.stop();
    if (this.#hasFailed) await this.#failed;
    else await folder.markCleanStop(this.incarnation);
    await folder.close();
  }

  #context: BrokerContext | null = null;
  #peers: Peers | null = null;
  #expiry: Timer | null = null;
  #cleaner: LogCleaner | null = null;
  /** What an earlier process of this broker was last told; null when none was. */
  #earlier: MetadataRows | null = null;

  #replicaManager(folder: DataFolder): ReplicaManager {
    const { disk, clock, logger, network } = this.#ports;
    const started = effectiveBrokerConfig({ ...NO_BROKER_CONFIG, static: this.#setup.config });
    return new ReplicaManager(
      { clock, network, logger: this.#logAboutPeers },
      {
        me: this.#setup.brokerId,
        cluster: this.image,
        controller: this.#session,
        logs: new LogFolders({ disk, clock, logger }, folder),
        clusterId: () => this.#session.clusterId,
        brokerEpoch: () => this.#session.brokerEpoch,
        logConfig: (topic) => this.#logConfig(topic),
        lagTimeMsMax: () => this.#served.config().replicaLagTimeMaxMs,
        copyBytesPerSecond: () => this.#served.config().leaderReplicationThrottledRate,
        followersServeReads: () => this.#served.config().replicaSelector === "rackAware",
        retentionCheckMs: started.logRetentionCheckIntervalMs,
        producerIdExpirationMs: started.producerIdExpirationMs,
        onStorageFailure: (error) => this.#fail(error),
      },
    );
  }

  #newCleaner(replicas: ReplicaManager): LogCleaner {
    const { disk, clock, compactor = new SegmentCleaner(disk, clock) } = this.#ports;
    const cleaner = new LogCleaner(this.#ports, {
      compactor,
      replicas: () => replicas.replicas(),
      limits: () => {
        const config = this.#served.config();
        return {
          backoffMs: config.logCleanerBackoffMs,
          keyBytesMax: config.logCleanerDedupeBufferBytes,
          bytesPerSecond: config.logCleanerIoBytesPerSecondMax,
        };
      },
      isLeftAlone: isInternalTopic,
    });
    addCleanerMetrics(this.metrics, cleaner.figures);
    return cleaner;
  }

  #logConfig(topic: string): LogConfig {
    if (this.image.version !== null) return logConfigOf(this.#served, this.image.topicByName(topic));
    const { brokerId, config } = this.#setup;
    return earlierLogConfigOf(this.#earlier, { topic, broker: String(brokerId), static: config });
  }

  get #served(): BrokerContext {
    assert(this.#context !== null, "configuration is asked for after the start");
    return this.#context;
  }

  /** Partitions that an earlier process hosted and of which no log is left: whoever took the folder took records. */
  #missing(earlier: MetadataRows | null, replicas: ReplicaManager): PartitionName[] {
    if (earlier === null) return [];
    const missing = earlier.partitions
      .filter((row) => row.replicas.includes(this.#setup.brokerId))
      .filter(({ topicId, partition }) => replicas.get(topicId, partition) === undefined)
      .map(({ topicId, partition }) => ({ topicId, partition }));
    if (missing.length > 0) this.#ports.logger.warn("partitions that were here are gone", { missing });
    return missing;
  }

  #registration(): Registration {
    assert(this.#parts !== null, "registration comes after recovery");
    const { folder, damaged } = this.#parts;
    const { brokerId, clusterId, endpoints, http, rack, host } = this.#setup;
    return {
      type: "register",
      contractVersion: CONTRACT_VERSION,
      clusterId: folder.clusterId === "" ? clusterId : folder.clusterId,
      brokerId,
      incarnation: this.incarnation,
      storageId: folder.storageId,
      endpoints,
      http,
      rack,
      ...host,
      cleanStopOf: folder.cleanStopOf,
      hasIoErrorMark: folder.hasIoErrorMark,
      damaged,
      metadataVersion: this.#metadata.version,
    };
  }

  #keptMetadata(): KeptMetadata | null {
    const { version } = this.#metadata;
    if (version === null) return null;
    const rows = this.image.version === null ? this.#earlier : this.image.snapshot();
    return rows === null ? null : { version, rows };
  }

  #onChange(change: ImageChange): void {
    this.#parts?.replicas.applyRows(change.rows);
    this.#coordinate(change.rows);
    // Seen at every change, or a moment in which all was well would be missed between two questions.
    void this.isCaughtUp;
    this.#metadata.save().catch((error: unknown) => this.#fail(error));
  }

  /** Groups follow the leaders of their partitions; offsets go with their topics. */
  #coordinate({ topics, partitions, deletions }: MetadataRows): void {
    const groups = this.#context?.groups;
    if (groups === undefined) return;
    if (topics.length > 0 || partitions.length > 0 || deletions.length > 0) groups.refresh();
    if (deletions.length === 0) return;
    const gone = new Set(deletions.map(({ topicId }) => topicId));
    const names = new Set(deletions.map(({ name }) => name));
    // An offset that does not tell of which topic it is, is dropped unless another topic has the name by now.
    const isGone = (name: string): boolean => names.has(name) && this.image.topicByName(name) === undefined;
    groups.forget((name, topicId) => (topicId === NO_TOPIC_ID ? isGone(name) : gone.has(topicId)));
  }

  #registered(clusterId: string): void {
    assert(this.#parts !== null, "a session stands only after the start");
    const { folder, replicas } = this.#parts;
    folder.adopt(clusterId).catch((error: unknown) => this.#fail(error));
    this.#isServing = true;
    replicas.onSession();
    // An earlier controller may have been asked; this one knows nothing of it.
    if (this.#isLeaving) this.#session.send({ type: "shutdownWish" });
    const waiting = this.#onRegistered;
    this.#onRegistered = [];
    for (const wake of waiting) wake();
  }

  #onDirective(directive: Directive): void {
    if (directive.type === "shutdownReady") this.#onShutdownReady();
    else this.#parts?.replicas.onDirective(directive);
  }

  /** Asks the controller to move everything away; goes on without its answer after a while. */
  #leave(): Promise<void> {
    this.#isLeaving = true;
    return new Promise((resolve) => {
      const timer = this.#ports.clock.after(SHUTDOWN_WISH_MS_MAX, () => {
        this.#ports.logger.warn("the controller did not move every leader away in time; stopping all the same");
        resolve();
      });
      this.#onShutdownReady = () => {
        timer.cancel();
        resolve();
      };
      this.#session.send({ type: "shutdownWish" });
    });
  }

  /** A request has failed by a bug; after a broken invariant nothing more may be done. */
  onBug(error: unknown): void {
    if (Error.isError(error) && error.name === "InvariantError") this.#fail(error);
  }

  /**
   * Says so on the control stream, leaves a mark where it can, and ends. From the first moment on nobody is served and
   * no session is opened any more; the process ends only after the mark, or its next one would be taken for whole.
   */
  #fail(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#isServing = false;
    this.#session.send({ type: "storageFailed" });
    this.#session.stop();
    this.#parts?.server.stop();
    const { promise: isOver, resolve: giveUp } = Promise.withResolvers<void>();
    const timer = this.#ports.clock.after(MARK_MS_MAX, giveUp);
    // The disk that failed may refuse the mark, too.
    const marked = this.#parts?.folder.markIoError().catch(() => undefined);
    this.#failed = Promise.race([marked, isOver]).then(() => {
      timer.cancel();
      this.#ends.onFailure(error);
    });
  }
}
