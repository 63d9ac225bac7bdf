import { assert } from "../base/assert.ts";
import type { BrokerId } from "../base/ids.ts";
import { KAFKA_PATH } from "../contract/control.ts";
import type { BrokerContext } from "../handlers/context.ts";
import { handlers } from "../handlers/table.ts";
import type { Network } from "../ports/network.ts";
import type { Api } from "../wire/api.ts";
import type { Draft, Infer, Shape } from "../wire/schema.ts";
import { callHere } from "./local-call.ts";
import { type Asked, PeerLink } from "./peer-link.ts";

/** A request of an API to one broker of the cluster. */
export interface Question<Q extends Shape, S extends Shape> {
  readonly api: Api<Q, S>;
  readonly version: number;
  /** With every field: a handler of this process gets it as it is. */
  readonly body: Infer<Q>;
  /** After so long the broker counts as frozen, and everything asked of it on this lane as lost. */
  readonly timeoutMs: number;
  /**
   * Which connection to take; answers come in order on each. Requests that wait for something have lanes of their own,
   * or others would wait with them.
   */
  readonly lane?: string;
}

const CONNECT_MS_MAX = 3000;
const handlersByKey = new Map(handlers.map((one) => [one.api.key, one]));

/**
 * The brokers of the cluster as Kafka servers, this one among them. Another one is reached through its own HTTP port
 * with the cluster's token, so that it takes no listener for clients to pass a request on (docs/adr/0019).
 */
export class Peers {
  readonly #network: Network;
  readonly #broker: BrokerContext;
  readonly #onBug: (error: unknown) => void;
  /** By broker and lane. */
  readonly #links = new Map<string, Promise<PeerLink | null>>();
  #isStopped = false;

  constructor(network: Network, { broker, onBug }: { broker: BrokerContext; onBug: (error: unknown) => void }) {
    this.#network = network;
    this.#broker = broker;
    this.#onBug = onBug;
  }

  /** Asks one broker. Of record bytes this very broker's log keeps, and changes, what it is given. */
  async ask<Q extends Shape, S extends Shape>(broker: BrokerId, question: Question<Q, S>): Promise<Asked<Draft<S>>> {
    if (this.#isStopped) return { kind: "unsent" };
    if (broker === this.#broker.brokerId) return this.#askHere(question);
    const link = await this.#link(broker, question.lane ?? "");
    if (link === null) return { kind: "unsent" };
    const deadline = this.#broker.deadlines.after(question.timeoutMs, () => link.destroy());
    const asked = await link.request(question.api, question.version, question.body as Draft<Q>);
    deadline.cancel();
    return asked as Asked<Draft<S>>;
  }

  /** Connections end; what was asked on them is lost. */
  stop(): void {
    this.#isStopped = true;
    for (const link of this.#links.values()) void link.then((one) => one?.destroy());
  }

  #askHere<Q extends Shape, S extends Shape>(question: Question<Q, S>): Promise<Asked<Draft<S>>> {
    const { api, version, body } = question;
    const handler = handlersByKey.get(api.key);
    assert(handler !== undefined && version <= handler.served.max, "this broker asks itself for what it serves");
    return callHere(this.#broker, { handler, version, body }, this.#onBug) as Promise<Asked<Draft<S>>>;
  }

  #link(broker: BrokerId, lane: string): Promise<PeerLink | null> {
    const key = `${broker} ${lane}`;
    let link = this.#links.get(key);
    if (link === undefined) {
      link = this.#open(broker, () => this.#links.delete(key));
      this.#links.set(key, link);
    }
    return link;
  }

  async #open(broker: BrokerId, forget: () => void): Promise<PeerLink | null> {
    const row = this.#broker.image.broker(broker);
    const opened = await (row === undefined
      ? null
      : this.#network.exchange(row.http, KAFKA_PATH, { timeoutMs: CONNECT_MS_MAX }));
    if (opened?.kind !== "accepted") {
      forget();
      return null;
    }
    const link = new PeerLink(opened.stream, forget);
    if (this.#isStopped) link.destroy();
    return link;
  }
}
