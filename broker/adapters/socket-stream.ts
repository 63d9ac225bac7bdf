import type { Socket } from "node:net";
import type { ByteStream } from "../ports/network.ts";

function ignore(): void {}

/** What is gathered into one write at most; of more, copying would cost what it saves. */
const GATHERED_BYTES_MAX = 32 * 1024;
/** Filled and handed to the kernel within one step; of all sockets. */
let gatherBlock: Uint8Array = Buffer.allocUnsafeSlow(GATHERED_BYTES_MAX);

/** One chunk that was written while the stream was corked. */
interface Written {
  readonly chunk: Uint8Array;
  readonly onSent: (() => void) | undefined;
}

/**
 * A TCP socket as a `ByteStream`. Takes the socket over: nobody else may read from it or write to it. Errors of the
 * socket are not reported apart: whatever happens ends in `onClose`, exactly once. `onDrain` comes when everything
 * pending was taken, if more than the socket's own mark (64 KiB) was pending.
 */
export const socketStream = (socket: Socket): ByteStream => new SocketStream(socket);

/**
 * What takes the chunks of a stream of which `early` was read before it was one (an HTTP upgrade): that is delivered
 * before the first chunk, in a later turn.
 */
export function earlyFirst(stream: ByteStream, early: Uint8Array): (chunk: Uint8Array) => void {
  let waiting = early.length === 0 ? null : early;
  const deliverEarly = (): void => {
    const first = waiting;
    waiting = null;
    if (first !== null) stream.onData(first);
  };
  if (waiting !== null) setImmediate(deliverEarly);
  return (chunk) => {
    deliverEarly();
    stream.onData(chunk);
  };
}

class SocketStream implements ByteStream {
  readonly remote: string;
  readonly #socket: Socket;
  #isClosed = false;
  #corks = 0;
  #written: Written[] = [];
  #writtenBytes = 0;
  onData: (chunk: Uint8Array) => void = ignore;
  onDrain: () => void = ignore;
  onClose: () => void = ignore;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.remote = `${socket.remoteAddress ?? "unknown"}:${socket.remotePort ?? 0}`;
    socket.setNoDelay(true);
    socket.setTimeout(0);
    socket.on("data", (chunk: Uint8Array) => this.onData(chunk));
    socket.on("drain", () => this.onDrain());
    socket.on("error", ignore);
    // A server's upgraded sockets stay half open by default: the death of a peer would show at the next write only.
    socket.on("end", () => socket.destroySoon());
    socket.on("close", () => this.#end());
  }

  get pendingBytes(): number {
    return this.#socket.writableLength + this.#writtenBytes;
  }

  write(chunk: Uint8Array, onSent?: () => void): void {
    if (!this.#socket.writable) return;
    if (this.#corks === 0) return this.#hand(chunk, onSent);
    this.#written.push({ chunk, onSent });
    this.#writtenBytes += chunk.length;
  }

  #hand(chunk: Uint8Array, onSent: (() => void) | undefined): void {
    if (onSent === undefined) this.#socket.write(chunk);
    else this.#socket.write(chunk, (error) => (error ? undefined : onSent()));
  }

  cork(): void {
    this.#corks++;
  }

  uncork(): void {
    if (--this.#corks === 0) this.#sendWritten();
  }

  /** Small chunks as one: a list for `writev` costs the socket more than the copy. */
  #sendWritten(): void {
    if (this.#written.length === 0) return;
    const [written, bytes] = [this.#written, this.#writtenBytes];
    this.#written = [];
    this.#writtenBytes = 0;
    if (!this.#socket.writable) return;
    const isSmall = bytes <= GATHERED_BYTES_MAX && this.#socket.writableLength === 0;
    if (written.length > 1 && isSmall) return this.#sendGathered(written);
    this.#socket.cork();
    for (const { chunk, onSent } of written) this.#hand(chunk, onSent);
    this.#socket.uncork();
  }

  #sendGathered(written: readonly Written[]): void {
    let bytes = 0;
    for (const { chunk } of written) {
      gatherBlock.set(chunk, bytes);
      bytes += chunk.length;
    }
    this.#socket.write(gatherBlock.subarray(0, bytes));
    // What the kernel has not taken at once is the socket's until it has.
    if (this.#socket.writableLength > 0) gatherBlock = Buffer.allocUnsafeSlow(GATHERED_BYTES_MAX);
    for (const { onSent } of written) onSent?.();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#isClosed) this.#socket.resume();
  }

  close(): void {
    this.#sendWritten();
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #end(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#written = [];
    this.#writtenBytes = 0;
    this.onClose();
  }
}
