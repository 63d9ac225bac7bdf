import { brokerId } from "#base/ids.ts";
import { encodeLine, LineDecoder } from "#base/json-lines.ts";
import { silent } from "#base/logging.ts";
import type { Random } from "#base/random.ts";
import { FakeClock, settle } from "#base/testing/fake-clock.ts";
import {
  type AdminRequest,
  type AdminResponse,
  CONTROL_PATH,
  type HandOver,
  type IsrProposal,
  type KeptMetadata,
  type Registered,
  type Registration,
  type ToBroker,
  type ToController,
} from "#contract/control.ts";
import type { MetadataVersion, PartitionRow } from "#contract/rows.ts";
import type { Address, ByteStream, Network, ProbeResult } from "#ports/network.ts";
import { streamPair } from "#ports/testing/stream-pair.ts";
import { MemoryMetadata, MemoryStore, type StoreFaults } from "../../adapters/memory/memory-store.ts";
import { registrationOf } from "../../machine/testing/registration.ts";
import { Controller, type ControllerEnd, type ControllerOptions } from "../controller.ts";

/** Ids that differ and repeat in each run. */
function countingRandom(): Random {
  let count = 0;
  return { next: () => 0, id: () => (++count).toString(16).padStart(32, "0") };
}

/** A broker's end of the control stream, and its process as probes find it. */
export class FakeBroker {
  readonly registration: Registration;
  readonly received: ToBroker[] = [];
  /** Whether this process is there, and answers. */
  process: "answers" | "dead" | "silent" = "answers";
  /** Answers hand-overs at once. */
  isObliging = true;
  /** What it was told before, sent when it is asked for. */
  kept: KeptMetadata | null = null;
  announced = 0;
  #isRegistered = false;
  #stream: ByteStream | null = null;

  constructor(id: number, different: Partial<Registration> = {}) {
    this.registration = registrationOf(id, different);
  }

  get isConnected(): boolean {
    return this.#stream !== null;
  }

  get registered(): Registered | null {
    return (this.received.findLast((message) => message.type === "registered") as Registered | undefined) ?? null;
  }

  dial(controller: Pick<Controller, "exchangeServer">): void {
    const refuse = (status: number, text: string): void => {
      throw new Error(`refused ${status}: ${text}`);
    };
    controller.exchangeServer.onExchange(CONTROL_PATH, () => this.#accept(), refuse);
  }

  #accept(): ByteStream {
    const [near, far] = streamPair();
    const decoder = new LineDecoder(1e9);
    near.onData = (chunk) => {
      for (const message of decoder.push(chunk) as ToBroker[]) this.#onMessage(message);
    };
    near.onClose = () => {
      if (this.#stream === near) this.#stream = null;
    };
    this.#stream = near;
    this.#isRegistered = false;
    near.write(encodeLine(this.registration));
    return far;
  }

  say(message: ToController | Record<string, unknown>): void {
    this.#stream?.write(encodeLine(message));
  }

  heartbeat(): void {
    if (!this.#isRegistered) return;
    this.say({ type: "heartbeat", brokerEpoch: this.registered?.brokerEpoch ?? -1, applied: null });
  }

  /** The process ends: its sockets close and its port refuses. */
  die(): void {
    this.process = "dead";
    this.cut();
  }

  /** The stream breaks; the process lives. */
  cut(): void {
    this.#stream?.destroy();
    this.#stream = null;
  }

  propose(row: PartitionRow, isr: readonly { broker: number; brokerEpoch: number }[]): void {
    this.say({
      type: "isrProposal",
      topicId: row.topicId,
      partition: row.partition,
      leaderEpoch: row.leaderEpoch,
      partitionEpoch: row.partitionEpoch,
      isr: isr as unknown as IsrProposal["isr"],
      attempt: 1,
    });
  }

  /** Versions in the order in which they came. */
  versions(): MetadataVersion[] {
    return this.received.flatMap((message) =>
      message.type === "registered" || message.type === "delta" ? [message.version] : [],
    );
  }

  #onMessage(message: ToBroker): void {
    this.received.push(message);
    if (message.type === "registered") this.#isRegistered = true;
    if (message.type === "queryMetadata" && this.kept !== null) this.say({ type: "metadataReport", ...this.kept });
    if (message.type === "handOver" && this.isObliging) this.#oblige(message);
  }

  #oblige({ topicId, partition, leaderEpoch, target, attempt }: HandOver): void {
    this.say({ type: "handOverReady", topicId, partition, leaderEpoch, target, attempt, isReady: true });
  }
}

/** A controller with fake brokers, a fake clock and a store in memory. */
export class TestCluster {
  readonly clock = new FakeClock();
  readonly metadata: MemoryMetadata;
  readonly brokers: FakeBroker[] = [];
  readonly ends: ControllerEnd[] = [];
  controller: Controller;
  /** Brokers that send heartbeats while time passes. */
  #isBeating = true;
  readonly #options: Partial<ControllerOptions>;
  readonly #random = countingRandom();

  constructor(
    options: Partial<ControllerOptions> & { metadata?: MemoryMetadata; faults?: StoreFaults; clock?: FakeClock } = {},
  ) {
    const { metadata, faults, clock, ...rest } = options;
    if (clock !== undefined) this.clock = clock;
    this.metadata = metadata ?? new MemoryMetadata();
    this.#options = rest;
    this.controller = this.newController(faults);
  }

  /** Another controller over the same store and the same brokers. */
  newController(faults?: StoreFaults): Controller {
    const { clock, metadata } = this;
    const store = new MemoryStore({ clock }, { metadata, ...(faults === undefined ? {} : { faults }) });
    return new Controller(
      { clock, random: this.#random, store, network: this.#network(), logger: silent },
      {
        clusterId: "c1",
        address: () => ({ host: "controller", port: 1 }),
        config: {},
        onEnd: (end) => this.ends.push(end),
        ...this.#options,
      },
    );
  }

  #network(): Network {
    const at = (address: Address): FakeBroker | undefined =>
      this.brokers.findLast((broker) => broker.registration.http.port === address.port);
    return {
      exchange: async () => ({ kind: "unreachable", reason: "a controller dials nobody" }),
      probe: async (address, { timeoutMs }): Promise<ProbeResult> => {
        const broker = at(address);
        if (broker === undefined || broker.process === "dead") return { kind: "refused" };
        if (broker.process === "answers") return { kind: "answered", incarnation: broker.registration.incarnation };
        await new Promise<void>((resolve) => this.clock.after(timeoutMs, resolve));
        return { kind: "silent" };
      },
      post: async (address) => {
        const broker = at(address);
        if (broker === undefined || broker.process !== "answers") return null;
        broker.announced++;
        return { status: 200, body: null };
      },
    };
  }

  /** Starts the controller and registers brokers 1 … `count`. */
  async start(count: number): Promise<void> {
    await this.controller.start();
    for (let id = 1; id <= count; id++) await this.join(new FakeBroker(id));
  }

  async join(broker: FakeBroker): Promise<FakeBroker> {
    this.brokers.push(broker);
    broker.dial(this.controller);
    await settle();
    return broker;
  }

  broker(id: number): FakeBroker {
    return this.brokers.findLast((broker) => broker.registration.brokerId === id)!;
  }

  /** Time passes; every connected broker whose process answers sends its heartbeats. */
  async pass(byMs: number): Promise<void> {
    for (let passedMs = 0; passedMs < byMs; passedMs += 50) {
      if (this.#isBeating) {
        for (const broker of this.brokers) {
          if (broker.isConnected && broker.process === "answers" && passedMs % 500 === 0) broker.heartbeat();
        }
      }
      await this.clock.advance(Math.min(50, byMs - passedMs));
    }
  }

  async admin(request: AdminRequest): Promise<AdminResponse> {
    return this.controller.admin(request);
  }

  async createTopic(name: string, assignments: number[][], config: Record<string, string> = {}): Promise<void> {
    const placed = assignments.map((replicas) => replicas.map(brokerId));
    const topic = { name, partitionCount: -1, replicationFactor: -1, assignments: placed, config };
    const response = await this.admin({ kind: "createTopics", topics: [topic], validateOnly: false });
    if (response.kind !== "createTopics" || response.topics[0]?.errorCode !== 0) {
      throw new Error(`the topic was not created: ${JSON.stringify(response)}`);
    }
  }

  /** As committed. */
  row(partition = 0): PartitionRow {
    const rows = [...this.metadata.state.partitions.values()].at(-1);
    return rows![partition]!;
  }
}
