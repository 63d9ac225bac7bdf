import { connect, type Socket } from "node:net";
import { Kafka, logLevel, type Producer } from "kafkajs";
import { until } from "./cluster/shell.ts";
import { PLACE_HEADER } from "../../../examples/demo/lanes.ts";
import type { SocketWish } from "../../../examples/demo/wire-tap.ts";

const RETRY = { initialRetryTime: 20, maxRetryTime: 250, factor: 0.2, multiplier: 1.5, retries: 2000 };
/** Between two records of one partition: gaps are known to about this, and two cores are left with work to spare. */
const PACE_MS = 10;
const ACKS_TO_GO_ON = 30;
/** From a request to any answer: after that it is sent again, over a new connection. */
const SILENCE_MS_MAX = 1000;

export interface LoadTarget {
  readonly bootstrap: string;
  readonly topic: string;
  readonly partitions: number;
}

export interface LoadFigures {
  readonly acked: number;
  /** The longest time between two consecutive acks of one partition. */
  readonly gapMsMax: number;
}

/**
 * A machine that is lost answers nothing at all. kafkajs would keep the connection, and ask it again and again who the
 * leaders are now; other clients close it, and so do these.
 */
function socketThatGivesUp({ host, port, onConnect }: SocketWish): Socket {
  const socket = connect({ host, port, noDelay: true }, onConnect);
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  let silence: NodeJS.Timeout | undefined;
  const giveUp = (): void => void socket.destroy(new Error(`${host} does not answer`));
  socket.write = ((...args: unknown[]) => {
    silence ??= setTimeout(giveUp, SILENCE_MS_MAX);
    return write(...args);
  }) as typeof socket.write;
  socket.on("data", () => {
    clearTimeout(silence);
    silence = undefined;
  });
  socket.once("close", () => clearTimeout(silence));
  return socket;
}

/** What is written: its partition and its place in it. */
export const valueOf = (partition: number, place: number): string => `${partition}:${place}`;

/** Writes 0, 1, 2, … to one partition. */
export interface Lane {
  readonly partition: number;
  /** Places below this one were acknowledged. */
  readonly acked: number;
  /** Why it has given up; "" while it has not. */
  readonly fault: string;
  /** The longest time between two acknowledgements; silence that still lasts counts too. */
  readonly gapMsNow: number;
  forgetGaps(): void;
  /** After all that was sent is acknowledged. */
  stop(): Promise<void>;
}

/** One idempotent producer that writes 0, 1, 2, … to one partition, the next once the last is acknowledged. */
class NodeLane implements Lane {
  readonly partition: number;
  readonly #producer: Producer;
  readonly #topic: string;
  acked = 0;
  gapMsMax = 0;
  fault = "";
  #lastAck = 0;
  #isStopped = false;
  #running: Promise<void> = Promise.resolve();

  constructor(partition: number, { bootstrap, topic }: LoadTarget) {
    this.partition = partition;
    this.#topic = topic;
    const brokers = bootstrap.split(",");
    const kafka = new Kafka({
      brokers,
      clientId: `load-${partition}`,
      logLevel: logLevel.NOTHING,
      connectionTimeout: 500,
      socketFactory: socketThatGivesUp as never,
      retry: RETRY,
    });
    this.#producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      metadataMaxAge: 60_000,
      retry: RETRY,
    });
  }

  async start(): Promise<void> {
    await this.#producer.connect();
    this.#lastAck = performance.now();
    this.#running = this.#write().catch((error: unknown) => {
      this.fault = String(error);
    });
  }

  async #write(): Promise<void> {
    while (!this.#isStopped) {
      const headers = { [PLACE_HEADER]: String(this.acked) };
      const messages = [{ partition: this.partition, value: valueOf(this.partition, this.acked), headers }];
      await this.#producer.send({ topic: this.#topic, acks: -1, timeout: 30_000, messages });
      const now = performance.now();
      this.gapMsMax = Math.max(this.gapMsMax, now - this.#lastAck);
      this.#lastAck = now;
      this.acked++;
      await new Promise((resolve) => setTimeout(resolve, PACE_MS));
    }
  }

  get gapMsNow(): number {
    return Math.max(this.gapMsMax, performance.now() - this.#lastAck);
  }

  forgetGaps(): void {
    this.gapMsMax = 0;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
    await this.#producer.disconnect();
  }
}

async function nodeLanes(target: LoadTarget): Promise<Lane[]> {
  process.env["KAFKAJS_NO_PARTITIONER_WARNING"] = "1";
  const lanes = Array.from({ length: target.partitions }, (_, partition) => new NodeLane(partition, target));
  await Promise.all(lanes.map((lane) => lane.start()));
  return lanes;
}

/** Producers that write to every partition of a topic, without a pause, whatever happens to the cluster. */
export class Load {
  readonly target: LoadTarget;
  readonly #lanes: readonly Lane[];

  private constructor(target: LoadTarget, lanes: readonly Lane[]) {
    this.target = target;
    this.#lanes = lanes;
  }

  static async start(target: LoadTarget, open: (target: LoadTarget) => Promise<Lane[]> = nodeLanes): Promise<Load> {
    const load = new Load(target, await open(target));
    await load.goesOn();
    load.forgetGaps();
    return load;
  }

  /** Waits until every partition has taken some more records; throws when a producer has given up. */
  async goesOn(limitMs = 90_000): Promise<void> {
    const from = this.#lanes.map(({ acked }) => acked);
    const fault = (): string => this.#lanes.find((lane) => lane.fault !== "")?.fault ?? "";
    const isOn = (): boolean => this.#lanes.every(({ acked }, at) => acked >= (from[at] ?? 0) + ACKS_TO_GO_ON);
    const silent = (): string =>
      this.#lanes
        .filter(({ acked }, at) => acked < (from[at] ?? 0) + ACKS_TO_GO_ON)
        .map(({ partition }) => partition)
        .join(", ");
    const goes = (): boolean => {
      if (fault() !== "" || isOn()) return true;
      throw new Error(`partitions ${silent()} wait`);
    };
    await until(`producers of ${this.target.topic} go on`, goes, { limitMs, stepMs: 20 });
    if (fault() !== "") throw new Error(`a producer gave up: ${fault()}`);
  }

  forgetGaps(): void {
    for (const lane of this.#lanes) lane.forgetGaps();
  }

  /** The longest silence of any partition so far. */
  gapMs(): number {
    return Math.max(...this.#lanes.map(({ gapMsNow }) => gapMsNow));
  }

  async stop(): Promise<LoadFigures> {
    const gapMsMax = this.gapMs();
    await Promise.all(this.#lanes.map((lane) => lane.stop()));
    return { acked: this.ackedOf().reduce((sum, acked) => sum + acked, 0), gapMsMax };
  }

  /** Acknowledged records by partition: places 0 up to this number were acknowledged, each once. */
  ackedOf(): readonly number[] {
    return this.#lanes.map(({ acked }) => acked);
  }
}
