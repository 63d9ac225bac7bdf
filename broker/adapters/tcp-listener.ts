import { createServer, type Server } from "node:net";
import { TidemarkError } from "../base/errors.ts";
import type { Address, ByteStream } from "../ports/network.ts";
import { reusingSocket } from "./reusing-socket.ts";

/** Connections the kernel keeps for us while we are busy. */
const BACKLOG = 1024;

/** An open port: `address` has the real port when 0 was asked for. */
export interface TcpListener {
  readonly address: Address;
  /** Stops accepting; connections that stand go on. */
  close(): Promise<void>;
}

/**
 * Listens on `host` (all interfaces, both families, when it is ""), port 0 = any free one, and hands each connection
 * to `accept` in the turn in which it came.
 * @throws TidemarkError PORT_IN_USE, or BAD_INPUT for a host or port that cannot be listened on.
 */
export async function listenTcp(address: Address, accept: (stream: ByteStream) => void): Promise<TcpListener> {
  const server = createServer({ pauseOnConnect: true }, (socket) => accept(reusingSocket(socket).stream));
  await listen(server, address);
  const bound = server.address();
  const port = bound !== null && typeof bound === "object" ? bound.port : address.port;
  return {
    address: { host: address.host, port },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
      }),
  };
}

function listen(server: Server, { host, port }: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => reject(listenError(cause, { host, port })));
    server.listen({ port, backlog: BACKLOG, ...(host === "" ? {} : { host }) }, () => {
      server.removeAllListeners("error");
      server.on("error", () => {
        // A single accept that failed (for instance too many open files): the listener goes on.
      });
      resolve();
    });
  });
}

function listenError(cause: NodeJS.ErrnoException, { host, port }: Address): TidemarkError {
  const where = host === "" ? `port ${port}` : `${host}:${port}`;
  if (cause.code === "EADDRINUSE") {
    return new TidemarkError("PORT_IN_USE", `${where} is in use; stop what listens there or choose another port`, {
      cause,
    });
  }
  return new TidemarkError("BAD_INPUT", `cannot listen on ${where} (${cause.code ?? "failed"}); check host and port`, {
    cause,
  });
}
