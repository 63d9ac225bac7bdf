import {
  brokerEpoch,
  brokerId,
  controllerEpoch,
  type Incarnation,
  leaderEpoch,
  partitionEpoch,
  partitionIndex,
  type StorageId,
  topicId,
} from "#base/ids.ts";
import { changeConfig } from "#contract/config-values.ts";
import type { AdminRequest, AdminResponse } from "#contract/control.ts";
import type { PartitionRow, TopicRow } from "#contract/rows.ts";
import type {
  BrokerStatus,
  ClusterControl,
  ClusterControlOptions,
  ClusterControls,
  ClusterName,
  ControllerStatus,
  RecoverOutcome,
} from "../../ports/cluster-control.ts";

export const idOf = (digit: string) => topicId(digit.repeat(32));

export const brokerWith = (id: number, different: Partial<BrokerStatus> = {}): BrokerStatus => ({
  id: brokerId(id),
  incarnation: `run-${id}` as Incarnation,
  epoch: brokerEpoch(1),
  endpoints: [],
  http: { host: "10.0.0.1", port: 8081 },
  rack: null,
  isFenced: false,
  isShuttingDown: false,
  storageId: `disk-${id}` as StorageId,
  sessionAgeMs: 100,
  leads: 0,
  assigned: 0,
  unconfirmed: 0,
  isDraining: false,
  ...different,
});

export const partitionWith = (different: Partial<PartitionRow> = {}): PartitionRow => ({
  topicId: idOf("a"),
  partition: partitionIndex(0),
  replicas: [0, 1, 2].map(brokerId),
  adding: [],
  removing: [],
  removed: [],
  leader: brokerId(0),
  leaderEpoch: leaderEpoch(1),
  partitionEpoch: partitionEpoch(1),
  isr: [0, 1, 2].map(brokerId),
  elr: [],
  lost: [],
  minIsr: 2,
  synced: false,
  ...different,
});

export const topicWith = (different: Partial<TopicRow> = {}): TopicRow => ({
  topicId: idOf("a"),
  name: "orders",
  config: {},
  partitionCount: 1,
  ...different,
});

export const statusWith = (different: Partial<ControllerStatus> = {}): ControllerStatus => ({
  clusterId: "c1",
  condition: "active",
  reason: null,
  problem: null,
  version: { controllerEpoch: controllerEpoch(1), sequence: 1 },
  uncleanElections: 0,
  brokers: [0, 1, 2].map((id) => brokerWith(id)),
  topics: [],
  partitions: [],
  deletions: [],
  reassignments: [],
  brokerConfigs: [],
  ...different,
});

/** A cluster's controller that does as it is told, and remembers what that was. */
export class FakeControl implements ClusterControl {
  readonly cluster: ClusterName;
  readonly requests: AdminRequest[] = [];
  readonly suspected: number[] = [];
  readonly recovered: number[] = [];
  options: ClusterControlOptions;
  /** Answers instead of its own, by kind of request. */
  readonly answers = new Map<string, AdminResponse>();
  #status: ControllerStatus = statusWith({ condition: "starting", brokers: [] });
  #listeners = new Set<() => void>();
  #nextId = 10;

  constructor(cluster: ClusterName, options: ClusterControlOptions) {
    this.cluster = cluster;
    this.options = options;
  }

  set(different: Partial<ControllerStatus>): void {
    this.#status = { ...this.#status, ...different };
    for (const listener of this.#listeners) listener();
  }

  status(): ControllerStatus {
    return this.#status;
  }

  admin(request: AdminRequest): Promise<AdminResponse> {
    this.requests.push(request);
    const answer = this.answers.get(request.kind);
    return Promise.resolve(answer ?? this.#decide(request));
  }

  moveLeadersAway(): Promise<number> {
    return Promise.resolve(0);
  }

  suspect(broker: number): void {
    this.suspected.push(broker);
  }

  recover(epoch: number): Promise<RecoverOutcome> {
    this.recovered.push(epoch);
    return Promise.resolve({ kind: "recovered" });
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #decide(request: AdminRequest): AdminResponse {
    const fine = { errorCode: 0, errorMessage: null };
    const { topics } = this.#status;
    switch (request.kind) {
      case "createTopics":
        return { kind: "createTopics", topics: request.topics.map((topic) => ({ ...this.#create(topic), ...fine })) };
      case "deleteTopics": {
        const ids = request.topics.map((one) => one.topicId);
        this.set({
          topics: topics.filter((row) => !ids.includes(row.topicId)),
          partitions: this.#status.partitions.filter((row) => !ids.includes(row.topicId)),
        });
        return {
          kind: "deleteTopics",
          topics: request.topics.map((one) => ({ name: one.name, topicId: one.topicId!, ...fine })),
        };
      }
      case "ownTopics": {
        const owners = new Map(request.topics.map((one) => [one.topicId, one.owner]));
        const owned = topics.map((row): TopicRow => {
          const { owner: _, ...rest } = row;
          const owner = owners.get(row.topicId);
          if (owner === undefined) return row;
          return owner === null ? rest : { ...rest, owner };
        });
        this.set({ topics: owned });
        return { kind: "ownTopics", topics: request.topics.map((one) => ({ topicId: one.topicId, ...fine })) };
      }
      case "alterConfigs":
        for (const resource of request.resources) this.#configure(resource);
        return {
          kind: "alterConfigs",
          resources: request.resources.map(({ kind, name }) => ({ kind, name, ...fine })),
        };
      case "createPartitions":
        this.set({
          topics: topics.map((row) => {
            const grown = request.topics.find(({ name }) => name === row.name);
            return grown === undefined ? row : { ...row, partitionCount: grown.totalCount };
          }),
        });
        return { kind: "createPartitions", topics: request.topics.map(({ name }) => ({ name, ...fine })) };
      case "electLeaders":
        return { kind: "electLeaders", partitions: [] };
      case "allocateProducerIds":
        return { kind: "allocateProducerIds", first: 0, count: 1 };
      case "alterReassignments":
        return { kind: "alterReassignments", partitions: [] };
      case "listReassignments":
        return { kind: "listReassignments", reassignments: this.#status.reassignments };
      case "drainBroker":
        return { kind: "drainBroker", assigned: 0, unconfirmed: 0, ...fine };
      case "rebalance":
      case "setReplicationFactor":
        return { kind: request.kind, remaining: 0, ...fine };
      case "removeBroker":
        return { kind: "removeBroker", ...fine };
      case "setRacks": {
        const racks = new Map(request.racks.map(({ broker, rack }) => [broker, rack]));
        const moved = (broker: BrokerStatus): BrokerStatus => {
          const rack = racks.get(broker.id);
          return rack === undefined ? broker : { ...broker, rack };
        };
        this.set({ brokers: this.#status.brokers.map(moved) });
        return { kind: "setRacks", ...fine };
      }
    }
  }

  #create({
    name,
    partitionCount,
    replicationFactor,
    config,
    owner,
  }: Extract<AdminRequest, { kind: "createTopics" }>["topics"][number]) {
    const id = topicId(String(this.#nextId++).padStart(32, "0"));
    const count = Math.max(1, partitionCount);
    const row: TopicRow = {
      topicId: id,
      name,
      config,
      partitionCount: count,
      ...(owner === undefined ? {} : { owner }),
    };
    const partitions = Array.from({ length: count }, (_, partition) =>
      partitionWith({ topicId: id, partition: partitionIndex(partition) }),
    );
    this.set({ topics: [...this.#status.topics, row], partitions: [...this.#status.partitions, ...partitions] });
    return { name, topicId: id, partitionCount: count, replicationFactor, config };
  }

  #configure({ kind, name, changes }: Extract<AdminRequest, { kind: "alterConfigs" }>["resources"][number]): void {
    const change = (config: Readonly<Record<string, string>>) => {
      const outcome = changeConfig(config, changes, { kind, name });
      return outcome.kind === "changed" ? outcome.config : config;
    };
    if (kind === "topic") {
      this.set({
        topics: this.#status.topics.map((row) => (row.name === name ? { ...row, config: change(row.config) } : row)),
      });
      return;
    }
    const present = this.#status.brokerConfigs.find(({ broker }) => broker === name)?.config ?? {};
    const others = this.#status.brokerConfigs.filter(({ broker }) => broker !== name);
    this.set({ brokerConfigs: [...others, { broker: name, config: change(present) }] });
  }
}

export class FakeControls implements ClusterControls {
  readonly controls = new Map<string, FakeControl>();

  ensure(cluster: ClusterName, options: ClusterControlOptions): FakeControl {
    const key = `${cluster.namespace}/${cluster.name}`;
    const known = this.controls.get(key);
    if (known !== undefined) {
      known.options = options;
      return known;
    }
    const control = new FakeControl(cluster, options);
    this.controls.set(key, control);
    return control;
  }

  get({ namespace, name }: ClusterName): FakeControl | null {
    return this.controls.get(`${namespace}/${name}`) ?? null;
  }

  release({ namespace, name }: ClusterName): Promise<void> {
    this.controls.delete(`${namespace}/${name}`);
    return Promise.resolve();
  }
}
