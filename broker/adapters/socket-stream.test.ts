import { expect, test } from "@jest/globals";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { isTidemarkError } from "../base/errors.ts";
import type { ByteStream } from "../ports/network.ts";
import { socketStream } from "./socket-stream.ts";
import { listenTcp } from "./tcp-listener.ts";

async function pair(): Promise<{ server: ByteStream; client: ByteStream; stop: () => Promise<void> }> {
  let accepted: (stream: ByteStream) => void = () => {};
  const arrived = new Promise<ByteStream>((resolve) => {
    accepted = resolve;
  });
  const listener = await listenTcp({ host: "127.0.0.1", port: 0 }, (stream) => accepted(stream));
  const client = socketStream(connect(listener.address.port, "127.0.0.1"));
  return { server: await arrived, client, stop: () => listener.close() };
}

test("bytes written on one side arrive on the other, and closing is told once to each side", async () => {
  const { server, client, stop } = await pair();
  let closes = 0;
  const clientClosed = new Promise<void>((resolve) => {
    client.onClose = () => {
      closes += 1;
      resolve();
    };
  });
  const received = new Promise<string>((resolve) => {
    let text = "";
    client.onData = (chunk) => {
      text += Buffer.from(chunk).toString();
      if (text === "hello world") resolve(text);
    };
  });
  server.cork();
  server.write(Buffer.from("hello "));
  server.write(Buffer.from("world"));
  server.uncork();
  expect(await received).toBe("hello world");
  server.close();
  await clientClosed;
  client.destroy();
  client.write(Buffer.from("after the end"));
  await stop();
  expect(closes).toBe(1);
});

test("a writer that outruns its reader sees pending bytes, and drain when the reader takes them", async () => {
  const { server, client, stop } = await pair();
  client.pause();
  const size = 32 * 1024 * 1024;
  const drained = new Promise<void>((resolve) => {
    server.onDrain = resolve;
  });
  server.write(Buffer.alloc(size));
  expect(server.pendingBytes).toBeGreaterThan(0);
  let received = 0;
  const all = new Promise<void>((resolve) => {
    client.onData = (chunk) => {
      received += chunk.length;
      if (received === size) resolve();
    };
  });
  client.resume();
  await Promise.all([drained, all]);
  expect(server.pendingBytes).toBe(0);
  client.destroy();
  await stop();
});

test("a port in use is one clear line", async () => {
  const first = await listenTcp({ host: "127.0.0.1", port: 0 }, () => {});
  const second = await listenTcp(first.address, () => {}).catch((error: unknown) => error);
  expect(isTidemarkError(second) && second.code).toBe("PORT_IN_USE");
  expect(String(second)).toContain(`127.0.0.1:${first.address.port} is in use`);
  await first.close();
});

test("a host that is not ours is refused as bad input", async () => {
  const error = await listenTcp({ host: "192.0.2.1", port: 0 }, () => {}).catch((caught: unknown) => caught);
  expect(isTidemarkError(error) && error.code).toBe("BAD_INPUT");
});

test("the end of the peer ends the stream, also on a socket that may stay half open", async () => {
  const server = createServer({ allowHalfOpen: true });
  const closed = new Promise<void>((resolve) => {
    server.once("connection", (socket) => {
      socketStream(socket).onClose = resolve;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  client.end();
  await closed;
  const isStopped = await new Promise<boolean>((resolve) => server.close((error) => resolve(error === undefined)));
  expect(isStopped).toBe(true);
});

test("what was written may change once the stream says that it is sent, and a break does not say so", async () => {
  const server = createServer();
  const accepted = new Promise<ByteStream>((resolve) => {
    server.once("connection", (socket) => resolve(socketStream(socket)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const stream = await accepted;
  const received: Buffer[] = [];
  client.on("data", (chunk: Buffer) => received.push(chunk));
  const block = new Uint8Array(512 * 1024).fill(1);
  await new Promise<void>((resolve) => stream.write(block, resolve));
  block.fill(2);
  await new Promise<void>((resolve) => stream.write(block.subarray(0, 1000), resolve));
  const ended = once(client, "end");
  stream.close();
  await ended;
  const bytes = Buffer.concat(received);
  expect([bytes.length, bytes.indexOf(2), bytes.subarray(512 * 1024).every((byte) => byte === 2)]).toEqual([
    512 * 1024 + 1000,
    512 * 1024,
    true,
  ]);
  stream.write(block, () => {
    throw new Error("nothing was sent");
  });
  await new Promise((resolve) => server.close(resolve));
});
