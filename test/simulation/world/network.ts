import type {
  Address,
  ByteStream,
  ExchangeResult,
  ExchangeServer,
  Network,
  ProbeResult,
} from "../../../broker/ports/network.ts";
import type { SimulatedProcess } from "./process.ts";
import type { SeededRandom } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";
import { StreamHalf, type Wire } from "./stream.ts";

/** What listens at an address. */
export type Listener =
  | { readonly kind: "http"; readonly process: SimulatedProcess; readonly server: ExchangeServer }
  | { readonly kind: "kafka"; readonly process: SimulatedProcess; readonly accept: (stream: ByteStream) => void };

/** A new connection, for whoever watches the traffic. `path` is null on a Kafka port. */
export interface Connection {
  readonly path: string | null;
  readonly dialler: SimulatedProcess;
  readonly server: SimulatedProcess;
  readonly fromDialler: StreamHalf;
  readonly fromServer: StreamHalf;
}

/** The way from one host to another; the way back is another one. */
export interface Way {
  readonly from: number;
  readonly to: number;
}

const nameOf = (address: Address): string => `${address.host}:${address.port}`;

/** What came of trying to reach a listener. */
type Reached = { readonly kind: "listener"; readonly listener: Listener } | { readonly kind: "refused" };

/** All connections between all processes. Hosts are numbers; between any two the way may be cut, in each direction. */
export class SimulatedNetwork implements Wire {
  readonly scheduler: Scheduler;
  readonly random: SeededRandom;
  onConnection: (connection: Connection) => void = () => {};
  /** Added to every latency while the network is slow. */
  slownessUs = 0;
  readonly #hostsMax = 64;
  #hostCount = 0;
  readonly #cuts = new Uint8Array(64 * 64);
  readonly #hostOf = new Map<string, number>();
  readonly #isDown = new Set<number>();
  readonly #listeners = new Map<string, Listener>();
  #halves = new Set<StreamHalf>();
  #toFlush: StreamHalf[] = [];

  constructor(scheduler: Scheduler, random: SeededRandom) {
    this.scheduler = scheduler;
    this.random = random;
    scheduler.onTurnEnd = () => this.#flush();
  }

  /** Gives a host name its number. */
  addHost(name: string): number {
    const known = this.#hostOf.get(name);
    if (known !== undefined) return known;
    const host = this.#hostCount++;
    if (host >= this.#hostsMax) throw new Error(`over ${this.#hostsMax} hosts`);
    this.#hostOf.set(name, host);
    return host;
  }

  /** From now on the name leads to that host. */
  alias(name: string, host: number): void {
    this.#hostOf.set(name, host);
  }

  listen(address: Address, listener: Listener): void {
    this.#listeners.set(nameOf(address), listener);
  }

  cut({ from, to }: Way): void {
    this.#cuts[from * this.#hostsMax + to] = 1;
  }

  isCut(fromHost: number, toHost: number): boolean {
    return this.#cuts[fromHost * this.#hostsMax + toHost] === 1;
  }

  /** These ways are free again: what was held arrives late, or the connection breaks. */
  heal(ways: readonly Way[]): void {
    const healed = ways.filter(({ from, to }) => this.isCut(from, to));
    for (const { from, to } of healed) this.#cuts[from * this.#hostsMax + to] = 0;
    if (healed.length === 0) return;
    for (const half of this.#halves) {
      if (half.isClosed) this.#halves.delete(half);
      else if (healed.some(({ from, to }) => half.goes(from, to))) {
        if (this.random.chance(0.3)) half.breakBoth();
        else half.arrive();
      }
    }
  }

  healAll(): void {
    const ways: Way[] = [];
    for (let at = 0; at < this.#cuts.length; at++) {
      if (this.#cuts[at] === 1) ways.push({ from: Math.floor(at / this.#hostsMax), to: at % this.#hostsMax });
    }
    this.heal(ways);
  }

  /** A process ended: what it listened on refuses, what it was connected to breaks. */
  processEnded(process: SimulatedProcess): void {
    for (const [name, listener] of this.#listeners) if (listener.process === process) this.#listeners.delete(name);
    for (const half of this.#halves) {
      if (half.owner !== process) continue;
      half.isMute = !process.machine.isUp;
      half.abandon();
      if (!half.isMute) this.#halves.delete(half);
    }
  }

  /** Hosts on a machine that is off do not even refuse. */
  setDown(host: number, isDown: boolean): void {
    if (isDown) this.#isDown.add(host);
    else this.#isDown.delete(host);
    if (isDown) return;
    for (const half of this.#halves) {
      if (half.host !== host || !half.isMute) continue;
      half.isMute = false;
      half.abandon();
      this.#halves.delete(half);
    }
  }

  latencyUs(): number {
    const { random } = this;
    return random.between(40, 400) + (random.chance(0.02) ? random.between(500, 8000) : 0) + this.slownessUs;
  }

  flushAtTurnEnd(half: StreamHalf): void {
    this.#toFlush.push(half);
  }

  #flush(): void {
    if (this.#toFlush.length === 0) return;
    const halves = this.#toFlush;
    this.#toFlush = [];
    for (const half of halves) if ((half.owner as SimulatedProcess).isAlive) half.flush();
  }

  /** The `Network` port of one process. */
  portOf(process: SimulatedProcess): Network {
    return {
      exchange: (address, path, { timeoutMs }) => this.#exchange(process, { address, path, timeoutMs }),
      probe: (address, { timeoutMs }) => this.#probe(process, { address, timeoutMs }),
      post: (address, path, body, { timeoutMs }) => this.#post(process, { address, path, body, timeoutMs }),
    };
  }

  /** A client's connection to a Kafka port; null when refused or silent for too long. */
  connect(process: SimulatedProcess, address: Address, options: { timeoutMs: number }): Promise<ByteStream | null> {
    return new Promise((resolve) => {
      const settle = this.#once<ByteStream | null>(process, options.timeoutMs, null, resolve);
      this.#reach(process, address, (reached) => {
        if (reached.kind === "refused" || reached.listener.kind !== "kafka") return void settle(null);
        const { fromDialler, fromServer } = this.#pair(process, reached.listener.process, null);
        reached.listener.accept(fromServer);
        this.#handOver(process, fromDialler, fromServer, (stream) => settle(stream));
      });
    });
  }

  #exchange(
    process: SimulatedProcess,
    call: { address: Address; path: string; timeoutMs: number },
  ): Promise<ExchangeResult> {
    return new Promise((resolve) => {
      const late = { kind: "unreachable" as const, reason: `no answer in ${call.timeoutMs} ms` };
      const settle = this.#once<ExchangeResult>(process, call.timeoutMs, late, resolve);
      this.#reach(process, call.address, (reached) => {
        if (reached.kind === "refused" || reached.listener.kind !== "http") {
          return void settle({ kind: "unreachable", reason: "connection refused" });
        }
        const { process: target, server } = reached.listener;
        const accept = (): ByteStream => {
          const { fromDialler, fromServer } = this.#pair(process, target, call.path);
          const broken = { kind: "unreachable" as const, reason: "connection reset" };
          const done = (stream: ByteStream | null): boolean =>
            settle(stream === null ? broken : { kind: "accepted", stream });
          this.#handOver(process, fromDialler, fromServer, done);
          return fromServer;
        };
        const refuse = (status: number, text: string): void => {
          this.#back(target, process, () => settle({ kind: "refused", status, text }));
        };
        server.onExchange(call.path, accept, refuse);
      });
    });
  }

  /** The dialler's end reaches it one way later; if it gave up meanwhile, the server's end finds itself closed. */
  #handOver(
    process: SimulatedProcess,
    fromDialler: StreamHalf,
    fromServer: StreamHalf,
    settle: (stream: StreamHalf | null) => boolean,
  ): void {
    fromDialler.pause();
    const open = (): void => {
      if (this.isCut(fromServer.host, process.host)) {
        this.scheduler.after(5000, process, open);
        return;
      }
      // What broke on the way was never a stream to the dialler.
      if (!settle(fromDialler.isClosed ? null : fromDialler)) fromDialler.destroy();
      fromDialler.resume();
    };
    this.scheduler.after(this.latencyUs(), process, open);
  }

  #probe(process: SimulatedProcess, call: { address: Address; timeoutMs: number }): Promise<ProbeResult> {
    return new Promise((resolve) => {
      const settle = this.#once<ProbeResult>(process, call.timeoutMs, { kind: "silent" }, resolve);
      this.#reach(process, call.address, (reached) => {
        if (reached.kind === "refused") return void settle({ kind: "refused" });
        const { listener } = reached;
        if (listener.kind !== "http") return void settle({ kind: "silent" });
        const { incarnation } = listener.server;
        this.#back(listener.process, process, () => settle({ kind: "answered", incarnation }));
      });
    });
  }

  #post(
    process: SimulatedProcess,
    call: { address: Address; path: string; body: unknown; timeoutMs: number },
  ): Promise<{ status: number; body: unknown } | null> {
    return new Promise((resolve) => {
      const settle = this.#once<{ status: number; body: unknown } | null>(process, call.timeoutMs, null, resolve);
      const body: unknown = JSON.parse(JSON.stringify(call.body));
      this.#reach(process, call.address, (reached) => {
        if (reached.kind === "refused" || reached.listener.kind !== "http") return void settle(null);
        const { process: target, server } = reached.listener;
        const answer = (result: { status: number; body: unknown }): void => {
          const text = JSON.stringify(result.body ?? null);
          this.#back(target, process, () => settle({ status: result.status, body: JSON.parse(text) }));
        };
        server.onPost(call.path, body).then(answer, () => answer({ status: 500, body: null }));
      });
    });
  }

  /** Calls `resolve` with the first of: what is given, or `late` when the time is over. @returns false when late. */
  #once<T>(process: SimulatedProcess, timeoutMs: number, late: T, resolve: (value: T) => void): (value: T) => boolean {
    let isSettled = false;
    const timer = this.scheduler.after(timeoutMs * 1000, process, () => {
      isSettled = true;
      resolve(late);
    });
    return (value) => {
      if (isSettled) return false;
      isSettled = true;
      timer.isCancelled = true;
      resolve(value);
      return true;
    };
  }

  /** Goes to an address. `found` runs as an event of the process there, or of the dialler when it was refused. */
  #reach(process: SimulatedProcess, address: Address, found: (reached: Reached) => void): void {
    const host = this.#hostOf.get(address.host);
    this.scheduler.after(this.latencyUs(), null, () => {
      if (!process.isAlive || host === undefined || this.isCut(process.host, host) || this.#isDown.has(host)) return;
      const listener = this.#listeners.get(nameOf(address));
      if (listener === undefined) {
        if (this.isCut(host, process.host)) return;
        this.scheduler.after(this.latencyUs(), process, () => found({ kind: "refused" }));
      } else {
        this.scheduler.after(1, listener.process, () => found({ kind: "listener", listener }));
      }
    });
  }

  /** An answer on its way back. */
  #back(from: SimulatedProcess, to: SimulatedProcess, run: () => void): void {
    this.scheduler.after(this.latencyUs(), to, () => {
      if (!this.isCut(from.host, to.host)) run();
    });
  }

  #pair(dialler: SimulatedProcess, server: SimulatedProcess, path: string | null) {
    const fromDialler = new StreamHalf(this, { owner: dialler, host: dialler.host, remote: `${server.name}` });
    const fromServer = new StreamHalf(this, { owner: server, host: server.host, remote: `${dialler.name}` });
    StreamHalf.join(fromDialler, fromServer);
    if (!dialler.isAlive) fromDialler.abandon();
    this.#halves.add(fromDialler);
    this.#halves.add(fromServer);
    if (this.#halves.size > 400) this.#sweep();
    this.onConnection({ path, dialler, server, fromDialler, fromServer });
    return { fromDialler, fromServer };
  }

  #sweep(): void {
    this.#halves = new Set([...this.#halves].filter((half) => !half.isClosed || half.isMute));
  }
}
