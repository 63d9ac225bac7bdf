import { expect, test } from "@jest/globals";
import { createHash } from "node:crypto";
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

test("what is gathered while a stream is corked counts as pending, and may change once it is uncorked", async () => {
  const { server, client, stop } = await pair();
  const received: Buffer[] = [];
  const all = new Promise<void>((resolve) => {
    client.onData = (chunk) => {
      received.push(Buffer.from(chunk));
      if (Buffer.concat(received).length === 9) resolve();
    };
  });
  const block = Buffer.from("a to f");
  server.cork();
  server.write(block.subarray(0, 3));
  server.cork();
  server.write(block.subarray(3));
  server.uncork();
  expect(server.pendingBytes).toBe(6);
  server.uncork();
  block.fill("x");
  server.write(Buffer.from("end"));
  await all;
  expect(Buffer.concat(received).toString()).toBe("a to fend");
  client.destroy();
  await stop();
});

test("a stream whose reader does not read keeps everything in its order, large and small", async () => {
  const { server, client, stop } = await pair();
  client.pause();
  const written = createHash("sha256");
  let bytes = 0;
  for (let round = 0; round < 400; round++) {
    server.cork();
    for (const size of [10, 20_000, round % 40 === 0 ? 100_000 : 500]) {
      const chunk = Buffer.alloc(size, `${round} `);
      written.update(chunk);
      bytes += size;
      server.write(chunk);
    }
    server.uncork();
  }
  expect(server.pendingBytes).toBeGreaterThan(0);
  const read = createHash("sha256");
  let readBytes = 0;
  const all = new Promise<void>((resolve) => {
    client.onData = (chunk) => {
      read.update(chunk);
      readBytes += chunk.length;
      if (readBytes === bytes) resolve();
    };
  });
  client.resume();
  await all;
  expect(read.digest("hex")).toBe(written.digest("hex"));
  client.destroy();
  await stop();
});

test("what was gathered is sent before a stream closes", async () => {
  const { server, client, stop } = await pair();
  const received: Buffer[] = [];
  client.onData = (chunk) => received.push(Buffer.from(chunk));
  const closed = new Promise<void>((resolve) => (client.onClose = resolve));
  server.cork();
  server.write(Buffer.from("good"));
  server.write(Buffer.from("bye"));
  server.close();
  server.uncork();
  await closed;
  expect(Buffer.concat(received).toString()).toBe("goodbye");
  await stop();
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
