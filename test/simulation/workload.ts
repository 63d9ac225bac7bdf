import type { AdminRequest } from "../../broker/contract/control.ts";
import type { Api } from "../../broker/wire/api.ts";
import { createTopics } from "../../broker/wire/apis/19-create-topics.ts";
import { createPartitions } from "../../broker/wire/apis/37-create-partitions.ts";
import { deleteTopics } from "../../broker/wire/apis/20-delete-topics.ts";
import { deleteRecords } from "../../broker/wire/apis/21-delete-records.ts";
import { electLeaders } from "../../broker/wire/apis/43-elect-leaders.ts";
import { incrementalAlterConfigs } from "../../broker/wire/apis/44-incremental-alter-configs.ts";
import { alterPartitionReassignments } from "../../broker/wire/apis/45-alter-partition-reassignments.ts";
import type { Draft, Infer, Shape } from "../../broker/wire/schema.ts";
import { ClusterClient } from "./clients/cluster-client.ts";
import { SimulatedConsumer } from "./clients/consumer.ts";
import { type KeyPlan, SimulatedProducer } from "./clients/producer.ts";
import type { SimulatedCluster } from "./world/cluster.ts";
import { Machine, SimulatedProcess } from "./world/process.ts";
import type { SeededRandom } from "./world/random.ts";

export interface TopicPlan {
  readonly name: string;
  /** In the end. Clients use all of them from the start, and wait for those that are not there yet. */
  readonly partitionCount: number;
  /** As it is made. */
  readonly firstPartitionCount: number;
  readonly replicationFactor: number;
  readonly config: Readonly<Record<string, string>>;
  /** What its records' keys are like; null = none has one. */
  readonly keys: KeyPlan | null;
}

export interface WorkloadPlan {
  /** Topics that stay. */
  readonly topics: readonly TopicPlan[];
  /** A topic that is deleted and made again. */
  readonly volatileTopic: TopicPlan;
  /** Mean time between two batches of one partition, by one producer. */
  readonly intervalMs: number;
  /** Records of the topics that stay are deleted now and then. */
  readonly hasDeletions: boolean;
}

const TOPIC_RETRY_MS = 200;

/** All clients of a run: one that administers, producers and consumers of every topic. */
export class SimulatedClient {
  readonly producers: SimulatedProducer[] = [];
  readonly consumers: SimulatedConsumer[] = [];
  /** Where they run. */
  readonly hosts: number[] = [];
  readonly #cluster: SimulatedCluster;
  readonly #plan: WorkloadPlan;
  readonly #random: SeededRandom;
  readonly #machine = new Machine({ name: "clients", bootId: "", skewMs: 0 });
  readonly #admin: ClusterClient;
  #isBusyWithVolatile = false;

  constructor(cluster: SimulatedCluster, plan: WorkloadPlan, random: SeededRandom) {
    this.#cluster = cluster;
    this.#plan = plan;
    this.#random = random;
    this.#admin = this.#client("admin", []);
    cluster.oracle.facts.volatileTopics.add(plan.volatileTopic.name);
  }

  /** A client of the cluster, a process on a host of its own. */
  newClient(name: string, topics: readonly string[]): ClusterClient {
    const client = this.#client(name, topics);
    this.hosts.push(client.process.host);
    return client;
  }

  #client(name: string, topics: readonly string[]): ClusterClient {
    const { network, scheduler, bootstrap, oracle, bugs } = this.#cluster;
    const host = network.addHost(name);
    const process = new SimulatedProcess(scheduler, { name, host, machine: this.#machine });
    process.onEnd = () => network.processEnded(process);
    process.onThrow = (error) => bugs.push({ process: name, error, atMs: scheduler.nowUs / 1000 });
    return new ClusterClient(
      {
        process,
        network,
        random: this.#random.split(name),
        bootstrap,
        takesHints: !topics.includes(this.#plan.volatileTopic.name),
        requestTimeoutMs: this.#random.pick([1500, 3000, 8000]),
        onMisbehaviour: (what) => oracle.misbehaved(`${name}: ${what}`),
      },
      topics,
    );
  }

  /** Creates the topics, and then starts who uses them. */
  start(): void {
    const { topics, volatileTopic } = this.#plan;
    for (const topic of [...topics, volatileTopic]) this.#create(topic, () => {});
    for (const topic of topics) {
      this.#addProducer(topic, { acks: -1, isIdempotent: true });
      this.#addProducer(topic, { acks: -1, isIdempotent: true });
      if (this.#random.chance(0.3)) this.#addProducer(topic, { acks: 1, isIdempotent: false });
    }
    this.#addProducer(volatileTopic, { acks: 1, isIdempotent: false });
    for (const topic of topics) this.addConsumers(topic, "consumer");
  }

  #addProducer(topic: TopicPlan, how: { acks: -1 | 1; isIdempotent: boolean }): void {
    const name = `producer-${this.producers.length}`;
    const producer = new SimulatedProducer(name, this.newClient(name, [topic.name]), {
      ...how,
      topic: topic.name,
      partitionCount: topic.partitionCount,
      keys: topic.keys,
      intervalMs: this.#plan.intervalMs * (how.acks === 1 ? 4 : 1),
      observer: this.#cluster.oracle,
    });
    this.producers.push(producer);
    producer.start();
  }

  /** One reader a partition, from the start of it. */
  addConsumers(topic: Pick<TopicPlan, "name" | "partitionCount">, kind: string): SimulatedConsumer[] {
    return Array.from({ length: topic.partitionCount }, (_, partition) => {
      const name = `${kind}-${topic.name}-${partition}`;
      const client = this.newClient(name, [topic.name]);
      const maxWaitMs = this.#random.pick([200, 500]);
      const consumer = new SimulatedConsumer(name, client, {
        topic: topic.name,
        partition,
        maxWaitMs,
        keepsSession: maxWaitMs === 500,
        // Auditors read from leaders: they are to see everything that is committed at the end.
        rack: kind === "consumer" && partition % 2 === 0 ? this.#cluster.machines[1]!.name : "",
        observer: this.#cluster.oracle,
      });
      this.consumers.push(consumer);
      consumer.start();
      return consumer;
    });
  }

  stopProducing(): void {
    for (const producer of this.producers) producer.stop();
  }

  get unacked(): number {
    return this.producers.reduce((sum, producer) => sum + producer.unacked, 0);
  }

  /** Sends one request to any broker; null when it was not answered. */
  async #call<Q extends Shape, S extends Shape>(
    api: Api<Q, S>,
    version: number,
    body: unknown,
  ): Promise<Infer<S> | null> {
    const connection = await this.#admin.anyConnection();
    if (connection === null) return null;
    return new Promise((resolve) => {
      connection.send(api, { version, body: body as Draft<Q> }, (response) => {
        this.#cluster.say(`admin ${api.name}: ${JSON.stringify(response)}`);
        connection.close();
        resolve(response);
      });
    });
  }

  /** Until it is there. */
  #create(topic: TopicPlan, done: () => void): void {
    const ask = async (): Promise<void> => {
      const { name, firstPartitionCount: numPartitions, replicationFactor, config } = topic;
      const configs = Object.entries(config).map(([key, value]) => ({ name: key, value }));
      const topics = [{ name, numPartitions, replicationFactor, assignments: [], configs }];
      const response = await this.#call(createTopics, 7, { topics, timeoutMs: 1000, validateOnly: false });
      const code = response?.topics[0]?.errorCode;
      if (code === 0 || code === 36) return done();
      this.#later(TOPIC_RETRY_MS, () => void ask());
    };
    this.#later(1, () => void ask());
  }

  #later(delayMs: number, run: () => void | Promise<void>): void {
    this.#admin.process.clock.after(delayMs, () => void run());
  }

  setMinIsr(minIsr: number): void {
    const resources = this.#plan.topics.map(({ name }) => ({
      resourceType: 2,
      resourceName: name,
      configs: [{ name: "min.insync.replicas", configOperation: 0, value: String(minIsr) }],
    }));
    this.#later(1, () => void this.#call(incrementalAlterConfigs, 1, { resources, validateOnly: false }));
  }

  /** Every topic gets its last partitions; one that has them refuses, and stays as it is. */
  growTopics(): void {
    const grown = this.#plan.topics.filter((topic) => topic.firstPartitionCount < topic.partitionCount);
    if (grown.length === 0) return;
    const topics = grown.map(({ name, partitionCount: count }) => ({ name, count, assignments: null }));
    this.#later(1, () => void this.#call(createPartitions, 3, { topics, timeoutMs: 1000, validateOnly: false }));
  }

  allowUnclean(value: "true" | "false"): void {
    const configs = [{ name: "unclean.leader.election.enable", configOperation: 0, value }];
    const resources = this.#plan.topics.map(({ name }) => ({ resourceType: 2, resourceName: name, configs }));
    this.#later(1, () => void this.#call(incrementalAlterConfigs, 1, { resources, validateOnly: false }));
  }

  /** At its leader, as far as that is known. */
  deleteRecords(topicId: string, partition: number, offset: number): void {
    const { facts } = this.#cluster.oracle;
    const [topic, row] = [facts.topics.get(topicId), facts.partition(topicId, partition).row];
    const address = this.#cluster.bootstrap[row?.leader ?? -1];
    if (topic === undefined || address === undefined) return;
    const topics = [{ name: topic.name, partitions: [{ partitionIndex: partition, offset }] }];
    facts.partition(topicId, partition).deletedTo = Math.max(offset, facts.partition(topicId, partition).deletedTo);
    this.#later(1, async () => {
      const connection = await this.#admin.connectTo(address);
      const response = await connection?.ask(deleteRecords, 2, { topics, timeoutMs: 1000 } as never);
      connection?.close();
      if (response?.topics[0]?.partitions[0]?.errorCode === 0) facts.counters.deletions++;
    });
  }

  /** Another target for a partition; null cancels. */
  reassign(topicId: string, partition: number, replicas: readonly number[] | null): void {
    const name = this.#cluster.oracle.facts.topics.get(topicId)?.name;
    if (name === undefined) return;
    const topics = [{ name, partitions: [{ partitionIndex: partition, replicas }] }];
    this.#later(1, () => void this.#call(alterPartitionReassignments, 1, { topics, timeoutMs: 1000 }));
  }

  /** What Kafka's protocol has no words for, asked of the controller itself. */
  admin(request: AdminRequest): void {
    const { life } = this.#cluster.activeController;
    if (life === null) return;
    this.#cluster.scheduler.after(1000, life.process, () => {
      void life.controller.admin(request).then((response) => {
        this.#cluster.say(`admin ${JSON.stringify(request)}: ${JSON.stringify(response)}`);
      });
    });
  }

  electPreferred(): void {
    this.#later(1, () => void this.#call(electLeaders, 2, { electionType: 0, topicPartitions: null, timeoutMs: 1000 }));
  }

  /** A deletion that was not answered in time may still have happened after the topic was made again. */
  ensureVolatileTopic(): void {
    for (const delayMs of [0, 3000, 10_000, 20_000]) {
      this.#later(delayMs, () => this.#create(this.#plan.volatileTopic, () => {}));
    }
  }

  recreateVolatileTopic(): void {
    if (this.#isBusyWithVolatile) return;
    this.#isBusyWithVolatile = true;
    const { volatileTopic } = this.#plan;
    const topicId = "00000000000000000000000000000000";
    const remove = async (): Promise<void> => {
      const topics = [{ name: volatileTopic.name, topicId }];
      const response = await this.#call(deleteTopics, 6, { topics, timeoutMs: 1000 });
      const code = response?.responses[0]?.errorCode;
      if (code !== 0 && code !== 3) return this.#later(TOPIC_RETRY_MS, () => void remove());
      this.#create(volatileTopic, () => {
        this.#isBusyWithVolatile = false;
      });
    };
    this.#later(1, () => void remove());
  }
}
