import type { Address } from "../../../broker/ports/network.ts";
import { metadata } from "../../../broker/wire/apis/03-metadata.ts";
import type { SimulatedNetwork } from "../world/network.ts";
import type { SimulatedProcess } from "../world/process.ts";
import type { SeededRandom } from "../world/random.ts";
import { KafkaConnection } from "./connection.ts";

export interface PartitionView {
  readonly topicId: string;
  readonly leader: number;
  readonly leaderEpoch: number;
}

export interface ClientOptions {
  readonly process: SimulatedProcess;
  readonly network: SimulatedNetwork;
  readonly random: SeededRandom;
  readonly bootstrap: readonly Address[];
  readonly requestTimeoutMs: number;
  /** A hint names no topic id: one about an earlier topic of the name would mislead for ever. */
  readonly takesHints: boolean;
  readonly onMisbehaviour: (what: string) => void;
}

const METADATA_VERSION = 12;
const REFRESH_INTERVAL_MS_MIN = 40;

/** What any client does: connections by broker, and metadata that is asked for anew when it misled. */
export class ClusterClient {
  readonly process: SimulatedProcess;
  readonly random: SeededRandom;
  /** Called after the metadata changed, or a connection became ready. */
  onReady: () => void = () => {};
  readonly #options: ClientOptions;
  readonly #addresses = new Map<number, Address>();
  readonly #connections = new Map<number, KafkaConnection | "dialling">();
  readonly #views = new Map<string, PartitionView>();
  readonly #topics: readonly string[];
  #isRefreshing = false;

  constructor(options: ClientOptions, topics: readonly string[]) {
    this.#options = options;
    this.process = options.process;
    this.random = options.random;
    this.#topics = topics;
  }

  view(topic: string, partition: number): PartitionView | undefined {
    return this.#views.get(`${topic}/${partition}`);
  }

  /** A newer leader that an answer named (KIP-951). */
  hint(topic: string, partition: number, leader: { leaderId: number; leaderEpoch: number }): void {
    if (!this.#options.takesHints) return;
    const known = this.view(topic, partition);
    if (known === undefined || leader.leaderEpoch <= known.leaderEpoch || leader.leaderId < 0) return;
    const { leaderId, leaderEpoch } = leader;
    this.#views.set(`${topic}/${partition}`, { ...known, leader: leaderId, leaderEpoch });
  }

  /** An open connection to a broker, or null while there is none: then one is dialled, and `onReady` follows. */
  connection(broker: number): KafkaConnection | null {
    const known = this.#connections.get(broker);
    if (known === "dialling") return null;
    if (known?.isOpen === true) return known;
    const address = this.#addresses.get(broker);
    if (address !== undefined) void this.#dial(broker, address);
    return null;
  }

  async #dial(broker: number, address: Address): Promise<void> {
    this.#connections.set(broker, "dialling");
    const { process, network, requestTimeoutMs, onMisbehaviour } = this.#options;
    const stream = await network.connect(process, address, { timeoutMs: 1000 });
    if (stream === null) {
      this.#connections.delete(broker);
      this.refreshSoon();
      return;
    }
    this.#connections.set(
      broker,
      new KafkaConnection(process, stream, { timeoutMs: requestTimeoutMs, onMisbehaviour }),
    );
    this.onReady();
  }

  /** Any broker that a connection can be had to; for requests that any broker answers. */
  async anyConnection(): Promise<KafkaConnection | null> {
    const open = [...this.#connections.values()].filter((one) => one !== "dialling" && one.isOpen);
    if (open.length > 0 && this.random.chance(0.7)) return this.random.pick(open) as KafkaConnection;
    return this.connectTo(this.random.pick(this.#options.bootstrap));
  }

  /** A connection of the caller's own, or null. */
  async connectTo(address: Address): Promise<KafkaConnection | null> {
    const { process, network, requestTimeoutMs, onMisbehaviour } = this.#options;
    const stream = await network.connect(process, address, { timeoutMs: 1000 });
    if (stream === null) return null;
    return new KafkaConnection(process, stream, { timeoutMs: requestTimeoutMs, onMisbehaviour });
  }

  /** Asks for metadata soon; many wishes make one request. */
  refreshSoon(): void {
    if (this.#isRefreshing) return;
    this.#isRefreshing = true;
    this.process.clock.after(REFRESH_INTERVAL_MS_MIN + this.random.below(60), () => void this.#refresh());
  }

  async #refresh(): Promise<void> {
    const connection = await this.anyConnection();
    if (connection === null) {
      this.#isRefreshing = false;
      return this.refreshSoon();
    }
    const topics = this.#topics.map((name) => ({ name }));
    const body = {
      topics,
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    };
    connection.send(metadata, { version: METADATA_VERSION, body }, (response) => {
      this.#isRefreshing = false;
      const isTemporary = ![...this.#connections.values()].includes(connection);
      if (isTemporary) connection.close();
      if (response === null) return this.refreshSoon();
      for (const { nodeId, host, port } of response.brokers) this.#addresses.set(nodeId, { host, port });
      for (const topic of response.topics) {
        for (const { partitionIndex, leaderId, leaderEpoch } of topic.partitions) {
          const view = { topicId: topic.topicId, leader: leaderId, leaderEpoch };
          this.#learn(`${topic.name}/${partitionIndex}`, view);
        }
      }
      this.onReady();
    });
  }

  #learn(key: string, view: PartitionView): void {
    const known = this.#views.get(key);
    if (known?.topicId === view.topicId && known.leaderEpoch > view.leaderEpoch) return;
    this.#views.set(key, view);
  }
}
