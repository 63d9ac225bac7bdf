import { describe, expect, test } from "@jest/globals";
import { InvariantError } from "../base/assert.ts";
import { settle } from "../base/testing/fake-clock.ts";
import { type Call, type Handler, handler } from "../handlers/handler.ts";
import { handlers } from "../handlers/table.ts";
import { TestBroker } from "../testing/test-broker.ts";
import { apiVersions } from "../wire/apis/18-api-versions.ts";
import { describeCluster, type DescribeClusterResponse } from "../wire/apis/60-describe-cluster.ts";
import { metadata, type MetadataResponse } from "../wire/apis/03-metadata.ts";
import { encodeRequest } from "../wire/frame.ts";

const VERSIONS_REQUEST = { clientSoftwareName: "test", clientSoftwareVersion: "1.0" };
const CLUSTER_REQUEST = { includeClusterAuthorizedOperations: false, includeFencedBrokers: false };
const METADATA_REQUEST = {
  topics: [],
  allowAutoTopicCreation: false,
  includeClusterAuthorizedOperations: false,
  includeTopicAuthorizedOperations: false,
};

const clusterAnswer = (clusterId: string): DescribeClusterResponse => ({
  throttleTimeMs: 0,
  errorCode: 0,
  clusterId,
  brokers: [],
});

/** A broker whose DescribeCluster requests are answered by the test, in any order. */
function manualBroker(limits = {}): { broker: TestBroker; calls: Call<DescribeClusterResponse>[] } {
  const calls: Call<DescribeClusterResponse>[] = [];
  const manual = handler(describeCluster, { served: { min: 0, max: 2 } }, (_request, call) => void calls.push(call));
  return { broker: new TestBroker({ handlers: [manual], limits }), calls };
}

const throwing = (error: unknown): Handler =>
  handler(describeCluster, { served: { min: 0, max: 2 } }, () => {
    throw error;
  });

describe("answers", () => {
  test("leave in the order of the requests, whatever is ready first", async () => {
    const { broker, calls } = manualBroker();
    const client = broker.connect();
    const answers = [1, 2, 3].map(() => client.request(describeCluster, 0, CLUSTER_REQUEST));
    await settle();
    expect(calls.length).toBe(3);
    calls[2]?.answer(clusterAnswer("third"));
    calls[1]?.answer(clusterAnswer("second"));
    await settle();
    expect(client.openCount).toBe(3);
    calls[0]?.answer(clusterAnswer("first"));
    expect((await Promise.all(answers)).map(({ clusterId }) => clusterId)).toEqual(["first", "second", "third"]);
  });

  test("of a request that wants none are left out, and its successors are answered", async () => {
    const { broker, calls } = manualBroker();
    const client = broker.connect();
    client.tell(describeCluster, 0, CLUSTER_REQUEST);
    const answer = client.request(describeCluster, 0, CLUSTER_REQUEST);
    await settle();
    calls[1]?.answer(clusterAnswer("answered"));
    calls[0]?.answerNothing();
    expect((await answer).clusterId).toBe("answered");
  });

  test("that come before a failed request without answer still leave; then the connection closes", async () => {
    const { broker, calls } = manualBroker();
    const client = broker.connect();
    const answer = client.request(describeCluster, 0, CLUSTER_REQUEST);
    client.tell(describeCluster, 0, CLUSTER_REQUEST);
    await settle();
    calls[1]?.close();
    calls[0]?.answer(clusterAnswer("first"));
    expect((await answer).clusterId).toBe("first");
    await client.closed();
    expect(broker.server.connectionCount).toBe(0);
  });

  test("given twice, or after the client has gone, do nothing", async () => {
    const { broker, calls } = manualBroker();
    const client = broker.connect();
    const answer = client.request(describeCluster, 0, CLUSTER_REQUEST);
    void client.request(describeCluster, 0, CLUSTER_REQUEST);
    await settle();
    let gone = 0;
    calls[1]!.onGone = () => {
      gone += 1;
    };
    calls[0]?.answer(clusterAnswer("once"));
    calls[0]?.answer(clusterAnswer("twice"));
    expect((await answer).clusterId).toBe("once");
    client.stream.destroy();
    await settle();
    expect([gone, calls[1]?.isOpen, broker.server.connectionCount]).toEqual([1, false, 0]);
    calls[1]?.answer(clusterAnswer("late"));
    expect(broker.bugs).toEqual([]);
  });

  test("a handler's promise holds back the next request of its connection, not those of others", async () => {
    const begun: string[] = [];
    let release: () => void = () => {};
    const slow = handler(metadata, { served: { min: 0, max: 13 } }, async (_request, call: Call<MetadataResponse>) => {
      begun.push("slow");
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      call.answer({ brokers: [], topics: [] });
    });
    const fast = handler(describeCluster, { served: { min: 0, max: 2 } }, (_request, call) => {
      begun.push("fast");
      call.answer(clusterAnswer("x"));
    });
    const broker = new TestBroker({ handlers: [slow, fast] });
    const client = broker.connect();
    const answers = [
      client.request(metadata, 9, METADATA_REQUEST),
      client.request(describeCluster, 0, CLUSTER_REQUEST),
    ];
    await settle();
    expect(begun).toEqual(["slow"]);
    await broker.connect().request(describeCluster, 0, CLUSTER_REQUEST);
    release();
    await Promise.all(answers);
    expect(begun).toEqual(["slow", "fast", "fast"]);
  });
});

describe("bytes", () => {
  test("of requests may come one at a time, or many requests at once", async () => {
    const broker = new TestBroker();
    const client = broker.connect();
    const frames = [0, 1, 3, 4].map((version, correlationId) =>
      Buffer.concat(encodeRequest(apiVersions, { version, correlationId, clientId: "c" }, VERSIONS_REQUEST)),
    );
    for (const byte of Buffer.concat(frames)) client.stream.write(Buffer.from([byte]));
    await settle();
    const single = client.received;
    const bulk = broker.connect();
    bulk.stream.write(Buffer.concat(frames));
    await settle();
    expect(single.length).toBeGreaterThan(200);
    expect(bulk.received.equals(single)).toBe(true);
  });

  test("of a request larger than a chunk are gathered, up to the limit", async () => {
    const broker = new TestBroker({ config: { "socket.request.max.bytes": "4000000" } });
    const client = broker.connect();
    const topics = Array.from({ length: 90_000 }, (_, at) => ({ name: `topic-of-some-length-${at}` }));
    const request = { ...METADATA_REQUEST, topics };
    const frame = Buffer.concat(encodeRequest(metadata, { version: 9, correlationId: 1, clientId: null }, request));
    expect(frame.length).toBeGreaterThan(2_000_000);
    for (let at = 0; at < frame.length; at += 65_536) client.stream.write(frame.subarray(at, at + 65_536));
    await settle();
    expect(client.received.readInt32BE(0)).toBe(client.received.length - 4);
    expect(client.received.length).toBeGreaterThan(2_000_000);
  });

  test.each([
    ["a size over the limit", "06400001", "too large"],
    ["a negative size", "ffffffff", "too large"],
    ["an empty request", "00000000", "could not be read"],
    ["garbage for a header", "00000006ffffffffffff", "could not be read"],
    ["an unknown API key", "0000000a03e7000000000001ffff", "unknown kind"],
    ["a key that is known but not served", "0000000a0018000000000001ffff", "unknown kind"],
    ["an unknown version", "0000000a0003007f00000001ffff", "version that is not served"],
    ["Produce of a version that is advertised and not served", "0000000a0000000200000001ffff", "not served"],
    ["a body that ends too early", "0000000b000300090000000100010a", "could not be read"],
    ["a TLS client", "16030100c8", "TLS"],
  ])("that are %s close the connection with one line", async (_what, hex, line) => {
    const broker = new TestBroker();
    const client = broker.connect();
    client.stream.write(Buffer.from(hex, "hex"));
    await client.closed();
    expect(broker.lines.map(({ level }) => level)).toEqual(["warn"]);
    expect(broker.lines[0]?.message).toContain(line);
    expect(client.received.length).toBe(0);
  });

  test("of an HTTP client are answered in its own tongue, and closed with one line", async () => {
    const broker = new TestBroker();
    const client = broker.connect();
    client.stream.write(Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    await client.closed();
    const [head, body] = client.received.toString().split("\r\n\r\n");
    expect(head).toContain("400 Bad Request");
    expect(head).toContain(`Content-Length: ${body?.length}`);
    expect(broker.lines.map(({ message }) => message)).toEqual(["an HTTP client came to the Kafka port; closing"]);
  });

  test("that stop in the middle of a frame leave nothing behind when the client goes", async () => {
    const broker = new TestBroker();
    const client = broker.connect();
    client.stream.write(Buffer.from("0000ffff0003", "hex"));
    await settle();
    client.stream.destroy();
    await settle();
    expect([broker.server.connectionCount, broker.lines.length]).toEqual([0, 0]);
  });
});

describe("bounds", () => {
  test("a client with too many requests under way is not read from until one is answered", async () => {
    const { broker, calls } = manualBroker({ inFlightMax: 2 });
    const client = broker.connect();
    const answers = [1, 2, 3, 4].map(() => client.request(describeCluster, 0, CLUSTER_REQUEST));
    await settle();
    expect(calls.length).toBe(2);
    expect(client.stream.pendingBytes).toBeGreaterThan(0);
    for (const at of [0, 1, 2, 3]) {
      calls[at]?.answer(clusterAnswer(String(at)));
      await settle();
    }
    expect((await Promise.all(answers)).map(({ clusterId }) => clusterId)).toEqual(["0", "1", "2", "3"]);
  });

  test("what came in one chunk and could not be begun is begun later, as it was sent", async () => {
    const { broker, calls } = manualBroker({ inFlightMax: 2 });
    const client = broker.connect();
    const sent = [1, 2, 3, 4, 5].flatMap((correlationId) =>
      encodeRequest(describeCluster, { version: 0, correlationId, clientId: null }, CLUSTER_REQUEST),
    );
    const whole = Buffer.concat(sent);
    const cutAt = whole.length - 3;
    client.stream.write(whole.subarray(0, cutAt));
    await settle();
    expect(calls.length).toBe(2);
    client.stream.write(whole.subarray(cutAt));
    for (let at = 0; at < 5; at++) {
      calls[at]?.answer(clusterAnswer(String(at)));
      await settle();
    }
    expect(calls.map((call) => call.header.correlationId)).toEqual([1, 2, 3, 4, 5]);
  });

  test("a client that does not take its answers is not read from until it does", async () => {
    const { broker, calls } = manualBroker({ outputBytesMax: 10_000 });
    const client = broker.connect();
    client.stream.pause();
    const answers: Promise<{ clusterId: string }>[] = [];
    const ask = async (): Promise<void> => {
      answers.push(client.request(describeCluster, 0, CLUSTER_REQUEST));
      await settle();
    };
    for (let at = 0; at < 3; at++) {
      await ask();
      calls.at(-1)?.answer(clusterAnswer("x".repeat(4_500)));
      await settle();
    }
    await ask();
    expect(calls.length).toBe(3);
    client.stream.resume();
    await settle();
    expect(calls.length).toBe(4);
    calls[3]?.answer(clusterAnswer("y"));
    expect((await Promise.all(answers)).length).toBe(4);
  });

  test("over max.connections a new client is closed, and the others go on", async () => {
    const broker = new TestBroker({ config: { "max.connections": "1" } });
    const first = broker.connect();
    const second = broker.connect();
    await second.closed();
    expect((await first.request(apiVersions, 0, VERSIONS_REQUEST)).errorCode).toBe(0);
    first.stream.destroy();
    await settle();
    const third = broker.connect();
    expect((await third.request(apiVersions, 0, VERSIONS_REQUEST)).errorCode).toBe(0);
  });

  test("a silent connection is closed after connections.max.idle.ms, one that waits for an answer is not", async () => {
    const { broker, calls } = manualBroker();
    const silent = broker.connect();
    const waiting = broker.connect();
    const answer = waiting.request(describeCluster, 0, CLUSTER_REQUEST);
    await broker.clock.advance(299_000);
    expect(silent.isClosed).toBe(false);
    await broker.clock.advance(900_000);
    expect([silent.isClosed, waiting.isClosed]).toEqual([true, false]);
    calls[0]?.answer(clusterAnswer("late"));
    expect((await answer).clusterId).toBe("late");
  });

  test("a stopped server takes no client and closes those it has", async () => {
    const broker = new TestBroker();
    const client = broker.connect();
    broker.server.stop();
    await client.closed();
    const late = broker.connect();
    await late.closed();
    expect(broker.server.connectionCount).toBe(0);
  });
});

describe("a handler that throws", () => {
  test("fails its own connection, says so once, and no other client notices", async () => {
    const [versions] = handlers.filter(({ api }) => api.key === 18);
    const broker = new TestBroker({ handlers: [throwing(new Error("a bug")), versions!] });
    const client = broker.connect();
    const other = broker.connect();
    void client.request(describeCluster, 0, CLUSTER_REQUEST);
    await client.closed();
    expect(broker.lines.map(({ level, fields }) => [level, fields?.["api"]])).toEqual([["error", "DescribeCluster"]]);
    expect((await other.request(apiVersions, 0, VERSIONS_REQUEST)).errorCode).toBe(0);
  });

  test("on a broken invariant is reported to the composition", async () => {
    const bug = new InvariantError("invariant broken: x");
    const broker = new TestBroker({ handlers: [throwing(bug)] });
    const client = broker.connect();
    void client.request(describeCluster, 0, CLUSTER_REQUEST);
    await client.closed();
    expect(broker.bugs).toEqual([bug]);
  });

  test("later, in its promise, fails its connection just the same", async () => {
    const late = handler(describeCluster, { served: { min: 0, max: 2 } }, async () => {
      await Promise.resolve();
      throw new Error("late");
    });
    const broker = new TestBroker({ handlers: [late] });
    const client = broker.connect();
    void client.request(describeCluster, 0, CLUSTER_REQUEST);
    await client.closed();
    expect(broker.bugs.length).toBe(1);
  });
});
