import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { type ApiListener, listenApi } from "../../adapters/api-listener.ts";
import { settle } from "../../base/testing/fake-clock.ts";
import { Peers } from "../../peers/peers.ts";
import type { FakeReplica } from "../../testing/fake-replica.ts";
import { idOf, TestBroker } from "../../testing/test-broker.ts";
import { buildBatch } from "../../wire/record-batch-builder.ts";
import { HttpApi } from "./http-api.ts";

jest.setTimeout(60_000);

const NO_NETWORK = { exchange: async () => ({ kind: "unreachable", reason: "there is none" }) } as never;

/** One broker's API on a real port, over partitions and a clock that the test moves. */
class World {
  readonly broker = new TestBroker();
  readonly replica: FakeReplica;
  readonly api: HttpApi;
  readonly sockets: Socket[] = [];
  isServing = true;
  isOver = false;
  listener!: ApiListener;

  constructor() {
    this.replica = this.broker.addTopic({ name: "orders", id: 1 })[0]!;
    const { context: broker } = this.broker;
    this.api = new HttpApi({
      broker,
      peers: new Peers(NO_NETWORK, { broker, onBug: (error) => this.broker.bugs.push(error) }),
      clock: broker.clock,
      random: { next: () => 0, id: () => "" },
      metrics: this.broker.metrics,
      logger: broker.logger,
      isServing: () => this.isServing,
      onBug: (error) => this.broker.bugs.push(error),
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.listener.address.port}`;
  }

  append(...values: string[]): void {
    this.replica.append(buildBatch(values.map((value) => ({ value, timestamp: 1 }))));
    this.replica.commit();
  }

  /** A client that says one thing and takes what comes. */
  open(path: string): { readonly socket: Socket; text: string; isClosed: boolean } {
    const socket = connect(this.listener.address.port, "127.0.0.1");
    const client = { socket, text: "", isClosed: false };
    this.sockets.push(socket);
    socket.on("data", (chunk) => (client.text += chunk.toString("utf8")));
    socket.on("close", () => (client.isClosed = true)).on("error", () => {});
    socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${this.listener.address.port}\r\n\r\n`);
    return client;
  }

  /** Lets time pass, and sockets have their turns, until `condition` holds. */
  async until(condition: () => boolean, stepMs = 10): Promise<void> {
    while (!condition()) {
      if (this.isOver) throw new Error("the test is over");
      await this.broker.clock.advance(stepMs);
      await settle();
    }
  }

  counted(name: string): number {
    const family = this.broker.metrics.read().find((one) => one.name === name);
    return [...(family?.samples ?? [])].reduce((sum, { value }) => sum + value, 0);
  }
}

let world: World;

beforeEach(async () => {
  world = new World();
  world.listener = await listenApi({ host: "127.0.0.1", port: 0 }, (...call) => world.api.handle(...call));
});

afterEach(async () => {
  world.isOver = true;
  for (const socket of world.sockets) socket.destroy();
  await world.listener.close(0);
  expect(world.broker.bugs).toEqual([]);
});

/** Without the connection being kept: nothing is left open for the end of the test. */
async function get(path: string, headers: Record<string, string> = {}): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${world.url}${path}`, { headers: { ...headers, connection: "close" } });
  return { status: response.status, body: await response.json() };
}

/** As a browser asks: `fetch` of Node keeps such headers for itself. */
const answerTo = (path: string, headers: Record<string, string>): Promise<{ status: number; text: string }> =>
  new Promise((resolve) => {
    request(`${world.url}${path}`, { headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    }).end();
  });

const statusOf = async (path: string, headers: Record<string, string>): Promise<number> =>
  (await answerTo(path, headers)).status;

describe("a stream of events", () => {
  test("shows that it lives while nothing comes", async () => {
    const client = world.open("/topics/orders/events");
    await world.until(() => client.text.includes("id: 0\n\n"));
    await world.until(() => client.text.endsWith("\n\n:\n\n"), 1000);
    world.append("1");
    await world.until(() => client.text.includes('"value":1}'));
    expect(client.isClosed).toBe(false);
  });

  test("is closed when its client takes nothing for a minute, and holds nothing for it meanwhile", async () => {
    const large = JSON.stringify("x".repeat(500_000));
    for (let record = 0; record < 60; record++) world.append(large);
    const client = world.open("/topics/orders/events?from=beginning");
    client.socket.pause();
    await world.until(() => world.counted("tidemark_http_readers") === 1);
    await world.until(() => world.counted("tidemark_http_stalled_readers_total") === 1, 5000);
    expect(world.counted("tidemark_http_readers")).toBe(0);
    expect(world.counted("tidemark_http_records_total")).toBeLessThan(60);
  });

  test("is not begun while others have not taken what they were given", async () => {
    world.append(JSON.stringify("x".repeat(12_000_000)));
    const slow = Array.from({ length: 6 }, () => world.open("/topics/orders/events?from=beginning"));
    for (const { socket } of slow) socket.pause();
    await world.until(() => world.counted("tidemark_http_records_total") === 6);
    expect(await get("/topics/orders/records")).toMatchObject({ status: 503, body: { error_code: 50_003 } });
    for (const { socket } of slow) socket.destroy();
    await world.until(() => world.counted("tidemark_http_readers") === 0);
    expect(await statusOf("/topics/orders/records?from=end", {})).toBe(200);
  });

  test("tells of records that were deleted before it came to them, and goes on behind", async () => {
    world.append("1", "2", "3");
    world.append("4");
    world.replica.deleteRecords(3 as never, { timeoutMs: 0 }, () => {});
    const hung = await fetch(`${world.url}/topics/orders/events`, { headers: { "last-event-id": "1" } });
    const reader = hung.body!.pipeThrough(new TextDecoderStream() as never).getReader();
    let text = "";
    while (!text.includes('"value":4}')) {
      const reading = reader.read();
      await world.until(() => true);
      await world.broker.clock.advance(100);
      text += String((await reading).value);
    }
    expect(text).toContain('event: gap\ndata: {"partition":0,"from":1,"to":3}\n\n');
    await reader.cancel();
  });

  test("ends with a word when its topic is deleted", async () => {
    const client = world.open("/topics/orders/events");
    await world.until(() => client.text.includes("id: 0\n\n"));
    world.broker.apply({ deletions: [{ topicId: idOf(1), name: "orders", waitingFor: [] }] });
    await world.until(() => client.isClosed, 100);
    expect(client.text).toContain('event: error\ndata: {"error_code":40401,"message":"Topic not found."}\n\n');
  });

  test("ends with a word when the broker stops; what comes then is sent elsewhere", async () => {
    const client = world.open("/topics/orders/events");
    await world.until(() => client.text.includes("id: 0\n\n"));
    world.api.stop();
    await world.until(() => client.isClosed);
    expect(client.text).toContain('event: error\ndata: {"error_code":50003,"message":"this broker stops;');
    expect(await get("/topics")).toMatchObject({ status: 503, body: { error_code: 50_003 } });
  });
});

describe("a reader", () => {
  test("is told of a batch that cannot be opened, and of nothing behind it", async () => {
    world.append("1");
    const broken = buildBatch([{ value: "x".repeat(100), timestamp: 1 }], { compression: "gzip" });
    broken.fill(0, 80);
    world.replica.append(broken);
    world.replica.commit();
    const client = world.open("/topics/orders/records?from=1&partition=0");
    await world.until(() => client.text.includes("error_code"));
    expect(client.text).toContain('{"error":{"error_code":50002,"message":"a batch cannot be opened: ');
  });

  test("sees committed records only", async () => {
    world.append("1");
    world.replica.append(buildBatch([{ value: "2", timestamp: 1 }]));
    const client = world.open("/topics/orders/events?from=beginning");
    await world.until(() => client.text.includes('"value":1}'));
    await world.broker.clock.advance(2000);
    expect(client.text).not.toContain('"value":2}');
    world.replica.commit();
    await world.until(() => client.text.includes('"value":2}'));
  });

  test("of a partition without a leader waits for one", async () => {
    world.replica.role = "follower";
    const client = world.open("/topics/orders/records");
    await world.broker.clock.advance(1000);
    world.replica.role = "leader";
    world.append("1");
    await world.until(() => client.text.includes('"value":1}'));
    expect(client.text).not.toContain("error");
  });
});

test("records are appended although no controller can be asked, once it could be", async () => {
  const nobody = world.broker.admin;
  world.broker.admin = async () => ({ kind: "allocateProducerIds", first: 7, count: 1000 });
  await world.api.prepare();
  world.broker.admin = nobody;
  const headers = { "content-type": "application/vnd.kafka.json.v2+json", connection: "close" };
  const answer = fetch(`${world.url}/topics/orders`, { method: "POST", headers, body: '{"records":[{"value":1}]}' });
  await world.until(() => world.replica.waiterCount === 1);
  world.replica.commit();
  expect(await (await answer).json()).toMatchObject({ offsets: [{ partition: 0, offset: 0, error_code: null }] });
});

describe("a request", () => {
  test("before the broker serves is for another one", async () => {
    world.isServing = false;
    expect(await get("/topics")).toMatchObject({ status: 503, body: { error_code: 50_003 } });
  });

  test("by a page of another origin is refused, by one of this it is not", async () => {
    const { host } = new URL(world.url);
    expect((await get("/topics", { origin: "https://elsewhere.example" })).status).toBe(403);
    expect((await get("/topics", { origin: `http://${host}` })).status).toBe(200);
    // Behind a proxy the host is another one, and the browser's word counts.
    const proxied = { origin: "https://shop.example", "sec-fetch-site": "same-origin" };
    expect(await statusOf("/topics", proxied)).toBe(200);
    expect(await statusOf("/topics", { ...proxied, "sec-fetch-site": "same-site" })).toBe(403);
    expect(await statusOf("/topics", { "sec-fetch-site": "cross-site" })).toBe(403);
  });

  test("by a page whose name leads to this machine is refused: here one asks by a name of this machine", async () => {
    expect(await statusOf("/topics", { host: "shop.example:8082" })).toBe(403);
    const { status, text } = await answerTo("/topics", { host: "127.0.0.1.shop.example" });
    expect([status, text]).toEqual([403, expect.stringContaining("asked as localhost or 127.0.0.1, by no other name")]);
    for (const host of ["localhost", "LOCALHOST:8082", "api.localhost:8082", "127.0.0.1:1", "[::1]:8082"]) {
      expect([host, await statusOf("/topics", { host })]).toEqual([host, 200]);
    }
  });

  test("that is no HTTP, or has too much of a head, is answered in words", async () => {
    const socket = connect(world.listener.address.port, "127.0.0.1");
    const text = new Promise<string>((resolve) => {
      let all = "";
      socket.on("data", (chunk) => (all += chunk.toString("utf8"))).on("close", () => resolve(all));
    });
    socket.write("HELLO\r\n\r\n");
    expect(await text).toMatch(/^HTTP\/1\.1 400 .*\{"error_code":400,"message":"the request is no HTTP\/1\.1"\}$/s);
    const response = await fetch(world.url, { headers: { "x-long": "y".repeat(20_000), connection: "close" } });
    expect([response.status, await response.json()]).toEqual([
      431,
      { error_code: 431, message: "the headers are too large" },
    ]);
  });

  test("of HTTP/1.0 is answered without chunks", async () => {
    world.append("1");
    const client = world.open("/topics/orders/records?limit=1 HTTP/1.0\r\nx: ");
    await world.until(() => client.isClosed);
    expect(client.text).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n\{"partition":0,[^\n]*\}\n$/s);
    expect(client.text.toLowerCase()).not.toContain("transfer-encoding");
  });

  test("of an unknown method or page is counted without its own words", async () => {
    await get("/anything/at/all");
    await fetch(`${world.url}/topics`, { method: "PURGE", headers: { connection: "close" } });
    await world.until(() => world.counted("tidemark_http_requests_total") === 2);
    const family = world.broker.metrics.read().find(({ name }) => name === "tidemark_http_requests_total");
    expect([...(family?.samples ?? [])].map(({ labels }) => labels)).toEqual([
      { method: "other", route: "none", status: "404" },
      { method: "other", route: "/topics", status: "405" },
    ]);
  });

  test("with a bug in its page fails alone", async () => {
    const fails = (): never => {
      throw new Error("a bug");
    };
    Object.defineProperty(world.broker.image, "brokers", { value: fails });
    expect(await get("/brokers")).toEqual({ status: 500, body: { error_code: 500, message: "Internal Server Error" } });
    expect(world.broker.bugs.splice(0)).toEqual([new Error("a bug")]);
    expect((await get("/topics")).status).toBe(200);
  });
});

test("a port that is taken is refused in one line", async () => {
  const { port } = world.listener.address;
  await expect(listenApi({ host: "127.0.0.1", port }, () => {})).rejects.toThrow(
    `HTTP port 127.0.0.1:${port} is in use; choose another or stop what listens there`,
  );
});
