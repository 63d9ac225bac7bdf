import { type Clock, every, type Timer } from "../base/clock.ts";
import type { BrokerEpoch, BrokerId, LeaderEpoch, Offset, PartitionIndex, TopicId } from "../base/ids.ts";
import type { Logger } from "../base/logging.ts";
import type {
  CopyProgress,
  HandOver,
  HandOverVoid,
  IsrRefused,
  LogEnds,
  PartitionName,
  QueryLogEnds,
} from "../contract/control.ts";
import type { DeletionRow, MetadataRows, PartitionRow } from "../contract/rows.ts";
import type { Address, ByteStream, Network } from "../ports/network.ts";
import type { LogConfig } from "../storage/log-config.ts";
import type { ClusterView, ControllerLink } from "./cluster-view.ts";
import { CopyBudget } from "./copy-budget.ts";
import { Deadlines } from "./deadlines.ts";
import { FollowerLink, type FollowerLinkHost } from "./follower-link.ts";
import { LeaderLink, type LeaderLinkHost } from "./leader-link.ts";
import { epochBefore } from "./log.ts";
import type { LogStore, StoredName, StoredPartition } from "./log-store.ts";
import { Replica, type ReplicaHost } from "./replica.ts";
import { ReplicaTable } from "./replica-table.ts";
import { SerialQueue } from "./serial-queue.ts";
import { TopicTraffics } from "./topic-traffic.ts";

const TICK_MS = 500;
const CHECKPOINT_MS = 5000;
const COPY_PROGRESS_MS = 2000;

export interface ReplicaManagerOptions {
  readonly me: BrokerId;
  readonly cluster: ClusterView;
  readonly controller: ControllerLink;
  readonly logs: LogStore;
  /** "" until this broker is registered. */
  clusterId(): string;
  /** Of this process; −1 until it is registered. */
  brokerEpoch(): BrokerEpoch;
  /** What is in force for a topic now. */
  logConfig(topic: string): LogConfig;
  /** `replica.lag.time.max.ms`, as in force now. */
  lagTimeMsMax(): number;
  /** `leader.replication.throttled.rate`, as in force now. */
  copyBytesPerSecond(): number;
  /** `replica.selector.class`, as in force now, sends consumers to followers. */
  followersServeReads(): boolean;
  /** `log.retention.check.interval.ms`. */
  readonly retentionCheckMs: number;
  /** `producer.id.expiration.ms`. */
  readonly producerIdExpirationMs: number;
  /** A disk failed: the process must say so and end. Called at most once. */
  onStorageFailure(error: unknown): void;
}

/** Every partition that this broker hosts, and its streams with the other brokers. */
export class ReplicaManager implements ReplicaHost, LeaderLinkHost, FollowerLinkHost {
  readonly me: BrokerId;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly network: Network;
  readonly deadlines: Deadlines;
  readonly copyBudget: CopyBudget;
  readonly cluster: ClusterView;
  readonly controller: ControllerLink;
  readonly #options: ReplicaManagerOptions;
  readonly traffics = new TopicTraffics();
  readonly #table = new ReplicaTable();
  /** Work on one folder, by topic and partition, so that a re-created topic finds it free. */
  readonly #folders = new Map<string, SerialQueue>();
  readonly #opening = new Map<string, StoredName>();
  readonly #removals = new Map<TopicId, "running" | "done">();
  /** Partitions that a row says this broker was removed from, and that it has not been heard of yet. */
  readonly #removed = new Map<string, PartitionName>();
  readonly #leaderLinks = new Set<LeaderLink>();
  readonly #followerLinks = new Map<BrokerId, FollowerLink>();
  readonly #timers: Timer[] = [];
  #attempts = 0;
  #isCheckpointing = false;
  #isRetaining = false;
  #hasFailed = false;
  #isStopped = false;

  constructor(ports: { clock: Clock; network: Network; logger: Logger }, options: ReplicaManagerOptions) {
    this.me = options.me;
    this.clock = ports.clock;
    this.logger = ports.logger;
    this.network = ports.network;
    this.deadlines = new Deadlines(ports.clock);
    this.copyBudget = new CopyBudget(ports.clock, () => options.copyBytesPerSecond());
    this.cluster = options.cluster;
    this.controller = options.controller;
    this.#options = options;
  }

  /** Opens and recovers what is on disk; to be awaited before registration, which names the damaged partitions. */
  async recover(): Promise<PartitionName[]> {
    const found = await this.#options.logs.recover((topic) => this.#options.logConfig(topic));
    for (const stored of found) this.#add(stored);
    return found.filter((stored) => stored.isDamaged).map(({ topicId, partition }) => ({ topicId, partition }));
  }

  /** Starts what goes on by itself. */
  start(): void {
    this.#timers.push(
      every(this.clock, TICK_MS, () => this.#tick()),
      every(this.clock, COPY_PROGRESS_MS, () => this.#sayCopyProgress()),
      every(this.clock, CHECKPOINT_MS, () => void this.#checkpoint()),
      every(this.clock, this.#options.retentionCheckMs, () => void this.#applyRetention()),
    );
  }

  /** The replica of a partition, when it is hosted here and its log is open. */
  get(topicId: TopicId, partition: number): Replica | undefined {
    return this.#table.get(topicId, partition);
  }

  getByName(topic: string, partition: number): Replica | undefined {
    return this.#table.getByName(topic, partition);
  }

  find(topicId: TopicId, partition: PartitionIndex): Replica | undefined {
    return this.#table.get(topicId, partition);
  }

  replicas(): Iterable<Replica> {
    return this.#table.all();
  }

  followersServeReads(): boolean {
    return this.#options.followersServeReads();
  }

  clusterId(): string {
    return this.#options.clusterId();
  }

  brokerEpoch(): BrokerEpoch {
    return this.#options.brokerEpoch();
  }

  lagTimeMsMax(): number {
    return this.#options.lagTimeMsMax();
  }

  nextAttempt(): number {
    this.#attempts += 1;
    return this.#attempts;
  }

  addressOf(broker: BrokerId): Address | null {
    return this.cluster.broker(broker)?.http ?? null;
  }

  /** Acts on what a commit changed. The metadata holds it already. */
  applyRows(rows: MetadataRows): void {
    if (this.#isStopped) return;
    for (const row of rows.deletions) this.#onDeletion(row);
    for (const row of rows.partitions) this.#onPartition(row);
    if (rows.topics.length > 0 || rows.brokerConfigs.length > 0) this.#configure();
    if (rows.brokers.length > 0) this.#onBrokers();
  }

  /** A session stands and its snapshot was applied: says again what may be lost, and sets aside what nobody knows. */
  onSession(): void {
    if (this.#isStopped) return;
    for (const replica of [...this.#table.all()]) {
      if (this.#isKnown(replica)) replica.onSession();
      else if (this.#wasRemoved(replica)) this.#onRemoved(replica);
      else this.#setAside(replica, "the metadata knows no such partition here");
    }
    for (const name of this.#removed.values()) this.#onRemoved(name);
  }

  onDirective(message: IsrRefused | QueryLogEnds | HandOver | HandOverVoid): void {
    if (this.#isStopped) return;
    switch (message.type) {
      case "isrRefused":
        return this.get(message.topicId, message.partition)?.onRefused(message);
      case "handOver":
        return this.get(message.topicId, message.partition)?.onHandOver(message);
      case "handOverVoid":
        return this.get(message.topicId, message.partition)?.onHandOverVoid(message);
      case "queryLogEnds":
        return this.controller.send(this.#logEnds(message));
    }
  }

  /** A follower dialled this broker. */
  acceptFollower(stream: ByteStream): void {
    if (this.#isStopped) return stream.destroy();
    this.#leaderLinks.add(new LeaderLink(this, stream, (link) => this.#leaderLinks.delete(link)));
  }

  follow(replica: Replica): void {
    const { leader } = replica.row;
    let link = this.#followerLinks.get(leader);
    if (link === undefined) {
      link = new FollowerLink(this, leader);
      this.#followerLinks.set(leader, link);
    }
    link.follow(replica);
  }

  unfollow(replica: Replica): void {
    for (const link of this.#followerLinks.values()) link.unfollow(replica);
  }

  checkpoint(replica: Replica): Promise<void> {
    return this.#options.logs.checkpoint([replica]);
  }

  onFollowerDurable(replica: Replica): void {
    this.#followerLinks.get(replica.row.leader)?.state(replica);
  }

  onFollowerStart(replica: Replica): void {
    this.#followerLinks.get(replica.row.leader)?.stateStart(replica);
  }

  onStorageFailure(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#options.onStorageFailure(error);
  }

  /** Ends all streams, closes every log with everything synced, and writes the checkpoints. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const timer of this.#timers) timer.cancel();
    for (const link of this.#followerLinks.values()) link.stop();
    for (const link of [...this.#leaderLinks]) link.close();
    const replicas = [...this.#table.all()];
    await Promise.all(replicas.map((replica) => replica.close()));
    this.deadlines.stop();
    await this.#options.logs.checkpoint(replicas);
  }

  #tick(): void {
    for (const replica of this.#table.all()) replica.tick();
  }

  async #checkpoint(): Promise<void> {
    if (this.#isCheckpointing || this.#isStopped) return;
    this.#isCheckpointing = true;
    try {
      await this.#options.logs.checkpoint([...this.#table.all()]);
    } catch (error) {
      this.onStorageFailure(error);
    } finally {
      this.#isCheckpointing = false;
    }
  }

  /** One log after the other: there is time until the next check. */
  async #applyRetention(): Promise<void> {
    if (this.#isRetaining) return;
    this.#isRetaining = true;
    const { producerIdExpirationMs } = this.#options;
    for (const replica of [...this.#table.all()]) {
      if (this.#isStopped) break;
      await replica.applyRetention({ nowMs: this.clock.now(), producerIdExpirationMs });
    }
    this.#isRetaining = false;
  }

  #onPartition(row: PartitionRow): void {
    const { topicId, partition } = row;
    const replica = this.#table.get(topicId, partition);
    if (row.removed.includes(this.me)) return this.#onRemoved(row);
    this.#removed.delete(keyOf(row));
    if (!row.replicas.includes(this.me)) {
      if (replica !== undefined) this.#setAside(replica, "the partition is no longer assigned to this broker");
      return;
    }
    if (replica !== undefined) return replica.applyRow(row);
    const topic = this.cluster.topic(topicId)?.name;
    if (topic === undefined) return;
    const namesake = this.#table.getByName(topic, partition);
    if (namesake !== undefined) this.#setAside(namesake, "another topic has its name");
    this.#openLater({ topic, topicId, partition });
  }

  /** Opens a partition that is new here, once its folder is free; the newest row is looked up then. */
  #openLater(name: StoredName): void {
    const key = keyOf(name);
    if (this.#opening.has(key)) return;
    this.#opening.set(key, name);
    this.#inFolder(name, async () => {
      try {
        await this.#open(name);
      } finally {
        this.#opening.delete(key);
      }
    });
  }

  async #open(name: StoredName): Promise<void> {
    const row = this.#wantedRow(name);
    if (row === undefined || this.#table.get(name.topicId, name.partition) !== undefined) return;
    const replica = this.#add(await this.#options.logs.open(name, this.#options.logConfig(name.topic)));
    const newest = this.#wantedRow(name);
    if (newest !== undefined) return replica.applyRow(newest);
    // While it was opened its topic was deleted, or the partition went elsewhere, or this broker stops.
    this.#drop(replica);
    await replica.close();
    if (this.cluster.isDeleted(name.topicId) || this.#wasRemoved(name)) await this.#options.logs.remove(name);
    else if (!this.#isStopped) await this.#options.logs.setAside(name);
  }

  /** The row of a partition that is to be hosted here; undefined when it is not, or not any more. */
  #wantedRow(name: StoredName): PartitionRow | undefined {
    if (this.#isStopped || this.cluster.isDeleted(name.topicId)) return undefined;
    const row = this.cluster.partition(name.topicId, name.partition);
    return row?.replicas.includes(this.me) === true ? row : undefined;
  }

  #add(stored: StoredPartition): Replica {
    const config = this.#options.logConfig(stored.topic);
    const traffic = this.traffics.add(stored.topic);
    const replica = new Replica(this, { ...stored, config, traffic });
    this.#table.add(replica);
    return replica;
  }

  #isKnown(replica: Replica): boolean {
    if (this.cluster.isDeleted(replica.topicId)) return true;
    const row = this.cluster.partition(replica.topicId, replica.partition);
    return row?.replicas.includes(this.me) === true;
  }

  #onDeletion(row: DeletionRow): void {
    if (!row.waitingFor.includes(this.me)) {
      this.#removals.delete(row.topicId);
      return;
    }
    const state = this.#removals.get(row.topicId);
    if (state === "done") this.#sayRemoved(row.topicId);
    if (state !== undefined) return;
    this.#removals.set(row.topicId, "running");
    void this.#removeTopic(row);
  }

  async #removeTopic({ topicId, name: topic }: DeletionRow): Promise<void> {
    const removals = this.#table.ofTopic(topicId).map((replica) => this.#remove(replica));
    // A folder that is just being opened removes itself, and some may be on their way out already.
    const busy = [...this.#folders].filter(([key]) => key.startsWith(`${topic}-`));
    const ends = busy.map(([, queue]) => new Promise<void>((resolve) => queue.run(resolve)));
    await Promise.all([...removals, ...ends]);
    this.#removals.set(topicId, "done");
    this.#sayRemoved(topicId);
  }

  /** A row says that this broker is no replica any more and that its data is to go. */
  #onRemoved({ topicId, partition }: PartitionName): void {
    this.#removed.set(keyOf({ topicId, partition }), { topicId, partition });
    const replica = this.#table.get(topicId, partition);
    if (replica !== undefined) void this.#remove(replica);
    const topic = replica?.topic ?? this.cluster.topic(topicId)?.name;
    if (topic === undefined) return this.#sayGone({ topicId, partition });
    // After whatever is still done with its folder.
    this.#inFolder({ topicId, partition, topic }, async () => this.#sayGone({ topicId, partition }));
  }

  /** Says it under the newest row, unless that gave the partition back or has heard it. */
  #sayGone({ topicId, partition }: PartitionName): void {
    const key = keyOf({ topicId, partition });
    const row = this.cluster.partition(topicId, partition);
    if (row?.removed.includes(this.me) !== true) {
      this.#removed.delete(key);
      return;
    }
    if (this.#isStopped || this.#hasFailed || this.#table.get(topicId, partition) !== undefined) return;
    this.controller.send({ type: "replicaRemoved", topicId, partition, leaderEpoch: row.leaderEpoch });
  }

  #wasRemoved({ topicId, partition }: PartitionName): boolean {
    return this.cluster.partition(topicId, partition)?.removed.includes(this.me) === true;
  }

  /** How far the copies are that leaders here feed. */
  #sayCopyProgress(): void {
    const partitions: CopyProgress["partitions"][number][] = [];
    for (const { leadership, topicId, partition } of this.#table.all()) {
      const missing = leadership?.missingBytes() ?? [];
      if (leadership === null || missing.length === 0) continue;
      partitions.push({ topicId, partition, leaderEpoch: leadership.epoch, missing });
    }
    if (partitions.length > 0) this.controller.send({ type: "copyProgress", partitions });
  }

  #sayRemoved(topicId: TopicId): void {
    if (!this.#isStopped) this.controller.send({ type: "topicRemoved", topicId });
  }

  #drop(replica: Replica): void {
    this.#table.remove(replica);
    this.traffics.remove(replica.topic);
  }

  #remove(replica: Replica): Promise<void> {
    this.#drop(replica);
    // At once, whatever its folder is busy with: nothing more is said to a leader of data that is about to go.
    const closed = replica.close();
    return new Promise((resolve) => {
      this.#inFolder(replica, async () => {
        await closed;
        await this.#options.logs.remove(replica);
        resolve();
      });
    });
  }

  #setAside(replica: Replica, reason: string): void {
    const { topic, topicId, partition } = replica;
    this.logger.warn("a partition is kept aside, not served", { topic, topicId, partition, reason });
    this.#drop(replica);
    this.#inFolder(replica, async () => {
      await replica.close();
      await this.#options.logs.setAside(replica);
    });
  }

  #inFolder(name: StoredName, work: () => Promise<void>): void {
    const key = `${name.topic}-${name.partition}`;
    let queue = this.#folders.get(key);
    if (queue === undefined) {
      queue = new SerialQueue((error) => this.onStorageFailure(error));
      this.#folders.set(key, queue);
    }
    queue.run(work);
    const done = queue;
    queue.run(() => {
      if (this.#folders.get(key) === done && done.isIdleAfterThis) this.#folders.delete(key);
    });
  }

  #configure(): void {
    for (const replica of this.#table.all()) {
      const config = this.#options.logConfig(replica.topic);
      if (config !== replica.config) replica.configure(config);
    }
  }

  #onBrokers(): void {
    for (const link of this.#followerLinks.values()) link.onBrokers();
    for (const replica of this.#table.all()) replica.onBrokers();
  }

  #logEnds(query: QueryLogEnds): LogEnds {
    const ends = query.partitions.map(({ topicId, partition }) => {
      const log = this.#table.get(topicId, partition)?.log;
      if (log === undefined) return { topicId, partition, lastEpoch: NO_EPOCH, logEnd: ZERO };
      return { topicId, partition, lastEpoch: epochBefore(log, log.writtenEnd), logEnd: log.writtenEnd };
    });
    return { type: "logEnds", query: query.query, ends };
  }
}

const keyOf = ({ topicId, partition }: PartitionName): string => `${topicId}-${partition}`;
const NO_EPOCH = -1 as LeaderEpoch;
const ZERO = 0 as Offset;
