import { Socket } from "node:net";
import type { ConnectionPool } from "@platformatic/kafka";
import type { ISocketFactory } from "kafkajs";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Where to connect to instead of the addresses that brokers advertise. */
export interface Dial {
  /** As far as is known already; the address itself where nothing is. */
  known(address: Address): Address;
  /** The same, after a look at who there is now if need be. Never rejects. */
  find(address: Address): Promise<Address>;
}

const KEEP_ALIVE_MS = 60_000;

/** For kafkajs: sockets that know where to only a moment later. */
export const socketFactoryOf =
  (dial: Dial): ISocketFactory =>
  ({ host, port, onConnect }) => {
    const socket = new Socket();
    socket.once("connect", onConnect);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    void dial.find({ host, port }).then((address) => {
      if (!socket.destroyed) socket.connect(address);
    });
    return socket;
  };

/** For @platformatic/kafka, which has no such setting: has a client's connections go where `dial` says. */
export function reroute(pool: ConnectionPool, dial: Dial | null): void {
  if (dial === null) return;
  type Get = (broker: Address | undefined, callback: (error: Error | null) => void) => void;
  const get = pool.get.bind(pool) as Get;
  const established = pool.getEstablishedConnection.bind(pool);
  const has = pool.has.bind(pool);
  const rerouted: Get = (broker, callback) => {
    // The library's own way of saying that it knows no such broker.
    if (broker === undefined) return get(broker, callback);
    void dial.find(broker).then((address) => get(address, callback));
  };
  Object.assign(pool, {
    get: rerouted,
    getEstablishedConnection: (broker: Address) => established(dial.known(broker)),
    has: (broker: Address) => has(dial.known(broker)),
  });
}
