import type { KubeConfig } from "@kubernetes/client-node";
import { Admin } from "@platformatic/kafka";
import { TidemarkError } from "#base/errors.ts";
import type { Address, Dial } from "./dial.ts";
import { PodRelay } from "./pod-relay.ts";

export interface ForwardOptions {
  readonly config: KubeConfig;
  readonly namespace: string;
  /** Port of the listener in every pod. */
  readonly port: number;
  /** Name of a broker's pod. */
  readonly podOf: (broker: number) => string;
  /** Brokers that may be there: one that answers names the others. */
  readonly brokers: readonly number[];
  /** For messages. */
  readonly name: string;
}

const LOCAL_HOST = "127.0.0.1";
const ANSWER_MS_MAX = 5000;
/** Addresses that nobody knows are not looked for more often. */
const LOOK_REST_MS = 1000;

const keyOf = ({ host, port }: Address): string => `${host}:${port}`;

/** A relay for each broker of a Cluster, found by the addresses that brokers advertise. */
export class ForwardedBrokers implements Dial {
  readonly #options: ForwardOptions;
  readonly #relays = new Map<number, PodRelay>();
  /** By the address that is advertised. */
  readonly #byAddress = new Map<string, PodRelay>();
  #answered: PodRelay | null = null;
  #looking: Promise<void> | null = null;
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  private constructor(options: ForwardOptions) {
    this.#options = options;
  }

  /** @throws TidemarkError PEER_UNREACHABLE when no broker of them can be asked, with the reason of the first. */
  static async open(options: ForwardOptions): Promise<ForwardedBrokers> {
    const forwarded = new ForwardedBrokers(options);
    const reasons: string[] = [];
    for (const broker of options.brokers) {
      const reason = await forwarded.#askOne(broker);
      if (reason === null) return forwarded;
      reasons.push(reason);
    }
    forwarded.close();
    throw new TidemarkError("PEER_UNREACHABLE", `${options.name}: ${reasons[0] ?? "it has no brokers"}`);
  }

  /** host:port of every relay, the one first whose broker answered last. */
  get addresses(): string[] {
    const first = this.#answered === null ? [] : [this.#answered];
    const relays = new Set([...first, ...this.#relays.values()]);
    return [...relays].map(({ port }) => `${LOCAL_HOST}:${port}`);
  }

  known(address: Address): Address {
    const relay = this.#byAddress.get(keyOf(address));
    return relay === undefined ? address : { host: LOCAL_HOST, port: relay.port };
  }

  async find(address: Address): Promise<Address> {
    const isKnown = this.#byAddress.has(keyOf(address)) || this.addresses.includes(keyOf(address));
    const isRested = performance.now() - this.#lookedAtMs >= LOOK_REST_MS;
    if (!isKnown && (isRested || this.#looking !== null)) await (this.#looking ??= this.#look());
    return this.known(address);
  }

  close(): void {
    for (const relay of this.#relays.values()) relay.close();
  }

  /** Who is there may have changed. That nobody answers shows where the address is used. */
  async #look(): Promise<void> {
    for (const broker of [...this.#relays.keys()]) if ((await this.#askOne(broker)) === null) break;
    this.#lookedAtMs = performance.now();
    this.#looking = null;
  }

  /** Has one broker name all; null, or why it could not be asked. */
  async #askOne(broker: number): Promise<string | null> {
    const relay = await this.#relayOf(broker);
    relay.fault = null;
    const admin = new Admin({
      clientId: "tidemark",
      bootstrapBrokers: [{ host: LOCAL_HOST, port: relay.port }],
      retries: 0,
      connectTimeout: ANSWER_MS_MAX,
      timeout: ANSWER_MS_MAX,
    });
    try {
      const { brokers } = await admin.metadata({ topics: [], forceUpdate: true, autocreateTopics: false });
      for (const [id, address] of brokers) this.#byAddress.set(keyOf(address), await this.#relayOf(id));
      this.#answered = relay;
      return null;
    } catch (error) {
      const says = Error.isError(error) ? error.message.split("\n", 1)[0]! : String(error);
      return relay.fault ?? `pod ${this.#options.podOf(broker)} does not answer: ${says}`;
    } finally {
      await admin.close();
    }
  }

  async #relayOf(broker: number): Promise<PodRelay> {
    const { config, namespace, port, podOf } = this.#options;
    const known = this.#relays.get(broker);
    if (known !== undefined) return known;
    const relay = await PodRelay.to(config, { namespace, pod: podOf(broker), port });
    this.#relays.set(broker, relay);
    return relay;
  }
}
