import { type Clock, every, type Timer } from "../base/clock.ts";
import type { Logger } from "../base/logging.ts";
import type { Metrics } from "../base/metrics.ts";
import type { BrokerContext } from "../handlers/context.ts";
import { type Handler, NO_LISTENER } from "../handlers/handler.ts";
import { handlers, versionRefusal } from "../handlers/table.ts";
import type { ByteStream } from "../ports/network.ts";
import { Connection, type ConnectionLimits, type ConnectionShared } from "./connection.ts";
import { ServerMetrics } from "./server-metrics.ts";

const IN_FLIGHT_MAX = 256;
const IN_FLIGHT_BYTES_MAX = 32 * 1024 * 1024;
const OUTPUT_BYTES_MAX = 1024 * 1024;

export interface KafkaServerOptions {
  readonly broker: BrokerContext;
  readonly metrics: Metrics;
  /** Stands in for the table of handlers, in tests. */
  readonly handlers?: readonly Handler[];
  readonly limits?: Partial<ConnectionLimits>;
  /** Called when a handler threw: its request has failed and its connection is closed. */
  readonly onBug?: (error: unknown) => void;
}

/** All client connections of one broker. Whatever streams it is given, sockets or simulated ones, it serves. */
export class KafkaServer {
  readonly #broker: BrokerContext;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #connections = new Set<Connection>();
  readonly #shared: ConnectionShared;
  readonly #sweeper: Timer | null;
  #isStopped = false;

  constructor(ports: { clock: Clock; logger: Logger }, options: KafkaServerOptions) {
    this.#broker = options.broker;
    this.#clock = ports.clock;
    this.#logger = ports.logger;
    const served = new Map((options.handlers ?? handlers).map((handler) => [handler.api.key, handler]));
    const { socketRequestMaxBytes, connectionsMaxIdleMs } = options.broker.config();
    this.#shared = {
      broker: options.broker,
      clock: ports.clock,
      logger: ports.logger,
      limits: {
        requestBytesMax: socketRequestMaxBytes,
        inFlightMax: IN_FLIGHT_MAX,
        inFlightBytesMax: IN_FLIGHT_BYTES_MAX,
        outputBytesMax: OUTPUT_BYTES_MAX,
        ...options.limits,
      },
      metrics: new ServerMetrics(options.metrics, {
        apis: [...served.values()].map(({ api }) => api),
        connections: () => this.#connections.size,
      }),
      handlers: served,
      apiVersionsRefusal: versionRefusal,
      onClosed: (connection) => this.#connections.delete(connection),
      onBug: options.onBug ?? (() => {}),
    };
    this.#sweeper = connectionsMaxIdleMs < 0 ? null : this.#sweepEvery(connectionsMaxIdleMs / 2);
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /**
   * Serves a client that came in by the listener of that name. Over `max.connections` the stream is closed at once.
   */
  accept(stream: ByteStream, listener: string): void {
    const { maxConnections } = this.#broker.config();
    if (this.#isStopped || this.#connections.size >= maxConnections) {
      this.#shared.metrics.refusals.add(1);
      if (!this.#isStopped) {
        this.#logger.warn("max.connections is reached; closing a new one", { remote: stream.remote, maxConnections });
      }
      stream.destroy();
      return;
    }
    this.#connections.add(new Connection(stream, listener, this.#shared));
  }

  /** Serves another broker of the cluster, which passes on what it was asked for: it is no client to be counted. */
  acceptPeer(stream: ByteStream): void {
    if (this.#isStopped) stream.destroy();
    else this.#connections.add(new Connection(stream, NO_LISTENER, this.#shared));
  }

  /** Accepts nothing more and closes every connection after what is ready has been sent. */
  stop(): void {
    this.#isStopped = true;
    this.#sweeper?.cancel();
    for (const connection of this.#connections) connection.close();
  }

  #sweepEvery(periodMs: number): Timer {
    return every(this.#clock, Math.max(1, periodMs), () => {
      for (const connection of this.#connections) connection.sweep();
    });
  }
}
