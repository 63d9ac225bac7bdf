import { afterEach, describe, expect, test } from "@jest/globals";
import { connect, createServer } from "node:net";
import type { ByteStream, ExchangeServer } from "../ports/network.ts";
import { silent } from "../base/logging.ts";
import { httpNetwork as networkWith, type HttpServer, serveHttp } from "./http-network.ts";
import { tokenGuard } from "./request-guard.ts";
import { tokensOf } from "./token-match.ts";

const host = "127.0.0.1";
const timeoutMs = 5000;
const httpNetwork = networkWith(tokensOf(() => ["secret"]));
/** One token ago. */
const accepted = tokensOf(() => ["newer", "secret"]);
const guard = tokenGuard({ logger: silent, nowMs: () => 0 }, () => accepted);
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
let open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const one of open) await one.close();
  open = [];
});

/** Echoes what comes on /echo, and refuses everything else with 421. */
function echoing(incarnation: string): ExchangeServer & { streams: ByteStream[] } {
  const streams: ByteStream[] = [];
  return {
    incarnation,
    streams,
    onExchange(path, accept, refuse) {
      if (path !== "/echo") return refuse(421, JSON.stringify({ host: "elsewhere", port: 9 }));
      const stream = accept();
      streams.push(stream);
      stream.onData = (chunk) => stream.write(Buffer.from(chunk));
    },
    onPost: async (path, body) => ({ status: 200, body: { path, body } }),
  };
}

async function serve(exchanges: ExchangeServer): Promise<HttpServer> {
  const server = await serveHttp({
    host,
    port: 0,
    exchanges,
    guard,
    fallback: (_, response) => response.end("fallback"),
  });
  open.push(server);
  return server;
}

describe("HTTP between processes", () => {
  test("an accepted exchange carries bytes in both directions until one side closes it", async () => {
    const server = await serve(echoing("i1"));
    const result = await httpNetwork.exchange(server.address, "/echo", { timeoutMs });
    if (result.kind !== "accepted") throw new Error(result.kind);
    const { stream } = result;
    const answer = new Promise<string>((resolve) => {
      stream.onData = (chunk) => resolve(text(chunk));
    });
    stream.write(Buffer.from("hello"));
    expect(await answer).toBe("hello");
    const closed = new Promise<void>((resolve) => {
      stream.onClose = resolve;
    });
    stream.close();
    await closed;
  });

  test("chunks that are reused lose no byte, and what came early is delivered first", async () => {
    const server = await serve({
      ...echoing("i1"),
      onExchange(_path, accept) {
        const stream = accept();
        stream.write(Buffer.from("early "));
        stream.onData = (chunk) => stream.write(Buffer.from(chunk));
      },
    });
    const result = await httpNetwork.exchange(server.address, "/echo", { timeoutMs });
    if (result.kind !== "accepted") throw new Error(result.kind);
    const sent = Buffer.from(Array.from({ length: 3_000_000 }, (_, at) => at % 251));
    const received: Buffer[] = [];
    const done = new Promise<void>((resolve) => {
      result.stream.onData = (chunk) => {
        received.push(Buffer.from(chunk));
        if (received.reduce((sum, one) => sum + one.length, 0) === sent.length + 6) resolve();
      };
    });
    result.stream.write(sent);
    await done;
    expect(Buffer.concat(received).equals(Buffer.concat([Buffer.from("early "), sent]))).toBe(true);
    result.stream.close();
  });

  test("what comes with the request is delivered before what comes later", async () => {
    const server = await serve(echoing("i1"));
    const socket = connect(server.address.port, host);
    const fields = "host: x\r\nconnection: Upgrade\r\nupgrade: tidemark/1\r\nauthorization: Bearer secret";
    socket.write(`GET /echo HTTP/1.1\r\n${fields}\r\n\r\nearly `);
    let received = "";
    const echoed = new Promise<void>((resolve) => {
      socket.on("data", (chunk: Buffer) => {
        received += chunk.toString();
        if (received.endsWith("\r\n\r\nearly ")) socket.write("later");
        if (received.endsWith("later")) resolve();
      });
    });
    await echoed;
    expect(received).toMatch(/^HTTP\/1\.1 101 [^]*\r\n\r\nearly later$/);
    socket.destroy();
  });

  test("the end of the server is the end of its exchanges", async () => {
    const server = await serve(echoing("i1"));
    const result = await httpNetwork.exchange(server.address, "/echo", { timeoutMs });
    if (result.kind !== "accepted") throw new Error(result.kind);
    const closed = new Promise<string>((resolve) => {
      result.stream.onClose = () => resolve("closed");
    });
    await server.close();
    expect(await closed).toBe("closed");
  });

  test.each(["content-length: 5", "transfer-encoding: chunked"])(
    "an exchange that announces a body is refused: %s",
    async (field) => {
      const server = await serve(echoing("i1"));
      const socket = connect(server.address.port, host);
      const upgrade = `host: x\r\nconnection: Upgrade\r\nupgrade: tidemark/1\r\n${field}`;
      socket.write(`GET /echo HTTP/1.1\r\n${upgrade}\r\nauthorization: Bearer secret\r\n\r\n`);
      let received = "";
      for await (const chunk of socket) received += String(chunk);
      expect(received).toMatch(/^HTTP\/1\.1 400 [^]*a request for an exchange has no body$/);
    },
  );

  test("whoever is refused and had more to say leaves nothing open", async () => {
    const server = await serve(echoing("i1"));
    const openSockets = (): number => process.getActiveResourcesInfo().filter((one) => one === "TCPSocketWrap").length;
    const before = openSockets();
    for (let round = 0; round < 10; round++) {
      const socket = connect(server.address.port, host);
      const closed = new Promise((resolve) => socket.on("close", resolve));
      socket.resume();
      socket.write("GET /echo HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: tidemark/1\r\n\r\n");
      socket.end("after");
      await closed;
    }
    while (openSockets() > before) await new Promise((resolve) => setImmediate(resolve));
    expect(openSockets()).toBeLessThanOrEqual(before);
  });

  test("an address that can be none is unreachable", async () => {
    for (const address of [
      { host, port: 70_000 },
      { host, port: 1.5 },
      { host, port: 1, path: "/a b" },
    ]) {
      expect((await httpNetwork.exchange(address, "/echo", { timeoutMs })).kind).toBe("unreachable");
    }
  });

  test("an exchange that nobody answers, or not by HTTP, is unreachable", async () => {
    const silent = createServer((socket) => socket.resume());
    const strange = createServer((socket) => socket.resume().end("220 mail\r\n\r\n"));
    for (const server of [silent, strange]) {
      await new Promise<void>((resolve) => server.listen(0, host, resolve));
      const { port } = server.address() as { port: number };
      const options = { timeoutMs: 100 };
      expect((await httpNetwork.exchange({ host, port }, "/echo", options)).kind).toBe("unreachable");
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      expect((await httpNetwork.exchange({ host, port }, "/echo", options)).kind).toBe("unreachable");
    }
  });

  test("a refusal comes with its status and text", async () => {
    const server = await serve(echoing("i1"));
    const result = await httpNetwork.exchange(server.address, "/other", { timeoutMs });
    expect(result).toEqual({ kind: "refused", status: 421, text: '{"host":"elsewhere","port":9}' });
  });

  test("a probe tells who answers, a refused connection, and silence apart", async () => {
    const server = await serve(echoing("i7"));
    expect(await httpNetwork.probe(server.address, { timeoutMs })).toEqual({ kind: "answered", incarnation: "i7" });
    const silent = createServer((socket) => socket.resume());
    await new Promise<void>((resolve) => silent.listen(0, host, resolve));
    const { port } = silent.address() as { port: number };
    expect(await httpNetwork.probe({ host, port }, { timeoutMs: 50 })).toEqual({ kind: "silent" });
    await new Promise<void>((resolve) => {
      silent.close(() => resolve());
    });
    expect(await httpNetwork.probe({ host, port }, { timeoutMs })).toEqual({ kind: "refused" });
  });

  test("a posted body is answered, and no JSON is refused", async () => {
    const server = await serve(echoing("i1"));
    const answer = await httpNetwork.post(server.address, "/v1/x", { a: 1 }, { timeoutMs });
    expect(answer).toEqual({ status: 200, body: { path: "/v1/x", body: { a: 1 } } });
    const url = `http://${host}:${server.address.port}/v1/x`;
    const authorization = "Bearer secret";
    const headers = { "content-type": "application/json", authorization };
    const bad = await fetch(url, { method: "POST", headers, body: "{" });
    expect(bad.status).toBe(400);
    // What a page of another origin can send unasked.
    expect((await fetch(url, { method: "POST", headers: { authorization }, body: "{}" })).status).toBe(415);
    expect(await (await fetch(`http://${host}:${server.address.port}/else`, { headers })).text()).toBe("fallback");
  });

  test("a port in use is one clear error", async () => {
    const server = await serve(echoing("i1"));
    const options = { host, port: server.address.port, guard, exchanges: echoing("i2"), fallback: () => {} };
    await expect(serveHttp(options)).rejects.toMatchObject({ code: "PORT_IN_USE" });
  });

  test("whoever does not show the token is refused with one line, on every path that is not for watching", async () => {
    const server = await serve(echoing("i1"));
    for (const tokens of [[], [""], ["wrong"], ["secre"], ["secret2"]]) {
      const stranger = networkWith(tokensOf(() => tokens));
      const result = await stranger.exchange(server.address, "/echo", { timeoutMs });
      expect(result).toMatchObject({ kind: "refused", status: 401 });
      expect(await stranger.post(server.address, "/v1/x", {}, { timeoutMs })).toMatchObject({ status: 401 });
      expect((await stranger.probe(server.address, { timeoutMs })).kind).toBe("answered");
    }
    const get = (path: string) => fetch(`http://${host}:${server.address.port}${path}`);
    expect((await get("/v1/status")).status).toBe(401);
    expect((await get("/metrics/")).status).toBe(401);
    expect(await (await get("/metrics?x=1")).text()).toBe("fallback");
    expect(await (await get("/healthz")).text()).toBe("fallback");
  });

  test("an address may name the path that begins all others", async () => {
    const server = await serve(echoing("i1"));
    const answer = await httpNetwork.post({ ...server.address, path: "/clusters/n/c" }, "/v1/x", {}, { timeoutMs });
    expect(answer?.body).toMatchObject({ path: "/clusters/n/c/v1/x" });
  });
});
