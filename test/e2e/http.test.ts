import { readFileSync } from "node:fs";
import { connect } from "node:net";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { Kafka, logLevel } from "kafkajs";
import { partitionOfKey } from "../../broker/http/api/partitioner.ts";
import { until } from "../../operator/cli/stand-ins/site.ts";
import { curl, events, eventsIn, get, lineIn, lines, post, produce } from "./http-client.ts";
import { LiveSite } from "./live-site.ts";

jest.setTimeout(120_000);

const PARTITIONS = 4;
const NDJSON = "application/x-ndjson";

const site = new LiveSite();
/** Of each broker. */
let urls: string[] = [];
let topics = 0;

beforeAll(async () => {
  await site.started("--http-port", "0");
  urls = site.clusterFile().brokers.map(({ api }) => api ?? "");
});

afterAll(() => site.dispose());

/** A topic of its own for each test. */
async function newTopic(partitions = PARTITIONS): Promise<string> {
  const name = `topic-${++topics}`;
  const run = site.run(["topics", "create", name, "--partitions", String(partitions), "--data", site.folder]);
  expect(await run.exit()).toBe(0);
  return name;
}

const numbered = (count: number, from = 0): { value: number }[] =>
  Array.from({ length: count }, (_, index) => ({ value: from + index }));

const valuesOf = (found: readonly { readonly value?: unknown }[]): unknown[] => found.map(({ value }) => value);
const ascending = (values: readonly unknown[]): unknown[] => [...values].sort((a, b) => Number(a) - Number(b));

describe("the HTTP API of a cluster", () => {
  test("every broker appends to and reads every partition, whoever leads it", async () => {
    const topic = await newTopic();
    for (const [broker, url] of urls.entries()) {
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const produced = await produce(`${url}/topics/${topic}/partitions/${partition}`, [{ value: broker }]);
        expect(produced).toMatchObject([{ partition, offset: broker, error_code: null }]);
      }
    }
    for (const url of urls) {
      for (let partition = 0; partition < PARTITIONS; partition++) {
        expect(valuesOf(await lines(`${url}/topics/${topic}/records?partition=${partition}`))).toEqual([0, 1, 2]);
        const offsets = await get(`${url}/topics/${topic}/partitions/${partition}/offsets`);
        expect(offsets.body).toEqual({ beginning_offset: 0, end_offset: 3 });
      }
    }
  });

  test("topics, partitions and brokers are told as REST Proxy tells them", async () => {
    const topic = await newTopic(1);
    const [url = ""] = urls;
    expect(await get(`${url}/topics`)).toMatchObject({ status: 200, type: "application/vnd.kafka.v2+json" });
    expect((await get(`${url}/topics`)).body).toContain(topic);
    expect((await get(`${url}/brokers`)).body).toEqual({ brokers: [0, 1, 2] });
    const leader = expect.any(Number);
    const replica = { broker: expect.any(Number), leader: expect.any(Boolean), in_sync: true };
    const partition = { partition: 0, leader, replicas: [replica, replica, replica] };
    expect((await get(`${url}/topics/${topic}`)).body).toEqual({
      name: topic,
      configs: expect.objectContaining({ "cleanup.policy": "delete" }),
      partitions: [partition],
    });
    expect((await get(`${url}/topics/${topic}/partitions`)).body).toEqual([partition]);
    expect((await get(`${url}/topics/${topic}/partitions/0`)).body).toEqual(partition);
    expect((await get(`${url}/`)).body).toEqual({});
  });

  test("keys go where Java's clients send them; records without one stay together, and spread", async () => {
    const topic = await newTopic();
    const keys = Array.from({ length: 40 }, (_, index) => `key-${index}`);
    const produced = await produce(
      `${urls[0]}/topics/${topic}`,
      keys.map((key) => ({ key, value: 1 })),
    );
    const expected = keys.map((key) => partitionOfKey(Buffer.from(JSON.stringify(key)), PARTITIONS));
    expect(produced.map(({ partition }) => partition)).toEqual(expected);
    const used = new Set<number | null>();
    for (let request = 0; request < 60; request++) {
      const places = await produce(`${urls[1]}/topics/${topic}`, numbered(5));
      const own = new Set(places.map(({ partition }) => partition));
      expect(own.size).toBe(1);
      for (const partition of own) used.add(partition);
    }
    expect(used.size).toBe(PARTITIONS);
  });

  test("what is written in one format is read in any, byte for byte", async () => {
    const topic = await newTopic(1);
    const url = `${urls[0]}/topics/${topic}`;
    const records = [
      ['{"records":[{"key":"k","value":{"big":12345678901234567890,"n":1.0}}]}', "json"],
      ['{"records":[{"key":"/w==","value":"AAE="}]}', "binary"],
      ['{"records":[{"key":"user-1","value":"not json"}]}', "text"],
      ['{"records":[{"value":null}]}', "json"],
    ] as const;
    for (const [body, format] of records) await post(url, body, `application/vnd.kafka.${format}.v2+json`);
    const shown = async (format: string): Promise<string[]> =>
      (await (await fetch(`${url}/records?format=${format}`)).text())
        .trimEnd()
        .split("\n")
        .map((line) => line.replace(/^.*"timestamp":\d+,/, ""));
    expect(await shown("json")).toEqual([
      '"key":"k","value":{"big":12345678901234567890,"n":1.0}}',
      '"key_base64":"/w==","value_text":"\\u0000\\u0001"}',
      '"key_text":"user-1","value_text":"not json"}',
      '"key":null,"value":null}',
    ]);
    expect(await shown("text")).toEqual([
      '"key":"\\"k\\"","value":"{\\"big\\":12345678901234567890,\\"n\\":1.0}"}',
      '"key_base64":"/w==","value":"\\u0000\\u0001"}',
      '"key":"user-1","value":"not json"}',
      '"key":null,"value":null}',
    ]);
    expect((await shown("binary")).slice(1, 3)).toEqual([
      '"key":"/w==","value":"AAE="}',
      '"key":"dXNlci0x","value":"bm90IGpzb24="}',
    ]);
    // What is read can be written elsewhere as it is.
    const copy = await newTopic(1);
    const all = await (await fetch(`${url}/records`)).text();
    expect((await post(`${urls[1]}/topics/${copy}/records`, all, NDJSON)).body).toMatchObject({ offset: 0, count: 4 });
    expect(await (await fetch(`${urls[2]}/topics/${copy}/records`)).text()).toBe(all);
  });

  test("many lines are appended while they are sent, and read in order", async () => {
    const topic = await newTopic();
    const count = 30_000;
    const text = numbered(count)
      .map((record) => `${JSON.stringify({ ...record, partition: record.value % PARTITIONS })}\n`)
      .join("");
    const response = await fetch(`${urls[0]}/topics/${topic}/records`, {
      method: "POST",
      headers: { "content-type": NDJSON },
      body: text,
    });
    const batches = (await response.text()).trimEnd().split("\n");
    expect(batches.reduce((sum, line) => sum + (JSON.parse(line) as { count: number }).count, 0)).toBe(count);
    const found = await lines(`${urls[1]}/topics/${topic}/records`);
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const own = valuesOf(found.filter((line) => line.partition === partition));
      expect(own).toEqual(ascending(own));
    }
    expect(ascending(valuesOf(found))).toEqual(valuesOf(numbered(count)));
  });

  test("lines before one at fault are there, it is named, and none after it", async () => {
    const topic = await newTopic(1);
    const url = `${urls[0]}/topics/${topic}/records`;
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": NDJSON },
      body: '{"value":1}\n\n{"value":2}\n{"valu":3}\n{"value":4}\n',
    });
    const told = (await response.text())
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as object);
    expect(told).toEqual([
      { partition: 0, offset: 0, count: 2 },
      { error_code: 422, message: "line 4: Unrecognized field: valu" },
    ]);
    expect(valuesOf(await lines(url))).toEqual([1, 2]);
    expect(await post(url, "{", NDJSON)).toMatchObject({ status: 422, body: { error_code: 422 } });
  });

  test("events of all partitions go on behind the last one seen, at any broker, each once", async () => {
    const topic = await newTopic();
    await produce(
      `${urls[0]}/topics/${topic}`,
      numbered(300).map((one) => ({ ...one, key: one.value })),
    );
    const first = await events(`${urls[0]}/topics/${topic}/events?from=beginning`, 137);
    const second = await events(`${urls[1]}/topics/${topic}/events`, 100, first.at(-1)?.id);
    const third = await events(`${urls[2]}/topics/${topic}/events?last_event_id=${second.at(-1)?.id}`, 63);
    const all = [...first, ...second, ...third].map(lineIn);
    expect(ascending(valuesOf(all))).toEqual(valuesOf(numbered(300)));
  });

  test("events come as they are written, and their ids name the one partition that is read", async () => {
    const topic = await newTopic();
    await produce(`${urls[0]}/topics/${topic}/partitions/2`, numbered(10));
    const response = await fetch(`${urls[1]}/topics/${topic}/events?partition=2`);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const reading = eventsIn(response.body!);
    await produce(`${urls[2]}/topics/${topic}/partitions/2`, numbered(2, 10));
    const found = [(await reading.next()).value, (await reading.next()).value];
    expect(found.map((event) => [event?.id, lineIn(event!).value])).toEqual([
      ["2:11", 10],
      ["2:12", 11],
    ]);
    await reading.return(undefined);
  });

  test("reading begins at an offset, at a time, and ends after a limit", async () => {
    const topic = await newTopic(1);
    const url = `${urls[0]}/topics/${topic}/records`;
    const hours = [10, 11, 12].map((hour) => Date.parse(`2026-11-28T${hour}:00:00Z`));
    const text = hours.map((timestamp, value) => `${JSON.stringify({ value, timestamp })}\n`).join("");
    expect((await post(url, text, NDJSON)).status).toBe(200);
    expect(valuesOf(await lines(`${url}?from=1&partition=0`))).toEqual([1, 2]);
    expect(valuesOf(await lines(`${url}?from=time:2026-11-28T10:30:00Z`))).toEqual([1, 2]);
    expect(valuesOf(await lines(`${url}?from=time:${hours[2]}`))).toEqual([2]);
    expect(valuesOf(await lines(`${url}?limit=2`))).toEqual([0, 1]);
    expect(valuesOf(await lines(`${url}?from=end`))).toEqual([]);
  });

  test("a group's offsets are where its readers go on, and Kafka's tools see them", async () => {
    const topic = await newTopic(1);
    const url = `${urls[0]}/topics/${topic}`;
    await produce(url, numbered(10));
    expect(valuesOf(await lines(`${url}/records?group=over-http&limit=4`))).toEqual([0, 1, 2, 3]);
    const other = `${urls[1]}/topics/${topic}`;
    expect(valuesOf(await lines(`${other}/records?group=over-http`))).toEqual([4, 5, 6, 7, 8, 9]);
    expect(valuesOf(await lines(`${other}/records?group=over-http`))).toEqual([]);
    const run = site.run(["groups", "show", "over-http", "--data", site.folder]);
    expect(await run.exit()).toBe(0);
    expect(run.out).toMatch(new RegExp(`^${topic} +0 +10 +10 +0 `, "m"));
  });
});

test("the examples of docs/http.md are what they say", async () => {
  const text = readFileSync(path.join(import.meta.dirname, "../../docs/http.md"), "utf8");
  const examples = [...text.matchAll(/```sh\n(curl [^\n]*)\n```\n```json\n(.*?)\n```/gs)];
  expect(examples.length).toBeGreaterThan(8);
  for (const [index, [, command = "", answer = ""]] of examples.entries()) {
    const given = await curl(command, urls[index % urls.length] ?? "");
    expect([command, given.replace(/"timestamp":\d+/g, '"timestamp":TIME').trimEnd()]).toEqual([
      command,
      answer.trimEnd(),
    ]);
  }
});

describe("what cannot be done over HTTP", () => {
  test("is told by REST Proxy's status and code", async () => {
    const topic = await newTopic(1);
    const [url = ""] = urls;
    const at = `${url}/topics/${topic}`;
    const one = '{"records":[{"value":1}]}';
    const asked: [number, number, Promise<{ status: number; body: unknown }>][] = [
      [404, 404, get(`${url}/nothing`)],
      [404, 404, get(`${url}/topics/%`)],
      [404, 40401, get(`${url}/topics/none`)],
      [404, 40401, get(`${url}/topics/none/records`)],
      [404, 40401, get(`${url}/topics/none/events`)],
      [404, 40402, get(`${at}/partitions/1`)],
      [404, 40402, get(`${at}/partitions/x/offsets`)],
      [404, 40402, get(`${at}/records?partition=9`)],
      [404, 40402, post(`${at}/partitions/1`, one)],
      [404, 40402, post(at, '{"records":[{"value":1,"partition":1}]}')],
      [404, 40401, post(`${url}/topics/no%20name`, one)],
      [406, 406, get(`${url}/topics`, { accept: "text/html" })],
      [415, 415, post(at, one, "application/vnd.kafka.avro.v2+json")],
      [415, 415, post(at, one, "text/plain")],
      [415, 415, post(at, one, "application/vnd.kafka.json.v2+json; charset=latin1")],
      [415, 415, post(`${at}/records`, one)],
      [400, 400, post(at, "{")],
      [400, 400, post(at, Uint8Array.of(0xff, 0xfe))],
      [422, 422, post(at, "[]")],
      [422, 422, post(at, '{"records":[]}')],
      [422, 422, post(at, '{"records":[{"valu":1}]}')],
      [422, 422, post(at, '{"records":[{"value":1}],"x":1}')],
      [422, 422, post(at, '{"records":[{"value":1}],"value_schema_id":7}')],
      [422, 422, post(at, '{"records":[{"value":"?"}]}', "application/vnd.kafka.binary.v2+json")],
      [422, 422, post(at, '{"records":[{"value":1}]}', "application/vnd.kafka.text.v2+json")],
      [400, 400, get(`${at}/records?from=tomorrow`)],
      [400, 400, get(`${at}/records?from=5&partition=0`)],
      [400, 400, get(`${at}/records?from=0`)],
      [400, 400, get(`${at}/records?limit=0`)],
      [400, 400, get(`${at}/records?wait=1`)],
      [400, 400, get(`${at}/events`, { "last-event-id": "x" })],
      [400, 400, get(`${at}/events`, { "last-event-id": "1.2" })],
      [403, 403, get(`${url}/topics`, { origin: "http://elsewhere.example" })],
    ];
    for (const [status, code, answer] of asked) {
      const { status: told, body } = await answer;
      expect([body, told]).toEqual([{ error_code: code, message: expect.any(String) }, status]);
    }
    expect((await fetch(at, { method: "DELETE" })).headers.get("allow")).toBe("GET, POST");
    expect((await get(`${at}/partitions/0/offsets`)).body).toEqual({ beginning_offset: 0, end_offset: 0 });
  });

  test("a record that is too large fails alone; a body that is too large, whole", async () => {
    const topic = await newTopic(1);
    const large = "x".repeat(1_100_000);
    const produced = await produce(`${urls[0]}/topics/${topic}`, [{ value: 1 }, { value: large }, { value: 2 }]);
    expect(produced.map(({ error_code, offset }) => [error_code, offset])).toEqual([
      [null, 0],
      [50_002, null],
      [null, 1],
    ]);
    const body = JSON.stringify({ records: Array.from({ length: 4 }, () => ({ value: large })) });
    expect(await post(`${urls[0]}/topics/${topic}`, body)).toMatchObject({ status: 413, body: { error_code: 413 } });
  });

  test("a group that has members commits for itself: a reader without a membership is refused", async () => {
    const topic = await newTopic(1);
    const { bootstrap } = site.clusterFile();
    const consumer = new Kafka({ brokers: bootstrap.split(","), logLevel: logLevel.NOTHING }).consumer({
      groupId: "own",
    });
    await consumer.connect();
    await consumer.subscribe({ topic });
    const joined = new Promise<void>((resolve) => consumer.on("consumer.group_join", () => resolve()));
    await consumer.run({ eachMessage: async () => {} });
    await joined;
    const refused = await get(`${urls[0]}/topics/${topic}/records?group=own`);
    expect(refused).toMatchObject({ status: 409, body: { error_code: 409 } });
    await consumer.disconnect();
  });

  test("internal topics are not written to", async () => {
    const [answer] = await produce(`${urls[0]}/topics/__consumer_offsets`, [{ value: 1 }]);
    expect(answer).toMatchObject({ error_code: 50_002, offset: null });
  });

  test("a reader that never reads holds up nobody", async () => {
    const topic = await newTopic(1);
    const url = `${urls[0]}/topics/${topic}`;
    for (let request = 0; request < 12; request++) {
      await produce(
        url,
        Array.from({ length: 30 }, () => ({ value: "y".repeat(100_000) })),
      );
    }
    const { hostname, port } = new URL(url);
    const stuck = connect(Number(port), hostname);
    stuck.pause();
    stuck.write(`GET /topics/${topic}/records HTTP/1.1\r\nhost: ${hostname}:${port}\r\n\r\n`);
    const metrics = async (): Promise<string> => (await fetch(`${site.clusterFile().brokers[0]?.http}/metrics`)).text();
    await until(async () => (await metrics()).includes("\ntidemark_http_readers 1\n"));
    expect(await lines(`${url}/records?from=300&partition=0`)).toHaveLength(60);
    expect(await produce(url, [{ value: 1 }])).toMatchObject([{ error_code: null }]);
    stuck.destroy();
    await until(async () => (await metrics()).includes("\ntidemark_http_readers 0\n"));
    expect(await metrics()).toMatch(
      /tidemark_http_requests_total\{method="POST",route="\/topics\/\{topic\}",status="200"\} \d/,
    );
  });
});

describe("over the death of a broker", () => {
  test("what was acknowledged over HTTP is there once, and readers go on without a gap", async () => {
    const topic = await newTopic(1);
    const leader = await site.leaderOf(topic);
    const survivor = (leader + 1) % 3;
    const url = `${urls[survivor]}/topics/${topic}`;
    const count = 400;
    const reading = events(`${url}/events?from=beginning`, count);
    const acked: number[] = [];
    for (let value = 0; value < count; value++) {
      if (value === 100) site.killBroker(leader);
      const [answer] = await produce(url, [{ value }]);
      if (answer?.error_code === null) acked.push(value);
    }
    expect(acked).toHaveLength(count);
    expect(valuesOf((await reading).map(lineIn))).toEqual(acked);
    await until(() => site.isWhole());
  });
});
