import { beforeEach, describe, expect, test } from "@jest/globals";
import { settle } from "../../base/testing/fake-clock.ts";
import type { BrokerId } from "../../base/ids.ts";
import type { Asked } from "../../peers/peer-link.ts";
import { Peers } from "../../peers/peers.ts";
import type { Network } from "../../ports/network.ts";
import { streamPair } from "../../ports/testing/stream-pair.ts";
import { brokerRow, partitionRow, TestBroker, type TopicSpec } from "../../testing/test-broker.ts";
import { kafkaErrors } from "../../wire/error-codes.ts";
import { baseSequenceOf, producerIdOf, recordsCountOf } from "../../wire/record-batch.ts";
import { LATEST, offsetsAt } from "./leaders.ts";
import { type BatchOutcome, ProduceDraft } from "./produce-draft.ts";
import { Producer } from "./producer.ts";

interface Sent {
  readonly to: BrokerId;
  readonly id: number;
  readonly sequence: number;
  readonly count: number;
}

const spec: TopicSpec = { name: "orders", id: 1, leader: 2, partitions: 2 };

/** A producer whose leaders answer what the test says. */
class World {
  readonly test = new TestBroker();
  readonly sent: Sent[] = [];
  /** Answers to come: an error code (0: appended), or what became of the request. */
  readonly answers: (number | "unsent" | "lost" | "never")[] = [];
  readonly producer: Producer;
  #offset = 100;

  constructor() {
    this.test.addTopic(spec);
    let next = 7;
    this.test.admin = async () => ({ kind: "allocateProducerIds", first: (next += 1000) - 1000, count: 1000 });
    const peers = { ask: (to: BrokerId, question: { body: unknown }) => this.#answer(to, question.body) };
    this.producer = new Producer({ broker: this.test.context, peers: peers as unknown as Peers });
  }

  get topic() {
    return this.test.image.topicByName("orders")!;
  }

  send(partition: number, ...counts: number[]): Promise<BatchOutcome[]> {
    const draft = new ProduceDraft(1);
    for (let left = counts.reduce((sum, count) => sum + count, 0); left > 0; left--) {
      draft.add(partition, { key: null, value: null, timestamp: 1, headers: [] });
    }
    return this.producer.send(this.topic, draft).then((outcomes) => [...outcomes.values()]);
  }

  async #answer(to: BrokerId, body: unknown): Promise<Asked<unknown>> {
    const { topicData } = body as { topicData: { partitionData: { records: Buffer }[] }[] };
    const { records } = topicData[0]!.partitionData[0]!;
    const count = recordsCountOf(records, 0);
    this.sent.push({ to, id: producerIdOf(records, 0), sequence: baseSequenceOf(records, 0), count });
    const answer = this.answers.shift() ?? 0;
    if (answer === "never") return new Promise(() => {});
    if (typeof answer === "string") return { kind: answer };
    const baseOffset = answer === 0 ? (this.#offset += count) - count : -1;
    return { kind: "answered", body: { responses: [{ partitionResponses: [{ errorCode: answer, baseOffset }] }] } };
  }
}

let world: World;

beforeEach(() => {
  world = new World();
});

const appended = (baseOffset: number): BatchOutcome => ({ kind: "appended", baseOffset });

/** Lets time pass until the outcomes are there. */
async function after<T>(outcome: Promise<T>): Promise<T> {
  let isDone = false;
  void outcome.finally(() => {
    isDone = true;
  });
  while (!isDone) await world.test.clock.advance(100);
  return outcome;
}

describe("a batch", () => {
  test("goes to its leader as the next of a session", async () => {
    expect(await world.send(0, 1)).toEqual([appended(100)]);
    expect(await world.send(0, 1)).toEqual([appended(101)]);
    expect(world.sent).toEqual([
      { to: 2, id: 7, sequence: 0, count: 1 },
      { to: 2, id: 7, sequence: 1, count: 1 },
    ]);
  });

  test("whose answer is lost is sent again as the same one, to whoever leads then", async () => {
    world.answers.push("lost");
    const outcome = world.send(0, 1);
    await settle();
    world.test.apply({ partitions: [partitionRow({ ...spec, leader: 3, row: { partitionEpoch: 8 as never } }, 0)] });
    expect(await after(outcome)).toEqual([appended(100)]);
    expect(world.sent.map(({ to, id, sequence }) => [to, id, sequence])).toEqual([
      [2, 7, 0],
      [3, 7, 0],
    ]);
  });

  test("of a leader that is frozen is sent to the next one as soon as there is one", async () => {
    world.answers.push("never");
    const outcome = world.send(0, 1);
    await world.test.clock.advance(1000);
    expect(world.sent).toHaveLength(1);
    world.test.apply({ partitions: [partitionRow({ ...spec, leader: 3, row: { partitionEpoch: 8 as never } }, 0)] });
    await world.test.clock.advance(1000);
    expect(await outcome).toEqual([appended(100)]);
  });

  test("that may have been appended says so when it is given up, and the next begins a session", async () => {
    world.answers.push("lost", ...Array.from({ length: 1000 }, () => "unsent" as const));
    expect(await after(world.send(0, 1))).toEqual([
      { kind: "failed", isRetriable: true, message: "its leader cannot be reached; it may have been appended" },
    ]);
    world.answers.length = 0;
    expect(await world.send(0, 1)).toEqual([appended(100)]);
    expect(world.sent.at(-1)).toMatchObject({ id: 8, sequence: 0 });
  });

  test("that was surely not appended leaves the session as it was", async () => {
    world.answers.push(0, kafkaErrors.MESSAGE_TOO_LARGE);
    await world.send(0, 1);
    const [refused] = await world.send(0, 1);
    expect(refused).toEqual({ kind: "failed", isRetriable: false, message: "MESSAGE_TOO_LARGE" });
    await world.send(0, 1);
    expect(world.sent.map(({ id, sequence }) => [id, sequence])).toEqual([
      [7, 0],
      [7, 1],
      [7, 1],
    ]);
  });

  test("of a session that its leader has forgotten begins another", async () => {
    world.answers.push(0, kafkaErrors.OUT_OF_ORDER_SEQUENCE_NUMBER);
    await world.send(0, 1);
    expect(await after(world.send(0, 1))).toEqual([appended(101)]);
    expect(world.sent.map(({ id, sequence }) => [id, sequence])).toEqual([
      [7, 0],
      [7, 1],
      [8, 0],
    ]);
  });

  test("waits for in-sync replicas that are too few, for a while", async () => {
    world.answers.push(...Array.from({ length: 1000 }, () => kafkaErrors.NOT_ENOUGH_REPLICAS));
    expect(await after(world.send(0, 1))).toEqual([
      { kind: "failed", isRetriable: true, message: "NOT_ENOUGH_REPLICAS" },
    ]);
  });

  test("of a partition without a leader waits for one", async () => {
    world.test.apply({ brokers: [brokerRow(2, { isFenced: true, epoch: 9 as never })] });
    const outcome = world.send(0, 1);
    await world.test.clock.advance(500);
    expect(world.sent).toEqual([]);
    world.test.apply({ brokers: [brokerRow(2, { epoch: 10 as never })] });
    expect(await after(outcome)).toEqual([appended(100)]);
  });
});

describe("batches of one request", () => {
  test("go in order, and none after one of unknown whereabouts", async () => {
    world.answers.push(0, "lost", ...Array.from({ length: 1000 }, () => "unsent" as const));
    const outcomes = await after(world.send(0, 3));
    expect(outcomes.map((outcome) => (outcome.kind === "failed" ? outcome.message : "appended"))).toEqual([
      "appended",
      "its leader cannot be reached; it may have been appended",
      "not sent: a batch before it failed",
    ]);
  });
});

test("requests side by side have sessions of their own, a bounded number of them", async () => {
  world.answers.push(...Array.from({ length: 8 }, () => "never" as const));
  for (let request = 0; request < 10; request++) void world.send(0, 1);
  await settle();
  expect(new Set(world.sent.map(({ id }) => id)).size).toBe(8);
  expect(world.sent).toHaveLength(8);
  await world.send(1, 1);
  expect(world.sent).toHaveLength(9);
});

test("records that wait for their in-sync replicas hold up no question about offsets", async () => {
  const leader = new TestBroker();
  const [replica] = leader.addTopic({ name: "orders", id: 1, partitions: 2 });
  const exchange = async () => {
    const [near, far] = streamPair();
    leader.server.acceptPeer(far);
    return { kind: "accepted", stream: near };
  };
  const broker = world.test.context;
  const bugs: unknown[] = [];
  const peers = new Peers({ exchange } as unknown as Network, { broker, onBug: (error) => bugs.push(error) });
  const draft = new ProduceDraft(1);
  draft.add(0, { key: null, value: null, timestamp: 1, headers: [] });
  const sent = new Producer({ broker, peers }).send(world.topic, draft);
  while (replica!.logEnd === 0) await settle();
  const asked = { topic: world.topic, partitions: [0, 1], timestamp: LATEST };
  expect(await offsetsAt({ broker, peers }, asked)).toEqual([0, 0]);
  replica!.commit();
  expect([...(await sent).values()]).toEqual([appended(0)]);
  expect(bugs).toEqual([]);
});
