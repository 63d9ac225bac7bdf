import { FakeClock, settle } from "../../base/testing/fake-clock.ts";
import { type BrokerEpoch, type BrokerId, type LeaderEpoch, type PartitionIndex, topicId } from "../../base/ids.ts";
import { silent } from "../../base/logging.ts";
import type { IsrProposal, ToController } from "../../contract/control.ts";
import type { BrokerRow, DeletionRow, MetadataRows, PartitionRow, TopicRow } from "../../contract/rows.ts";
import type { ByteStream, Network } from "../../ports/network.ts";
import { streamPair } from "../../ports/testing/stream-pair.ts";
import { defaultLogConfig, type LogConfig } from "../../storage/log-config.ts";
import type { ClusterView } from "../cluster-view.ts";
import type { Replica } from "../replica.ts";
import { ReplicaManager } from "../replica-manager.ts";
import { batchOf, type MemoryLog } from "./memory-log.ts";
import { MemoryStore, type TestStore } from "./memory-store.ts";

export const TOPIC = topicId("a".repeat(32));
const name = "orders";
const nothing: MetadataRows = { brokers: [], topics: [], partitions: [], deletions: [], brokerConfigs: [] };

/** Several managers in one process, a network between them, and a controller played by the test. */
export class TestCluster {
  readonly clock = new FakeClock();
  readonly stores = new Map<number, TestStore>();
  readonly managers = new Map<number, ReplicaManager>();
  readonly said: { from: number; message: ToController }[] = [];
  /** Pairs "a-b" between which nothing can be dialled. */
  readonly cut = new Set<string>();
  readonly streams: { from: number; to: number; ends: [ByteStream, ByteStream] }[] = [];
  config: LogConfig = defaultLogConfig;
  lagTimeMsMax = 30_000;
  copyBytesPerSecond = Number.MAX_SAFE_INTEGER;
  followersServeReads = true;
  row: PartitionRow;
  readonly #brokers = new Map<number, BrokerRow>();
  readonly #deletions = new Map<string, DeletionRow>();
  #hasTopic = true;
  readonly failures: unknown[] = [];

  constructor(replicas: readonly number[], options: { minIsr: number; newStore?: (clock: FakeClock) => TestStore }) {
    this.row = {
      topicId: TOPIC,
      partition: 0 as PartitionIndex,
      replicas: replicas as BrokerId[],
      adding: [],
      removing: [],
      removed: [],
      leader: replicas[0] as BrokerId,
      leaderEpoch: 1 as LeaderEpoch,
      partitionEpoch: 1 as PartitionRow["partitionEpoch"],
      isr: replicas as BrokerId[],
      elr: [],
      lost: [],
      minIsr: options.minIsr,
      synced: false,
    };
    for (const id of replicas) this.stores.set(id, options.newStore?.(this.clock) ?? new MemoryStore());
  }

  /** Starts every broker, registers it and tells it of the partition. */
  async start(): Promise<void> {
    for (const id of this.stores.keys()) await this.startBroker(id);
    await settle();
  }

  async startBroker(id: number): Promise<void> {
    const epoch = ((this.#brokers.get(id)?.epoch ?? 100) + 1) as BrokerEpoch;
    const row: BrokerRow = {
      id: id as BrokerId,
      incarnation: `${id}.${epoch}` as BrokerRow["incarnation"],
      epoch,
      endpoints: [],
      http: { host: "test", port: id * 1000 + epoch },
      rack: null,
      isFenced: false,
      isShuttingDown: false,
    };
    const manager = this.#manager(id);
    await manager.recover();
    this.managers.set(id, manager);
    manager.start();
    this.setBroker(row);
    manager.applyRows({ ...nothing, partitions: [this.row] });
    manager.onSession();
    await settle();
  }

  /** The process is gone: what was only in its memory is lost. With `logEnd`, what lies above it is, too. */
  async kill(id: number, options: { logEnd?: number } = {}): Promise<void> {
    const manager = this.managers.get(id);
    this.managers.delete(id);
    for (const { from, to, ends } of this.streams) if (from === id || to === id) for (const end of ends) end.destroy();
    this.stores.get(id)?.crash(options);
    void manager?.stop();
    this.fence(id, true);
    await settle();
  }

  fence(id: number, isFenced: boolean): void {
    const row = this.#brokers.get(id);
    if (row !== undefined) this.setBroker({ ...row, isFenced });
  }

  setBroker(row: BrokerRow): void {
    this.#brokers.set(row.id, row);
    for (const manager of this.managers.values()) manager.applyRows({ ...nothing, brokers: [row] });
  }

  broker(id: number): BrokerRow {
    return this.#brokers.get(id) as BrokerRow;
  }

  /** Commits a change of the row; all brokers but `late` hear of it. */
  async commit(change: Partial<PartitionRow>, options: { late?: number[] } = {}): Promise<void> {
    const partitionEpoch = (this.row.partitionEpoch + 1) as PartitionRow["partitionEpoch"];
    this.row = { ...this.row, ...change, partitionEpoch };
    for (const [id, manager] of this.managers) {
      if (options.late?.includes(id) !== true) manager.applyRows({ ...nothing, partitions: [this.row] });
    }
    await settle();
  }

  /** A new leader in a new epoch. */
  elect(leader: number, isr: readonly number[], options: { late?: number[] } = {}): Promise<void> {
    const leaderEpoch = (this.row.leaderEpoch + 1) as LeaderEpoch;
    return this.commit({ leader: leader as BrokerId, leaderEpoch, isr: isr as BrokerId[] }, options);
  }

  /** Those that were late hear the newest row now. */
  async tellRow(id: number): Promise<void> {
    this.managers.get(id)?.applyRows({ ...nothing, partitions: [this.row] });
    await settle();
  }

  /** Another configuration of the topic; all brokers but `late` hear of it. */
  async configure(config: LogConfig, options: { late?: number[] } = {}): Promise<void> {
    this.config = config;
    const topics: TopicRow[] = [{ topicId: TOPIC, name, config: {}, partitionCount: 1 }];
    for (const [id, manager] of this.managers) {
      if (options.late?.includes(id) !== true) manager.applyRows({ ...nothing, topics });
    }
    await settle();
  }

  async deleteTopic(): Promise<void> {
    this.#hasTopic = false;
    const row: DeletionRow = { topicId: TOPIC, name, waitingFor: this.row.replicas };
    this.#deletions.set(TOPIC, row);
    for (const manager of this.managers.values()) manager.applyRows({ ...nothing, deletions: [row] });
    await settle();
  }

  /** The topic vanishes from the metadata without a deletion. */
  forgetTopic(): void {
    this.#hasTopic = false;
  }

  manager(id: number): ReplicaManager {
    return this.managers.get(id) as ReplicaManager;
  }

  replica(id: number): Replica {
    return this.manager(id).get(TOPIC, 0) as Replica;
  }

  log(id: number): MemoryLog {
    return (this.stores.get(id) as MemoryStore).logs.get(`${name}-0`) as MemoryLog;
  }

  proposals(): IsrProposal[] {
    return this.said.flatMap(({ message }) => (message.type === "isrProposal" ? [message] : []));
  }

  /** Appends at `id`; answers what `append` answered. */
  append(id: number, text: string, acks: -1 | 0 | 1 = -1) {
    return this.replica(id).append(batchOf(text), { acks, nowMs: 0 });
  }

  /** Produces with acks=all; the error code, or null while it waits. */
  produce(id: number, text: string): { errorCode: number | null } {
    const outcome: { errorCode: number | null } = { errorCode: null };
    const result = this.append(id, text);
    if (result.kind === "refused") outcome.errorCode = result.errorCode;
    else if (result.kind !== "held") {
      this.replica(id).whenCommitted(result.lastOffset, { timeoutMs: 30_000 }, (code) => {
        outcome.errorCode = code;
      });
    }
    return outcome;
  }

  /** Breaks every stream between two brokers and keeps them apart. */
  separate(a: number, b: number): void {
    this.cut.add(`${a}-${b}`).add(`${b}-${a}`);
    for (const { from, to, ends } of this.streams) {
      if ((from === a && to === b) || (from === b && to === a)) for (const end of ends) end.destroy();
    }
  }

  join(a: number, b: number): void {
    this.cut.delete(`${a}-${b}`);
    this.cut.delete(`${b}-${a}`);
  }

  #manager(id: number): ReplicaManager {
    const topic: TopicRow = { topicId: TOPIC, name, config: {}, partitionCount: 1 };
    const cluster: ClusterView = {
      broker: (one) => this.#brokers.get(one),
      topic: (one) => (one === TOPIC && this.#hasTopic ? topic : undefined),
      partition: (one, index) => (one === TOPIC && index === 0 && this.#hasTopic ? this.row : undefined),
      isDeleted: (one) => this.#deletions.has(one),
    };
    return new ReplicaManager(
      { clock: this.clock, network: this.#network(id), logger: silent },
      {
        me: id as BrokerId,
        cluster,
        controller: { send: (message) => this.said.push({ from: id, message }) },
        logs: this.stores.get(id) as TestStore,
        clusterId: () => "test",
        brokerEpoch: () => this.broker(id).epoch,
        logConfig: () => this.config,
        lagTimeMsMax: () => this.lagTimeMsMax,
        copyBytesPerSecond: () => this.copyBytesPerSecond,
        followersServeReads: () => this.followersServeReads,
        retentionCheckMs: 300_000,
        producerIdExpirationMs: 86_400_000,
        onStorageFailure: (error) => {
          // A killed process finds its disk gone.
          if (this.managers.has(id)) this.failures.push(error);
        },
      },
    );
  }

  #network(from: number): Network {
    return {
      exchange: async (address) => {
        const to = [...this.#brokers.values()].find((row) => row.http.port === address.port)?.id;
        const manager = to === undefined ? undefined : this.managers.get(to);
        if (to === undefined || manager === undefined || this.cut.has(`${from}-${to}`)) {
          return { kind: "unreachable", reason: "refused" };
        }
        const [near, far] = streamPair();
        this.streams.push({ from, to, ends: [near, far] });
        manager.acceptFollower(far);
        return { kind: "accepted", stream: near };
      },
      probe: async () => ({ kind: "silent" }),
      post: async () => null,
    };
  }
}
