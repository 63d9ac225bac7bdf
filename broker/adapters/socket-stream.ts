import type { Socket } from "node:net";
import type { ByteStream } from "../ports/network.ts";

function ignore(): void {}

/**
 * A TCP socket as a `ByteStream`. Takes the socket over: nobody else may read from it or write to it. `head` are
 * bytes that were read from it already (an HTTP upgrade); they are delivered first, in a later turn. Errors of the
 * socket are not reported apart: whatever happens ends in `onClose`, exactly once. `onDrain` comes when everything
 * pending was taken, if more than the socket's own mark (64 KiB) was pending.
 */
export const socketStream = (socket: Socket, head?: Uint8Array): ByteStream => new SocketStream(socket, head);

class SocketStream implements ByteStream {
  readonly remote: string;
  readonly #socket: Socket;
  #isClosed = false;
  onData: (chunk: Uint8Array) => void = ignore;
  onDrain: () => void = ignore;
  onClose: () => void = ignore;

  constructor(socket: Socket, head?: Uint8Array) {
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
    if (head !== undefined && head.length > 0) {
      socket.pause();
      socket.unshift(head);
      socket.resume();
    }
  }

  get pendingBytes(): number {
    return this.#socket.writableLength;
  }

  write(chunk: Uint8Array, onSent?: () => void): void {
    if (!this.#socket.writable) return;
    if (onSent === undefined) this.#socket.write(chunk);
    else this.#socket.write(chunk, (error) => (error ? undefined : onSent()));
  }

  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#isClosed) this.#socket.resume();
  }

  close(): void {
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #end(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.onClose();
  }
}
