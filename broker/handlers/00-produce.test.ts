import { describe, expect, test } from "@jest/globals";
import type { Offset, PartitionIndex } from "../base/ids.ts";
import { settle } from "../base/testing/fake-clock.ts";
import type { FakeReplica } from "../testing/fake-replica.ts";
import { TestBroker, type TopicSpec } from "../testing/test-broker.ts";
import type { TestClient } from "../testing/test-client.ts";
import { produce } from "../wire/apis/00-produce.ts";
import { hasValidCrc } from "../wire/record-batch.ts";
import { buildBatch } from "../wire/record-batch-builder.ts";

const NOW = 1_000_000;
const record = (value: string) => ({ key: null, value, timestamp: NOW });
const batchOf = (...values: string[]): Buffer => buildBatch(values.map(record));

interface Options {
  readonly version?: number;
  readonly acks?: number;
  readonly timeoutMs?: number;
  readonly topic?: string;
  readonly partition?: number;
  readonly transactionalId?: string | null;
}

const requestOf = (records: Uint8Array | null, options: Options) => ({
  transactionalId: options.transactionalId ?? null,
  acks: options.acks ?? -1,
  timeoutMs: options.timeoutMs ?? 1000,
  topicData: [
    { name: options.topic ?? "t", partitionData: [{ index: (options.partition ?? 0) as PartitionIndex, records }] },
  ],
});

async function send(client: TestClient, records: Uint8Array | null, options: Options = {}) {
  const answer = await client.request(produce, options.version ?? 11, requestOf(records, options));
  return { ...answer.responses[0]!.partitionResponses[0]!, nodeEndpoints: answer.nodeEndpoints };
}

function setUp(spec: Partial<TopicSpec> = {}): { broker: TestBroker; client: TestClient; replica: FakeReplica } {
  const broker = new TestBroker();
  const [replica] = broker.addTopic({ name: "t", id: 1, ...spec });
  return { broker, client: broker.connect(), replica: replica! };
}

describe("acks", () => {
  test.each([3, 11])("all: answered only when everything is committed (v%i)", async (version) => {
    const { client, replica } = setUp();
    let answered = false;
    const answer = send(client, batchOf("a", "b"), { version }).then((it) => {
      answered = true;
      return it;
    });
    await settle();
    expect([answered, replica.logEnd]).toEqual([false, 2]);
    replica.commit(1 as Offset);
    await settle();
    expect(answered).toBe(false);
    replica.commit();
    expect(await answer).toMatchObject({ errorCode: 0, baseOffset: 0, logAppendTimeMs: -1 });
  });

  test("1: answered when the leader has it, before it is committed", async () => {
    const { client, replica } = setUp();
    expect(await send(client, batchOf("a"), { acks: 1 })).toMatchObject({ errorCode: 0, baseOffset: 0 });
    expect(await send(client, batchOf("b"), { acks: 1 })).toMatchObject({ errorCode: 0, baseOffset: 1 });
    expect(replica.highWatermark).toBe(0);
  });

  test("0: appended and not answered", async () => {
    const { client, replica } = setUp();
    client.tell(produce, 11, requestOf(batchOf("a"), { acks: 0 }));
    await settle();
    expect([replica.logEnd, client.received.length, client.isClosed]).toEqual([1, 0, false]);
  });

  test("0: an error closes the connection, after earlier requests were answered", async () => {
    const { client, replica } = setUp();
    const earlier = send(client, batchOf("a"));
    await settle();
    replica.refusal = 6;
    client.tell(produce, 11, requestOf(batchOf("b"), { acks: 0 }));
    await settle();
    expect(client.isClosed).toBe(false);
    replica.commit();
    expect((await earlier).errorCode).toBe(0);
    await client.closed();
  });

  test("of any other number are refused with INVALID_REQUIRED_ACKS", async () => {
    const { client, replica } = setUp();
    expect((await send(client, batchOf("a"), { acks: 2 })).errorCode).toBe(21);
    expect(replica.logEnd).toBe(0);
  });

  test("all: a time-out is REQUEST_TIMED_OUT, a shrunken ISR NOT_ENOUGH_REPLICAS_AFTER_APPEND", async () => {
    const { broker, client, replica } = setUp();
    const late = send(client, batchOf("a"), { timeoutMs: 500 });
    await broker.clock.advance(600);
    expect(await late).toMatchObject({ errorCode: 7, baseOffset: -1 });
    const shrunken = send(client, batchOf("b"));
    await settle();
    replica.fail(20);
    expect((await shrunken).errorCode).toBe(20);
    expect(replica.logEnd).toBe(2);
  });

  test("all: a duplicate is answered with its first offset once that is committed", async () => {
    const { client, replica } = setUp();
    const first = send(client, batchOf("a"));
    await settle();
    replica.duplicate = { baseOffset: 0 as Offset, lastOffset: 0 as Offset };
    const second = send(client, batchOf("a"));
    await settle();
    expect(client.openCount).toBe(2);
    replica.commit();
    expect((await first).baseOffset).toBe(0);
    expect(await second).toMatchObject({ errorCode: 0, baseOffset: 0 });
    expect(replica.logEnd).toBe(1);
  });
});

describe("order", () => {
  test("requests of one connection are appended as they came, without waiting for acks", async () => {
    const { client, replica } = setUp();
    const answers = ["a", "b", "c"].map((value) => send(client, batchOf(value)));
    await settle();
    expect(replica.logEnd).toBe(3);
    replica.commit();
    expect((await Promise.all(answers)).map(({ baseOffset }) => baseOffset)).toEqual([0, 1, 2]);
  });

  test("held appends are made in their order when the hold ends", async () => {
    const { client, replica } = setUp();
    replica.isHeld = true;
    const answers = ["a", "b"].map((value) => send(client, batchOf(value), { acks: 1 }));
    await settle();
    expect(replica.logEnd).toBe(0);
    replica.release();
    expect((await Promise.all(answers)).map(({ baseOffset }) => baseOffset)).toEqual([0, 1]);
    // The chunk they came in has other content by then.
    expect(replica.kept.map(({ bytes }) => hasValidCrc(bytes, 0))).toEqual([true, true]);
  });

  test("a held append of a client that has gone is not made, unless it promised nothing", async () => {
    const { client, broker, replica } = setUp();
    replica.isHeld = true;
    const other = broker.connect();
    void send(client, batchOf("a"));
    other.tell(produce, 11, requestOf(batchOf("b"), { acks: 0 }));
    await settle();
    client.stream.destroy();
    other.stream.destroy();
    await settle();
    replica.release();
    expect(replica.logEnd).toBe(1);
  });
});

describe("leadership", () => {
  test("an unknown topic or partition is UNKNOWN_TOPIC_OR_PARTITION", async () => {
    const { client } = setUp();
    expect((await send(client, batchOf("a"), { topic: "nope" })).errorCode).toBe(3);
    expect((await send(client, batchOf("a"), { partition: 9 })).errorCode).toBe(3);
    expect((await send(client, batchOf("a"), { partition: -1 })).errorCode).toBe(3);
  });

  test("another leader is named with its address from v10 on", async () => {
    const { client } = setUp({ leader: 2 });
    const answer = await send(client, batchOf("a"));
    expect(answer.errorCode).toBe(6);
    expect(answer.currentLeader).toEqual({ leaderId: 2, leaderEpoch: 5 });
    expect(answer.nodeEndpoints).toEqual([{ nodeId: 2, host: "host-2", port: 9002, rack: "r2" }]);
    const old = await send(client, batchOf("a"), { version: 9 });
    expect([old.errorCode, old.nodeEndpoints]).toEqual([6, []]);
  });

  test("a partition that is not on this broker is another's", async () => {
    const { client } = setUp({ leader: 3, replicas: [2, 3] });
    const answer = await send(client, batchOf("a"));
    expect([answer.errorCode, answer.currentLeader.leaderId]).toEqual([6, 3]);
  });

  test.each([19, 45, 47])("error %i of the replica is passed on, with no offset", async (code) => {
    const { client, replica } = setUp();
    replica.refusal = code;
    expect(await send(client, batchOf("a"))).toMatchObject({ errorCode: code, baseOffset: -1 });
  });
});

describe("a batch", () => {
  test("with a wrong CRC is CORRUPT_MESSAGE", async () => {
    const { client, replica } = setUp();
    const batch = batchOf("abc");
    batch[batch.length - 2]! ^= 1;
    const answer = await send(client, batch);
    expect([answer.errorCode, replica.logEnd]).toEqual([2, 0]);
    expect(answer.errorMessage).toContain("CRC");
  });

  test.each([0, 1])("of magic %i is refused", async (magic) => {
    const { client } = setUp();
    const batch = batchOf("a");
    batch[16] = magic;
    expect((await send(client, batch)).errorCode).toBe(87);
  });

  test("that is missing, empty, or one of two is INVALID_RECORD", async () => {
    const { client } = setUp();
    expect((await send(client, null)).errorCode).toBe(87);
    expect((await send(client, new Uint8Array(0))).errorCode).toBe(87);
    expect((await send(client, Buffer.concat([batchOf("a"), batchOf("b")]))).errorCode).toBe(87);
  });

  test("larger than max.message.bytes is MESSAGE_TOO_LARGE, larger than a segment RECORD_LIST_TOO_LARGE", async () => {
    const { client } = setUp({ config: { "max.message.bytes": "3000", "segment.bytes": "2000" } });
    expect((await send(client, batchOf("x".repeat(4000)))).errorCode).toBe(10);
    expect((await send(client, batchOf("x".repeat(2500)))).errorCode).toBe(18);
    expect((await send(client, batchOf("x".repeat(100)), { acks: 1 })).errorCode).toBe(0);
  });

  test("with a time too far off is INVALID_TIMESTAMP, except under LogAppendTime", async () => {
    const early = buildBatch([{ value: "a", timestamp: 10 }]);
    const strict = setUp({ config: { "message.timestamp.before.max.ms": "1000" } });
    expect((await send(strict.client, early)).errorCode).toBe(32);
    const future = buildBatch([{ value: "a", timestamp: NOW + 3_600_001 }]);
    expect((await send(strict.client, future)).errorCode).toBe(32);
    const lax = setUp({
      config: { "message.timestamp.before.max.ms": "1000", "message.timestamp.type": "LogAppendTime" },
    });
    expect((await send(lax.client, early, { acks: 1 })).errorCode).toBe(0);
  });

  test("from a transactional producer is INVALID_TXN_STATE: there are no transactions", async () => {
    const { client } = setUp();
    expect((await send(client, batchOf("a"), { transactionalId: "tx" })).errorCode).toBe(48);
    const producer = { id: 1, epoch: 0, baseSequence: 0 };
    const transactional = buildBatch([record("a")], { isTransactional: true, producer });
    expect((await send(client, transactional)).errorCode).toBe(48);
    const control = buildBatch([record("a")], { isControl: true });
    expect((await send(client, control)).errorCode).toBe(87);
  });

  test.each(["none", "lz4"] as const)(
    "without a key is refused by a compacted topic, the record named (%s)",
    async (how) => {
      const { client, replica } = setUp({ config: { "cleanup.policy": "compact,delete" } });
      const keyed = { key: "k", value: "a", timestamp: NOW };
      const answer = await send(client, buildBatch([keyed, record("b")], { compression: how }));
      expect(answer).toMatchObject({ errorCode: 87, baseOffset: -1 });
      const why = "a compacted topic takes no record without a key";
      expect(answer.recordErrors).toEqual([{ batchIndex: 1, batchIndexErrorMessage: why }]);
      expect(replica.logEnd).toBe(0);
      const sent = send(client, buildBatch([keyed, keyed], { compression: how }), { acks: 1 });
      expect(await sent).toMatchObject({ errorCode: 0 });
    },
  );

  test("compressed with zstd needs version 7", async () => {
    const { client } = setUp();
    const batch = buildBatch([record("a")], { compression: "zstd" });
    expect((await send(client, batch, { version: 6, acks: 1 })).errorCode).toBe(76);
    expect((await send(client, batch, { version: 7, acks: 1 })).errorCode).toBe(0);
  });
});

test("each partition of a request has its own outcome, and the answer waits for all", async () => {
  const { broker, client, replica } = setUp();
  const [second] = broker.addTopic({ name: "u", id: 2 });
  second!.refusal = 19;
  const answer = client.request(produce, 9, {
    transactionalId: null,
    acks: -1,
    timeoutMs: 1000,
    topicData: [
      { name: "u", partitionData: [{ index: 0 as PartitionIndex, records: batchOf("x") }] },
      {
        name: "t",
        partitionData: [
          { index: 0 as PartitionIndex, records: batchOf("y") },
          { index: 4 as PartitionIndex, records: batchOf("z") },
        ],
      },
    ],
  });
  await settle();
  replica.commit();
  const { responses } = await answer;
  const codes = responses.map(({ name, partitionResponses }) => [name, partitionResponses.map((one) => one.errorCode)]);
  expect(codes).toEqual([
    ["u", [19]],
    ["t", [0, 3]],
  ]);
});
