import { type Admin, Kafka, logLevel } from "kafkajs";
import { faultOf, readBack } from "./checker.ts";
import { run, until } from "./cluster/shell.ts";
import type { Faults } from "./faults.ts";
import { GROUP, isPodReady, type Kube, OPERATOR_NAME, type Place, VERSION } from "./kube.ts";
import { hasJava, javaLanes } from "./java-lanes.ts";
import { Load, type LoadFigures, type LoadTarget } from "./load.ts";

export const PARTITIONS = 6;

/** What a scenario module exports. */
export interface Scenario {
  readonly name: string;
  /** Acts and asserts; answers its figures, in words. */
  run(context: Context): Promise<string>;
}

export interface PartitionState {
  readonly partition: number;
  /** −1 without one. */
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

export interface Outcome extends LoadFigures {
  /** What `act` answered. */
  readonly told: string;
  /** Whose gaps they are. */
  readonly client: string;
}

export interface Written {
  readonly target: LoadTarget;
  readonly ackedOf: readonly number[];
}

export interface ContextOptions {
  readonly kube: Kube;
  readonly faults: Faults;
  readonly cluster: Place;
  readonly operatorNamespace: string;
  /** Name of the chart's release. */
  readonly release: string;
  /** The program. */
  readonly helm: string;
  /** Addresses of pods by name, kept up to date, for clients in other processes. */
  readonly hostsFile: string;
}

/** What scenarios have in common: one installed operator, one Cluster of three brokers, a load with its checker. */
export class Context {
  readonly kube: Kube;
  readonly faults: Faults;
  readonly cluster: Place;
  readonly operatorNamespace: string;
  readonly release: string;
  readonly #helm: string;
  readonly #hostsFile: string;
  readonly #written: Written[] = [];
  /** In names of topics: two runs on one Cluster must not meet in one. */
  readonly #run = Date.now().toString(36);
  #topics = 0;

  constructor(options: ContextOptions) {
    this.kube = options.kube;
    this.faults = options.faults;
    this.cluster = options.cluster;
    this.operatorNamespace = options.operatorNamespace;
    this.release = options.release;
    this.#helm = options.helm;
    this.#hostsFile = options.hostsFile;
  }

  /** `host:port` of the Service through which a Cluster's clients begin. */
  async bootstrap(cluster: Place = this.cluster): Promise<string> {
    const where = { namespace: cluster.namespace, name: `${cluster.name}-bootstrap` };
    const { spec } = await this.kube.core.readNamespacedService(where);
    return `${spec?.clusterIP}:${spec?.ports?.[0]?.port}`;
  }

  /** With six partitions, three replicas each, two of which must be in sync; `spec` may say otherwise. */
  async makeTopic(name: string, cluster: Place = this.cluster, spec: object = {}): Promise<void> {
    const usual = { partitions: PARTITIONS, replicationFactor: 3, config: { "min.insync.replicas": "2" } };
    await this.kube.apply({
      apiVersion: `${GROUP}/${VERSION}`,
      kind: "Topic",
      metadata: { name, namespace: cluster.namespace },
      spec: { clusterRef: { name: cluster.name }, ...usual, ...spec },
    });
    await this.kube.condition("Topic", { namespace: cluster.namespace, name }, { type: "Ready" });
  }

  /** Asks as a client does that has only this address. */
  async #asked<T>(bootstrap: string, ask: (admin: Admin) => Promise<T>): Promise<T> {
    const brokers = bootstrap.split(",");
    const retry = { initialRetryTime: 100, retries: 3 };
    const kafka = new Kafka({
      brokers,
      logLevel: logLevel.NOTHING,
      requestTimeout: 3000,
      connectionTimeout: 1000,
      retry,
    });
    const admin = kafka.admin();
    await admin.connect();
    try {
      return await ask(admin);
    } finally {
      await admin.disconnect();
    }
  }

  /** Leaders and in-sync replicas as a client is told them. */
  async partitions(topic: string, cluster: Place = this.cluster): Promise<readonly PartitionState[]> {
    const ask = (admin: Admin) => admin.fetchTopicMetadata({ topics: [topic] });
    const { topics } = await this.#asked(await this.bootstrap(cluster), ask);
    const found = topics.find(({ name }) => name === topic)?.partitions ?? [];
    return found
      .map(({ partitionId, leader, replicas, isr }) => ({ partition: partitionId, leader, replicas, isr }))
      .sort((a, b) => a.partition - b.partition);
  }

  /** Names of all topics, as a client is told them. */
  async topics(): Promise<readonly string[]> {
    return this.#asked(await this.bootstrap(), (admin) => admin.listTopics());
  }

  /** `host:port` of every broker, as clients of this bootstrap address are told. */
  async brokerAddresses(bootstrap: string): Promise<string[]> {
    const { brokers } = await this.#asked(bootstrap, (admin) => admin.describeCluster());
    return brokers.map(({ host, port }) => `${host}:${port}`);
  }

  /** Brokers that hold a replica of any topic. */
  async holders(): Promise<ReadonlySet<number>> {
    const ask = (admin: Admin) => admin.fetchTopicMetadata();
    const { topics } = await this.#asked(await this.bootstrap(), ask);
    return new Set(topics.flatMap(({ partitions }) => partitions.flatMap(({ replicas }) => replicas)));
  }

  async leaderOf(topic: string, partition = 0): Promise<number> {
    const leader = (await this.partitions(topic))[partition]?.leader ?? -1;
    if (leader < 0) throw new Error(`${topic}-${partition} has no leader`);
    return leader;
  }

  /** Every replica in sync again, and the Cluster says so. */
  async whole(topic: string, limitMs = 180_000): Promise<void> {
    const isWhole = async (): Promise<boolean> => {
      const now = await this.partitions(topic);
      const lagging = now.filter(({ leader, isr, replicas }) => leader < 0 || isr.length < replicas.length);
      if (lagging.length === 0 && now.length > 0) return true;
      throw new Error(`partitions ${lagging.map(({ partition }) => partition).join(", ")} are not`);
    };
    await until(`every replica of ${topic} is in sync`, isWhole, { limitMs, stepMs: 250 });
    await this.kube.condition("Cluster", this.cluster, { type: "FullyReplicated", limitMs: 60_000 });
    await this.kube.condition("Cluster", this.cluster, { type: "Ready", limitMs: 60_000 });
  }

  /**
   * Acts on the cluster while producers write to every partition of a topic of its own; afterwards they must have gone
   * on, every replica must be in sync, and what was acknowledged must be there, once and in order. `client`: "java" is
   * Kafka's own, where there is Java.
   */
  async underLoad(
    act: (topic: string, load: Load) => Promise<string>,
    { client = "node" }: { client?: "node" | "java" } = {},
  ): Promise<Outcome> {
    const topic = `load-${this.#run}-${++this.#topics}`;
    await this.makeTopic(topic);
    const target = { bootstrap: await this.bootstrap(), topic, partitions: PARTITIONS };
    await this.whole(topic);
    const isJava = client === "java" && (await hasJava());
    const load = await (isJava ? Load.start(target, (to) => javaLanes(to, this.#hostsFile)) : Load.start(target));
    let told: string;
    let figures: LoadFigures;
    try {
      told = await act(topic, load);
      await load.goesOn();
      await this.whole(topic);
      await load.goesOn();
    } finally {
      figures = await load.stop();
    }
    this.#written.push({ target, ackedOf: load.ackedOf() });
    await this.check(target, load.ackedOf());
    return { ...figures, told, client: isJava ? "Java, default settings" : "kafkajs" };
  }

  /** Some records to every partition of a new topic of any Cluster, and what was acknowledged. */
  async write(
    cluster: Place,
    topic: string,
    { bootstrap, spec = {} }: { bootstrap?: string; spec?: { readonly partitions?: number } & object } = {},
  ): Promise<Written> {
    await this.makeTopic(topic, cluster, spec);
    const { partitions = PARTITIONS } = spec;
    const target = { bootstrap: bootstrap ?? (await this.bootstrap(cluster)), topic, partitions };
    const load = await Load.start(target);
    await load.stop();
    return { target, ackedOf: load.ackedOf() };
  }

  /** A merge patch, as `kubectl patch` sends it; an error of the API server's is thrown. */
  patch(resource: string, namespace: string, patch: object): Promise<string> {
    const body = `--patch=${JSON.stringify(patch)}`;
    return this.kube.kubectl(["--namespace", namespace, "patch", resource, "--type=merge", body]);
  }

  /** Starts or ends operator pods. */
  async scaleOperator(replicas: number): Promise<void> {
    const where = ["--namespace", this.operatorNamespace, "scale", `deployment/${OPERATOR_NAME}`];
    await this.kube.kubectl([...where, `--replicas=${replicas}`]);
    const areThere = async (): Promise<boolean> => {
      const pods = await this.kube.operatorPods(this.operatorNamespace);
      return pods.length === replicas && pods.every(isPodReady);
    };
    await until(`the operator has ${replicas} pods`, areThere, { limitMs: 60_000 });
  }

  helm(args: readonly string[]): Promise<string> {
    const where = ["--kubeconfig", this.kube.kubeconfigFile, "--namespace", this.operatorNamespace];
    return run(this.#helm, [...args, ...where], { timeoutMs: 300_000 });
  }

  /** Answers how many records were read. */
  async check(target: LoadTarget, ackedOf: readonly number[]): Promise<number> {
    const verdict = await readBack(target, ackedOf);
    const fault = faultOf(verdict);
    if (fault !== "") throw new Error(`${target.topic}: of ${verdict.read} records read back: ${fault}`);
    return verdict.read;
  }

  /** Everything that any scenario wrote, once more, at the end. */
  async checkEverything(): Promise<string> {
    let read = 0;
    for (const { target, ackedOf } of this.#written) {
      read += await this.check({ ...target, bootstrap: await this.bootstrap() }, ackedOf);
    }
    return `${read} records of ${this.#written.length} topics are there, once and in order`;
  }
}

/** Figures of a load, for the line of its scenario. */
export const figuresOf = ({ acked, gapMsMax }: LoadFigures): string =>
  `longest gap ${Math.round(gapMsMax)} ms, ${acked} acknowledged, none lost`;
