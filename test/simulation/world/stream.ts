import type { ByteStream } from "../../../broker/ports/network.ts";
import { lend } from "../../../broker/ports/testing/lend.ts";
import type { SeededRandom } from "./random.ts";
import type { Owner, Scheduler } from "./scheduler.ts";

/** Bytes a sender's kernel and the way hold before a writer is told to wait. */
const WINDOW_BYTES = 128 * 1024;

/** What streams need of the network they run over. */
export interface Wire {
  readonly scheduler: Scheduler;
  readonly random: SeededRandom;
  isCut(fromHost: number, toHost: number): boolean;
  latencyUs(): number;
  /** At the end of this turn, `half` sends what was written during it. */
  flushAtTurnEnd(half: StreamHalf): void;
}

/** `null` is the end of the stream. */
interface Segment {
  readonly bytes: Uint8Array | null;
  readonly atUs: number;
}

export interface HalfOptions {
  readonly owner: Owner;
  readonly host: number;
  readonly remote: string;
}

/** Sees every chunk in the order it was sent, whole writes of one turn at a time. */
export type Tap = (bytes: Uint8Array) => void;

/** One end of a connection. What it writes arrives at the other end late, in other pieces, in order, or never. */
export class StreamHalf implements ByteStream {
  readonly remote: string;
  readonly host: number;
  readonly owner: Owner;
  onData: (chunk: Uint8Array) => void = () => {};
  onDrain: () => void = () => {};
  onClose: () => void = () => {};
  tap: Tap | null = null;
  /** The machine is off: nothing is sent, not even an end. */
  isMute = false;
  readonly #wire: Wire;
  #peer: StreamHalf | null = null;
  #written: Uint8Array[] = [];
  /** Sent and not yet taken by the other end. */
  #way: Segment[] = [];
  #wayBytes = 0;
  #lastAtUs = 0;
  #isArriving = false;
  #mustDrain = false;
  #isReadPaused = false;
  #isEnded = false;
  #isClosed = false;

  constructor(wire: Wire, options: HalfOptions) {
    this.#wire = wire;
    this.owner = options.owner;
    this.host = options.host;
    this.remote = options.remote;
  }

  static join(a: StreamHalf, b: StreamHalf): void {
    a.#peer = b;
    b.#peer = a;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get pendingBytes(): number {
    const bytes = this.#wayBytes + this.#written.reduce((sum, chunk) => sum + chunk.length, 0);
    return Math.max(0, bytes - WINDOW_BYTES);
  }

  /** Whether what is written here goes that way. */
  goes(fromHost: number, toHost: number): boolean {
    return this.host === fromHost && this.#peer?.host === toHost;
  }

  write(chunk: Uint8Array): void {
    if (this.#isEnded || this.#isClosed || chunk.length === 0) return;
    if (this.#written.length === 0) this.#wire.flushAtTurnEnd(this);
    this.#written.push(chunk);
  }

  cork(): void {}

  uncork(): void {}

  pause(): void {
    this.#isReadPaused = true;
  }

  resume(): void {
    if (!this.#isReadPaused) return;
    this.#isReadPaused = false;
    this.#peer?.arrive();
  }

  close(): void {
    if (this.#isEnded) return;
    this.flush();
    this.#end();
  }

  destroy(): void {
    if (this.#isEnded) return;
    this.#written = [];
    this.#dropTail();
    this.#end();
  }

  /** The process at this end is gone. Its kernel sends some of what was written, then the end; or nothing at all. */
  abandon(): void {
    this.#written = [];
    this.#isClosed = true;
    if (this.#isEnded || this.isMute) return;
    this.#dropTail();
    this.#isEnded = true;
    this.#send(null);
  }

  /** The way between the ends broke for good: both learn it. */
  breakBoth(): void {
    this.#breakHere();
    if (this.#peer !== null) this.#peer.#breakHere();
  }

  #breakHere(): void {
    this.#written = [];
    this.#way = [];
    this.#wayBytes = 0;
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#closeSoon();
  }

  /** Sends what was written in this turn. */
  flush(): void {
    const chunks = this.#written;
    if (chunks.length === 0) return;
    this.#written = [];
    const bytes = joinedCopy(chunks);
    this.#wire.scheduler.note(bytes.length);
    this.tap?.(bytes);
    const { random } = this.#wire;
    if (bytes.length < 2 || !random.chance(0.05)) return this.#send(bytes);
    const cut = random.between(1, bytes.length - 1);
    this.#send(bytes.slice(0, cut));
    this.#send(bytes.slice(cut));
  }

  /** Goes on delivering: the way is free again, or the reader reads again. */
  arrive(): void {
    const [head] = this.#way;
    const peer = this.#peer;
    if (head === undefined || peer === null || this.#isArriving || peer.#isReadPaused) return;
    if (this.isMute || this.#wire.isCut(this.host, peer.host)) return;
    this.#isArriving = true;
    this.#wire.scheduler.after(head.atUs - this.#wire.scheduler.nowUs, peer.owner, () => this.#deliver());
  }

  #deliver(): void {
    this.#isArriving = false;
    const peer = this.#peer;
    const [head] = this.#way;
    if (peer === null || head === undefined || peer.#isReadPaused) return;
    if (this.#wire.isCut(this.host, peer.host)) return;
    this.#way.shift();
    if (head.bytes !== null) this.#wayBytes -= head.bytes.length;
    this.arrive();
    if (this.#mustDrain && this.#wayBytes <= WINDOW_BYTES / 2) this.#drainSoon();
    if (peer.#isClosed) return;
    if (head.bytes === null) peer.#receiveEnd();
    else lend(head.bytes, peer.onData);
  }

  #send(bytes: Uint8Array | null): void {
    const { scheduler } = this.#wire;
    const atUs = Math.max(scheduler.nowUs + this.#wire.latencyUs(), this.#lastAtUs + 1);
    this.#lastAtUs = atUs;
    this.#way.push({ bytes, atUs });
    if (bytes !== null) this.#wayBytes += bytes.length;
    if (this.#wayBytes > WINDOW_BYTES) this.#mustDrain = true;
    this.arrive();
  }

  #drainSoon(): void {
    this.#mustDrain = false;
    this.#wire.scheduler.after(this.#wire.random.between(1, 50), this.owner, () => {
      if (!this.#isClosed) this.onDrain();
    });
  }

  #end(): void {
    this.#isEnded = true;
    this.#send(null);
    this.#closeSoon();
  }

  #receiveEnd(): void {
    this.#isEnded = true;
    this.#written = [];
    this.#close();
  }

  /** This side hears of its own end in a later turn, as with sockets. */
  #closeSoon(): void {
    this.#wire.scheduler.after(1, this.owner, () => this.#close());
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.onClose();
  }

  /** An abrupt end loses what had not arrived: everything, or everything from some point on. */
  #dropTail(): void {
    const kept = this.#wire.random.below(this.#way.length + 1);
    for (const segment of this.#way.splice(kept)) this.#wayBytes -= segment.bytes?.length ?? 0;
  }
}

function joinedCopy(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
