import { Socket } from "node:net";
import { assert } from "../base/assert.ts";
import type { ByteStream } from "../ports/network.ts";
import { intoOneBuffer } from "./receive-buffer.ts";
import { earlyFirst, socketStream } from "./socket-stream.ts";

/** What a server's socket stands on. Node has no public name for it. */
interface Handle {
  /** What its socket believes. */
  reading: boolean;
  readStop(): unknown;
}

const NO_BYTES = new Uint8Array(0);

/** A socket that a server accepted, as a stream, and who closes it. */
export interface ReusingSocket {
  readonly socket: Socket;
  readonly stream: ByteStream;
}

/**
 * Takes an accepted socket over so that its reads go into the one buffer. Node reads for a server's sockets into
 * 64 KiB of new memory each time, and collecting those took a quarter of a broker's time under load (docs/adr/0012).
 * Its `onread` option does better, but only sockets that one makes oneself have it: so the handle of the accepted
 * socket is given to such a socket. `head` are bytes that were read from it already (an HTTP upgrade).
 */
export function reusingSocket(accepted: Socket, head: Uint8Array = NO_BYTES): ReusingSocket {
  const owner = accepted as unknown as { _handle: Handle | null };
  const handle = owner._handle;
  assert(handle !== null, "a socket that was accepted just now has its handle");
  handle.readStop();
  handle.reading = false;
  owner._handle = null;
  // It reads in a later turn, when there is a stream to deliver to.
  const onread = intoOneBuffer((chunk) => deliver(chunk));
  const socket = new Socket({ handle, onread } as unknown as ConstructorParameters<typeof Socket>[0]);
  accepted.destroy();
  const stream = socketStream(socket);
  const deliver = earlyFirst(stream, head);
  socket.resume();
  return { socket, stream };
}
