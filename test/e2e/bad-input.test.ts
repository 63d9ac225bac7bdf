import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import path from "node:path";
import { crc32 } from "node:zlib";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { socketStream } from "../../broker/adapters/socket-stream.ts";
import type { PartitionIndex } from "../../broker/base/ids.ts";
import { TestClient } from "../../broker/testing/test-client.ts";
import { produce } from "../../broker/wire/apis/00-produce.ts";
import { metadata } from "../../broker/wire/apis/03-metadata.ts";
import { apiVersions } from "../../broker/wire/apis/18-api-versions.ts";
import { createTopics } from "../../broker/wire/apis/19-create-topics.ts";
import { describeConfigs } from "../../broker/wire/apis/32-describe-configs.ts";
import { createPartitions } from "../../broker/wire/apis/37-create-partitions.ts";
import { incrementalAlterConfigs } from "../../broker/wire/apis/44-incremental-alter-configs.ts";
import { decodeResponse, encodeRequest, joined } from "../../broker/wire/frame.ts";
import { buildBatch } from "../../broker/wire/record-batch-builder.ts";
import { isAlive } from "../../operator/adapters/process/child-process.ts";
import { until } from "../../operator/cli/stand-ins/site.ts";
import { linesOf, LiveSite } from "./live-site.ts";

jest.setTimeout(60_000);

const MEBIBYTE = 1024 * 1024;
const TOPIC_RESOURCE = 2;

const batchOf = (...values: string[]): Buffer => buildBatch(values.map((value) => ({ value, timestamp: Date.now() })));

async function connectTo(site: LiveSite, broker: number): Promise<TestClient> {
  const [host = "", port = ""] = site.clusterFile().brokers[broker]?.kafka.split(":") ?? [];
  const socket = connect(Number(port), host);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve).once("error", reject);
  });
  return new TestClient(socketStream(socket));
}

/** Kafka's code for one produced piece of memory, whatever it holds. */
async function send(client: TestClient, topic: string, records: Uint8Array, acks = -1): Promise<number> {
  const partitionData = [{ index: 0 as PartitionIndex, records }];
  const topicData = [{ name: topic, partitionData }];
  const answer = await client.request(produce, 11, { transactionalId: null, acks, timeoutMs: 30_000, topicData });
  return answer.responses[0]?.partitionResponses[0]?.errorCode ?? -1;
}

const isServing = async (client: TestClient): Promise<boolean> => {
  const answer = await client.request(apiVersions, 3, { clientSoftwareName: "a", clientSoftwareVersion: "1" });
  return answer.errorCode === 0 && answer.apiKeys.length > 0;
};

const logsOf = (site: LiveSite): string =>
  readdirSync(path.join(site.folder, "logs"))
    .map((file) => readFileSync(path.join(site.folder, "logs", file), "utf8"))
    .join("\n");

describe("bad input at the Kafka port of a running cluster", () => {
  const site = new LiveSite();
  let pids: (number | null)[] = [];
  let client: TestClient;
  let leader = -1;
  const pidsNow = (): (number | null)[] => site.clusterFile().brokers.map(({ pid }) => pid);

  beforeAll(async () => {
    await site.started();
    await site.produce("kept", linesOf(100));
    leader = await site.leaderOf("kept");
    client = await connectTo(site, leader);
    pids = pidsNow();
  });

  afterAll(async () => {
    client.stream.destroy();
    await site.dispose();
  });

  const residentBytes = (): number =>
    1024 * Number(execFileSync("ps", ["-o", "rss=", "-p", String(pids[leader])], { encoding: "utf8" }));

  /** What a new connection received until the broker closed it. */
  async function sentAndClosed(...chunks: Uint8Array[]): Promise<string> {
    const other = await connectTo(site, leader);
    other.send(chunks);
    await other.closed();
    return other.received.toString("latin1");
  }

  describe("bytes that are no request", () => {
    test.each([
      ["all ones", Buffer.alloc(4096, 0xff)],
      ["all zeros", Buffer.alloc(4096)],
      ["text", Buffer.from("hello, is anybody there?\r\n".repeat(10))],
      ["a negative size", Buffer.from("80000000", "hex")],
      ["a TLS greeting", Buffer.from("16030100c8010000c40303", "hex")],
      ["a frame too short for a header", Buffer.from("000000020012", "hex")],
      ["a request cut off inside its fields", Buffer.from("0000000c00030001000000010003", "hex").fill(0, 14)],
      [
        "a list longer than its frame",
        Buffer.from("00000010000300010000000100026162 7fffffff".replace(" ", ""), "hex"),
      ],
    ])("%s close the connection without an answer", async (_, bytes) => {
      // What is announced and never comes would be waited for: fill up, so that every case is a whole frame.
      expect(await sentAndClosed(bytes, Buffer.alloc(64))).toBe("");
      expect(await isServing(client)).toBe(true);
    });

    test("an HTTP client is told so with a 400, and the connection closed", async () => {
      const answer = await sentAndClosed(Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
      expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
      expect(answer).toMatch(/\r\n\r\nThis port speaks the Kafka protocol and not HTTP\.\n$/);
    });

    test("a frame of 2 GB is refused when it is announced, and takes no memory", async () => {
      const before = residentBytes();
      for (let time = 0; time < 10; time++) expect(await sentAndClosed(Buffer.from("7fffffff", "hex"))).toBe("");
      expect(residentBytes() - before).toBeLessThan(64 * MEBIBYTE);
    });

    test("many frames of an allowed size that never come take no memory", async () => {
      const before = residentBytes();
      const others = await Promise.all(Array.from({ length: 20 }, () => connectTo(site, leader)));
      // 95 MiB each, below socket.request.max.bytes.
      for (const other of others) other.send([Buffer.from("05f00000", "hex"), Buffer.alloc(1000)]);
      expect(await isServing(client)).toBe(true);
      expect(residentBytes() - before).toBeLessThan(64 * MEBIBYTE);
      expect(others.some(({ isClosed }) => isClosed)).toBe(false);
      for (const other of others) other.stream.destroy();
    });

    test("half a request and a hang-up append nothing and disturb nobody", async () => {
      const partitionData = [{ index: 0 as PartitionIndex, records: batchOf("never") }];
      const body = { transactionalId: null, acks: -1, timeoutMs: 1000, topicData: [{ name: "kept", partitionData }] };
      const frame = joined(encodeRequest(produce, { version: 11, correlationId: 1, clientId: null }, body));
      const others = await Promise.all(Array.from({ length: 20 }, () => connectTo(site, leader)));
      others.forEach((other, at) => {
        other.send([frame.subarray(0, 1 + Math.floor(((frame.length - 1) * at) / 20))]);
      });
      const written = send(client, "beside", batchOf("beside"));
      for (const other of others) other.stream.destroy();
      expect([0, 3]).toContain(await written);
      expect(await isServing(client)).toBe(true);
      expect(await site.consume("kept")).toEqual(linesOf(100));
    });
  });

  describe("requests that are not served", () => {
    test("an unknown API key closes the connection", async () => {
      const unknown = Buffer.from("0000000a03e7000000000001ffff", "hex");
      expect(await sentAndClosed(unknown)).toBe("");
    });

    test.each([99, 2, -1])("version %p of Produce closes the connection", async (version) => {
      const frame = Buffer.from("0000000a0000000000000001ffff", "hex");
      frame.writeInt16BE(version, 6);
      expect(await sentAndClosed(frame)).toBe("");
    });

    test("ApiVersions in a version to come is answered in version 0 with 35, and the connection lives on", async () => {
      const other = await connectTo(site, leader);
      other.send([Buffer.from("0000000b0012006300000007000161", "hex")]);
      await until(() => other.received.length >= 4 && other.received.length === 4 + other.received.readInt32BE(0));
      const { correlationId, body } = decodeResponse(apiVersions, 0, other.received.subarray(4));
      expect(await isServing(other)).toBe(true);
      expect([correlationId, body.errorCode]).toEqual([7, 35]);
      expect(body.apiKeys.find(({ apiKey }) => apiKey === 18)).toEqual({ apiKey: 18, minVersion: 0, maxVersion: 5 });
      other.stream.destroy();
    });
  });

  describe("records that cannot be accepted are refused, and nothing is appended", () => {
    const wrongCrc = (): Buffer => {
      const batch = batchOf("damaged on its way");
      batch[batch.length - 3]! ^= 0x10;
      return batch;
    };

    /** A message of the formats before record batches. */
    const message = (magic: 0 | 1): Buffer => {
      const value = Buffer.from("a value as clients sent it ten years ago, and longer than a header of today");
      const fields = Buffer.concat([
        Buffer.from([magic, 0]),
        Buffer.alloc(magic * 8),
        Buffer.from("ffffffff000000", "hex"),
        Buffer.from([value.length]),
        value,
      ]);
      const bytes = Buffer.alloc(16 + fields.length);
      bytes.writeInt32BE(4 + fields.length, 8);
      bytes.writeUInt32BE(crc32(fields), 12);
      bytes.set(fields, 16);
      return bytes;
    };

    test.each([
      ["a wrong CRC", wrongCrc, 2],
      ["a message of format 0", () => message(0), 87],
      ["a message of format 1", () => message(1), 87],
      ["bytes that are no batch", () => Buffer.alloc(200, 0xab), 87],
      ["a batch cut off in its header", () => batchOf("short").subarray(0, 30), 2],
      ["a batch cut off in its records", () => batchOf("cut off").subarray(0, -2), 2],
      ["two batches at once", () => Buffer.concat([batchOf("a"), batchOf("b")]), 87],
      ["a batch over max.message.bytes", () => batchOf("x".repeat(1_100_000)), 10],
    ])("%s", async (_, records, code) => {
      const codes = [await send(client, "kept", records()), await send(client, "kept", records(), 1)];
      expect(codes).toEqual([code, code]);
      expect(await site.consume("kept")).toEqual(linesOf(100));
    });

    test.each([
      ["acks that do not exist", "kept", 5, 21],
      ["a topic that does not exist", "nowhere", -1, 3],
      ["a name that no topic can have", "a b", -1, 3],
    ])("%s", async (_, topic, acks, code) => {
      expect(await send(client, topic, batchOf("a"), acks)).toBe(code);
      expect(await site.consume("kept")).toEqual(linesOf(100));
    });
  });

  describe("administration that is refused changes nothing", () => {
    const topicsNow = async () => (await site.status())?.topics.map(({ name, ...rest }) => ({ name, ...rest }));

    async function created(name: string, options: { partitions?: number; replicas?: number; config?: string } = {}) {
      const { partitions = 1, replicas = 1, config } = options;
      const configs = config === undefined ? [] : [{ name: config, value: "1" }];
      const topic = { name, numPartitions: partitions, replicationFactor: replicas, assignments: [], configs };
      const answer = await client.request(createTopics, 7, { topics: [topic], timeoutMs: 10_000, validateOnly: false });
      return answer.topics[0]?.errorCode;
    }

    test.each([
      ["an empty name", "", {}, 17],
      ["a dot", ".", {}, 17],
      ["two dots", "..", {}, 17],
      ["a path", "../../etc", {}, 17],
      ["a name with a space", "a b", {}, 17],
      ["a name with a NUL", "a\u0000b", {}, 17],
      ["a name in no ASCII", "gezeiten-ü", {}, 17],
      ["a name of 250 characters", "x".repeat(250), {}, 17],
      ["more replicas than brokers", "wide", { replicas: 4 }, 38],
      ["no replicas", "none", { replicas: 0 }, 38],
      ["no partitions", "none", { partitions: 0 }, 37],
      ["a topic that exists", "kept", {}, 36],
      ["an unknown config key", "odd", { config: "no.such.key" }, 40],
    ])("CreateTopics: %s", async (_, name, options, code) => {
      const before = await topicsNow();
      expect(await created(name, options)).toBe(code);
      expect(await topicsNow()).toEqual(before);
    });

    test.each([
      ["as many partitions as there are", "kept", 1, 37],
      ["no partitions", "kept", 0, 37],
      ["a negative number", "kept", -5, 37],
      ["a topic that does not exist", "nowhere", 3, 3],
    ])("CreatePartitions: %s", async (_, name, count, code) => {
      const before = await topicsNow();
      const topics = [{ name, count, assignments: null }];
      const answer = await client.request(createPartitions, 3, { topics, timeoutMs: 10_000, validateOnly: false });
      expect(answer.results.map(({ errorCode }) => errorCode)).toEqual([code]);
      expect(await topicsNow()).toEqual(before);
    });

    test.each([
      ["an unknown key", "no.such.key", "1", 40],
      ["a value of the wrong type", "retention.ms", "soon", 40],
      ["a value out of range", "max.message.bytes", "-1", 40],
    ])("IncrementalAlterConfigs: %s", async (_, name, value, code) => {
      const before = await topicsNow();
      // The good change beside the bad one is not made either.
      const good = { name: "cleanup.policy", configOperation: 0, value: "delete" };
      const configs = [good, { name, configOperation: 0, value }];
      const resources = [{ resourceType: TOPIC_RESOURCE, resourceName: "kept", configs }];
      const answer = await client.request(incrementalAlterConfigs, 1, { resources, validateOnly: false });
      expect(answer.responses.map(({ errorCode }) => errorCode)).toEqual([code]);
      expect(await topicsNow()).toEqual(before);
    });

    test("DescribeConfigs of an unknown key has nothing to show (as in Kafka), of an unknown topic 3", async () => {
      const configurationKeys = ["no.such.key"];
      const resources = ["kept", "nowhere"].map((resourceName) => ({
        resourceType: TOPIC_RESOURCE,
        resourceName,
        configurationKeys,
      }));
      const answer = await client.request(describeConfigs, 4, { resources });
      expect(answer.results.map(({ errorCode, configs }) => [errorCode, configs])).toEqual([
        [0, []],
        [3, []],
      ]);
    });
  });

  test("after all of it the same processes serve, what was acknowledged is there, no log has a stack", async () => {
    expect(await send(client, "kept", batchOf("one more"))).toBe(0);
    expect(await site.consume("kept")).toHaveLength(101);
    const brokers = {
      topics: null,
      includeClusterAuthorizedOperations: false,
      allowAutoTopicCreation: false,
      includeTopicAuthorizedOperations: false,
    };
    expect((await client.request(metadata, 12, brokers)).brokers).toHaveLength(3);
    expect(pidsNow()).toEqual(pids);
    expect(logsOf(site)).not.toMatch(/ {4}at \S/);
  });
});

/** Only root may mount; where it may not, the test is reported as skipped. */
const canMount = ((): boolean => {
  try {
    execFileSync("unshare", ["--mount", "mount", "-t", "tmpfs", "none", "/tmp"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

describe("a disk that is full", () => {
  const site = new LiveSite();
  const small = path.join(site.folder, "broker-1");

  beforeAll(() => {
    if (!canMount) return;
    mkdirSync(small);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=16m", "none", small]);
  });

  afterAll(async () => {
    if (canMount) execFileSync("umount", ["--lazy", small]);
    await site.dispose();
  });

  // A small file system of its own takes root; without it this machine cannot fill a disk and harm nobody.
  (canMount ? test : test.skip)("ends its broker with one clear line; the others go on and lose nothing", async () => {
    await site.started("--no-restart");
    await site.produce("t", linesOf(10));
    const pid = site.clusterFile().brokers[1]?.pid ?? 0;
    let acknowledged = 0;
    while (isAlive(pid) && acknowledged < 60) {
      await until(async () => (await site.leaderOf("t")) >= 0);
      // The leader may be the one that has just ended.
      const other = await connectTo(site, await site.leaderOf("t")).catch(() => null);
      if (other === null) continue;
      const closed = other.closed().then(() => -1);
      if ((await Promise.race([send(other, "t", batchOf("x".repeat(900_000))), closed])) === 0) acknowledged++;
      other.stream.destroy();
    }
    expect(isAlive(pid)).toBe(false);
    await site.produce("t", linesOf(10, 100));
    const lines = await site.consume("t");
    expect(lines.filter((line) => line.startsWith("key-"))).toEqual([...linesOf(10), ...linesOf(10, 100)]);
    expect(acknowledged).toBeGreaterThan(0);
    expect(lines.length).toBeGreaterThanOrEqual(20 + acknowledged);
    const said = readFileSync(path.join(site.folder, "logs", "broker-1.log"), "utf8");
    expect(said.trimEnd().split("\n").at(-1)).toMatch(/^tidemark broker: the disk of \S+ is full$/);
    expect(logsOf(site)).not.toMatch(/ {4}at \S/);
    expect(site.clusterFile().brokers.filter((broker) => broker.pid !== null)).toHaveLength(2);
  });
});
