import { LineDecoder, encodeLine } from "#base/json-lines.ts";
import { CONTROL_PATH, type Registered, type Registration } from "#contract/control.ts";
import type { Address, ByteStream, Network } from "#ports/network.ts";
import { streamPair } from "#ports/testing/stream-pair.ts";
import type { Controller } from "../../../operator/controller/controller.ts";
import { registrationOf } from "../../../operator/machine/testing/registration.ts";

const LINE_BYTES_MAX = 1e9;
const DELTA = Buffer.from('"type":"delta"');

/** What a controller sees of a broker: a control stream with heartbeats, a process that probes reach. No records. */
export class SimulatedBroker {
  readonly registration: Registration;
  /** When the last change of metadata reached it. */
  toldAt = 0;
  #isAlive = true;
  #brokerEpoch: Registered["brokerEpoch"] | null = null;
  #stream: ByteStream | null = null;

  constructor(id: number, clusterId: string) {
    this.registration = registrationOf(id, { clusterId });
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get isRegistered(): boolean {
    return this.#brokerEpoch !== null;
  }

  dial({ exchangeServer }: Pick<Controller, "exchangeServer">): void {
    const refuse = (status: number, text: string): void => {
      throw new Error(`broker ${this.registration.brokerId} was refused with ${status}: ${text}`);
    };
    exchangeServer.onExchange(CONTROL_PATH, () => this.#accept(), refuse);
  }

  heartbeat(): void {
    if (this.#brokerEpoch === null) return;
    this.#stream?.write(encodeLine({ type: "heartbeat", brokerEpoch: this.#brokerEpoch, applied: null }));
  }

  /** The process ends: its stream breaks and its port refuses. */
  die(): void {
    this.#isAlive = false;
    this.#stream?.destroy();
    this.#stream = null;
  }

  #accept(): ByteStream {
    const [near, far] = streamPair();
    const decoder = new LineDecoder(LINE_BYTES_MAX);
    near.onData = (chunk) => {
      // A hundred copies of every change are not read: the machine under test would wait for it.
      if (this.#brokerEpoch !== null) return this.#note(chunk);
      const [registered] = (decoder.push(chunk) as Registered[]).filter(({ type }) => type === "registered");
      if (registered !== undefined) this.#brokerEpoch = registered.brokerEpoch;
    };
    this.#stream = near;
    near.write(encodeLine(this.registration));
    return far;
  }

  #note(chunk: Uint8Array): void {
    const head = Buffer.from(chunk.buffer, chunk.byteOffset, Math.min(chunk.byteLength, 200));
    if (head.includes(DELTA)) this.toldAt = performance.now();
  }
}

/** The controller's way to them: probes find a process that lives or a port that refuses. */
export function simulatedNetwork(brokers: readonly SimulatedBroker[]): Network {
  const at = ({ port }: Address): SimulatedBroker | undefined =>
    brokers.find(({ registration }) => registration.http.port === port);
  return {
    exchange: async () => ({ kind: "unreachable", reason: "a controller dials nobody" }),
    probe: async (address) => {
      const broker = at(address);
      if (broker?.isAlive !== true) return { kind: "refused" };
      return { kind: "answered", incarnation: broker.registration.incarnation };
    },
    post: async (address) => (at(address)?.isAlive === true ? { status: 200, body: null } : null),
  };
}
