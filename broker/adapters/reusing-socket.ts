import { Socket } from "node:net";
import { assert } from "../base/assert.ts";
import type { ByteStream } from "../ports/network.ts";
import { RECEIVE_BUFFER } from "./receive-buffer.ts";
import { socketStream } from "./socket-stream.ts";

/** What a server's socket stands on. Node has no public name for it. */
interface Handle {
  /** What its socket believes. */
  reading: boolean;
  readStop(): unknown;
}

/** A socket that a server accepted, as a stream, and who closes it. */
export interface ReusingSocket {
  readonly socket: Socket;
  readonly stream: ByteStream;
}

/**
 * Takes an accepted socket over so that its reads go into the one buffer. Node reads for a server's sockets into
 * 64 KiB of new memory each time, and collecting those took a quarter of a broker's time under load (docs/adr/0012).
 * Its `onread` option does better, but only sockets that one makes oneself have it: so the handle of the accepted
 * socket is given to such a socket. `head` are bytes that were read from it already (an HTTP upgrade); they are
 * delivered first, in a later turn.
 */
export function reusingSocket(accepted: Socket, head?: Uint8Array): ReusingSocket {
  const owner = accepted as unknown as { _handle: Handle | null };
  const handle = owner._handle;
  assert(handle !== null, "a socket that was accepted just now has its handle");
  handle.readStop();
  handle.reading = false;
  owner._handle = null;
  let stream: ByteStream | null = null;
  let early = head === undefined || head.length === 0 ? null : head;
  const deliver = (chunk: Uint8Array | null): void => {
    const first = early;
    early = null;
    if (first !== null) stream?.onData(first);
    if (chunk !== null) stream?.onData(chunk);
  };
  const onread = {
    buffer: RECEIVE_BUFFER,
    callback(countBytes: number): boolean {
      deliver(RECEIVE_BUFFER.subarray(0, countBytes));
      return true;
    },
  };
  const socket = new Socket({ handle, onread } as unknown as ConstructorParameters<typeof Socket>[0]);
  accepted.destroy();
  stream = socketStream(socket);
  if (early !== null) setImmediate(() => deliver(null));
  socket.resume();
  return { socket, stream };
}
