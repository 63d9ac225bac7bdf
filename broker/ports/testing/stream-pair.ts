import type { ByteStream } from "../network.ts";
import { lend } from "./lend.ts";

const ignore = (): void => {};

/** One end of a connection within the process. Chunks arrive in a later microtask, as written. */
class PairedStream implements ByteStream {
  readonly remote: string;
  other: PairedStream | null = null;
  onData: (chunk: Uint8Array) => void = ignore;
  onDrain: () => void = ignore;
  onClose: () => void = ignore;
  pendingBytes = 0;
  #inbox: Uint8Array[] = [];
  #isPaused = false;
  #isClosed = false;
  #isEnding = false;
  #isScheduled = false;

  constructor(remote: string) {
    this.remote = remote;
  }

  write(chunk: Uint8Array): void {
    if (this.#isClosed || this.#isEnding || this.other === null) return;
    this.pendingBytes += chunk.length;
    this.other.#inbox.push(chunk);
    this.other.#schedule();
  }

  cork(): void {}

  uncork(): void {}

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#schedule();
  }

  close(): void {
    if (this.#isEnding || this.#isClosed) return;
    this.#isEnding = true;
    if (this.other !== null) this.other.#schedule();
    queueMicrotask(() => this.#end());
  }

  destroy(): void {
    if (this.#isClosed) return;
    this.#inbox = [];
    const other = this.other;
    queueMicrotask(() => {
      if (other !== null) other.#end();
    });
    queueMicrotask(() => this.#end());
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    let taken = 0;
    while (!this.#isPaused && !this.#isClosed && this.#inbox.length > 0) {
      const chunk = this.#inbox.shift();
      if (chunk === undefined) break;
      taken += chunk.length;
      lend(new Uint8Array(chunk), this.onData);
    }
    const other = this.other;
    if (other !== null && taken > 0) {
      other.pendingBytes -= taken;
      if (other.pendingBytes === 0 && !other.#isClosed) other.onDrain();
    }
    if (other !== null && other.#isEnding && this.#inbox.length === 0) this.#end();
  }

  #end(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.onClose();
    this.onData = ignore;
  }
}

/** Two ends of one connection. */
export function streamPair(): [ByteStream, ByteStream] {
  const [near, far] = [new PairedStream("far"), new PairedStream("near")];
  near.other = far;
  far.other = near;
  return [near, far];
}
