import { Socket } from "node:net";
import { assert } from "../base/assert.ts";
import type { ByteStream } from "../ports/network.ts";
import { socketStream } from "./socket-stream.ts";

/** One read takes two batches of the usual size whole. */
const RECEIVE_BYTES = 256 * 1024;

/** What a server's socket stands on. Node has no public name for it. */
interface Handle {
  readonly readStop?: unknown;
}

/**
 * Makes streams of accepted sockets whose reads all go into one buffer: a chunk is the receiver's only until its
 * `onData` returns. Node reads for a server's sockets into 64 KiB of new memory each time, and collecting those took a
 * quarter of a broker's time under load (docs/adr/0012). Its `onread` option does better, but only sockets that one
 * makes oneself have it: so the handle of the accepted socket, which has not read yet (`pauseOnConnect`), is given to
 * such a socket. All sockets share the buffer, since a read and its callback are one step of the event loop.
 */
export function reusingStreams(): (accepted: Socket) => ByteStream {
  const buffer = Buffer.allocUnsafeSlow(RECEIVE_BYTES);
  return (accepted) => {
    const owner = accepted as unknown as { _handle: Handle | null };
    const handle = owner._handle;
    assert(handle !== null, "a socket that was accepted just now has its handle");
    owner._handle = null;
    let stream: ByteStream | null = null;
    const onread = {
      buffer,
      callback(countBytes: number): boolean {
        stream?.onData(buffer.subarray(0, countBytes));
        return true;
      },
    };
    const socket = new Socket({ handle, onread } as unknown as ConstructorParameters<typeof Socket>[0]);
    accepted.destroy();
    stream = socketStream(socket);
    socket.resume();
    return stream;
  };
}
