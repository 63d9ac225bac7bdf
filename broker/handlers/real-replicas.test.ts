import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import {
  type BrokerEpoch,
  type BrokerId,
  type LeaderEpoch,
  NO_TOPIC_ID,
  type Offset,
  type PartitionIndex,
} from "../base/ids.ts";
import { silent } from "../base/logging.ts";
import { FakeClock } from "../base/testing/fake-clock.ts";
import { LogFolders } from "../log-folders.ts";
import type { Network } from "../ports/network.ts";
import { ReplicaManager } from "../replication/replica-manager.ts";
import { DataFolder } from "../storage/data-folder.ts";
import { defaultLogConfig } from "../storage/log-config.ts";
import { MemoryDisk } from "../storage/testing/memory-disk.ts";
import { idOf, partitionRow, TestBroker } from "../testing/test-broker.ts";
import type { TestClient } from "../testing/test-client.ts";
import { produce } from "../wire/apis/00-produce.ts";
import { fetch } from "../wire/apis/01-fetch.ts";
import { listOffsets } from "../wire/apis/02-list-offsets.ts";
import { buildBatch } from "../wire/record-batch-builder.ts";
import type { BatchOptions } from "../wire/record-batch-writer.ts";

const NOWHERE: Network = {
  exchange: async () => ({ kind: "unreachable", reason: "alone" }),
  probe: async () => ({ kind: "silent" }),
  post: async () => null,
};
const TOPIC = { name: "t", id: 1, replicas: [1], row: { minIsr: 1 } } as const;

/** A broker that leads the one replica of a partition, on a real log over a disk in memory. */
class Alone {
  readonly #disk: MemoryDisk;
  #folder!: DataFolder;
  #manager!: ReplicaManager;
  broker!: TestBroker;
  client!: TestClient;

  constructor(disk: MemoryDisk) {
    this.#disk = disk;
  }

  async start(epoch: number): Promise<void> {
    const clock = new FakeClock();
    const random = { next: () => 0.5, id: () => "f".repeat(32) };
    const disk = this.#disk.mount();
    this.#folder = await DataFolder.open({ disk, random, clusterId: "c", brokerId: 1 as BrokerId });
    this.broker = new TestBroker({
      replicas: { get: (...at) => this.#manager.get(...at), getByName: (...at) => this.#manager.getByName(...at) },
    });
    this.#manager = new ReplicaManager(
      { clock, network: NOWHERE, logger: silent },
      {
        me: 1 as BrokerId,
        cluster: this.broker.image,
        controller: { send: () => {} },
        logs: new LogFolders({ disk, clock, logger: silent }, this.#folder),
        clusterId: () => "c",
        brokerEpoch: () => 1 as BrokerEpoch,
        logConfig: () => defaultLogConfig,
        lagTimeMsMax: () => 30_000,
        copyBytesPerSecond: () => Number.MAX_SAFE_INTEGER,
        followersServeReads: () => true,
        retentionCheckMs: 300_000,
        producerIdExpirationMs: 86_400_000,
        onStorageFailure: (error) => {
          throw error;
        },
      },
    );
    await this.#manager.recover();
    this.broker.addTopic(TOPIC);
    const row = {
      ...partitionRow(TOPIC, 0),
      leaderEpoch: epoch as LeaderEpoch,
      partitionEpoch: (epoch + 100) as never,
    };
    this.broker.apply({ partitions: [row] });
    this.#manager.applyRows({ brokers: [], topics: [], partitions: [row], deletions: [], brokerConfigs: [] });
    this.client = this.broker.connect();
    while (this.#manager.get(idOf(1), 0)?.role !== "leader") await this.broker.clock.advance(1);
  }

  async stop(): Promise<void> {
    this.broker.server.stop();
    await this.#manager.stop();
    await this.#folder.close();
  }

  async produce(values: readonly string[], options: BatchOptions & { acks?: number; timestamp?: number } = {}) {
    const timestamp = options.timestamp ?? this.broker.clock.now();
    const records = buildBatch(
      values.map((value, at) => ({ value, timestamp: timestamp + at })),
      options,
    );
    const partitionData = [{ index: 0 as PartitionIndex, records }];
    const { responses } = await this.client.request(produce, 11, {
      transactionalId: null,
      acks: options.acks ?? -1,
      timeoutMs: 1000,
      topicData: [{ name: "t", partitionData }],
    });
    const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!;
    return [errorCode, baseOffset];
  }

  async fetch(offset: number) {
    const partition = { partition: 0 as PartitionIndex, fetchOffset: offset as Offset, partitionMaxBytes: 1_000_000 };
    const { responses } = await this.client.request(fetch, 12, {
      maxWaitMs: 0,
      minBytes: 1,
      topics: [{ topic: "t", topicId: NO_TOPIC_ID, partitions: [partition] }],
      forgottenTopicsData: [],
    });
    const { errorCode, highWatermark, records } = responses[0]!.partitions[0]!;
    return { errorCode, highWatermark, text: Buffer.from(records ?? []).toString("latin1") };
  }
}

let alone: Alone;

beforeEach(async () => {
  alone = new Alone(new MemoryDisk());
  await alone.start(1);
});

afterEach(() => alone.stop());

const session = (baseSequence: number, epoch = 0): BatchOptions => ({ producer: { id: 7, epoch, baseSequence } });

describe("over real logs", () => {
  test("what acks=all acknowledged is committed and read back, the whole batch from any offset in it", async () => {
    expect(await alone.produce(["one", "two"])).toEqual([0, 0]);
    expect(await alone.produce(["three"], { acks: 1 })).toEqual([0, 2]);
    const fromMiddle = await alone.fetch(1);
    expect(fromMiddle).toMatchObject({ errorCode: 0, highWatermark: 3 });
    for (const word of ["one", "two", "three"]) expect(fromMiddle.text).toContain(word);
    expect((await alone.fetch(2)).text).not.toContain("two");
    expect(await alone.fetch(3)).toMatchObject({ errorCode: 0, text: "" });
    expect((await alone.fetch(4)).errorCode).toBe(1);
  });

  test("a repeated batch is answered with its first offset, a gap and an old epoch are refused", async () => {
    expect(await alone.produce(["a", "b"], session(0))).toEqual([0, 0]);
    expect(await alone.produce(["c"], session(2))).toEqual([0, 2]);
    expect(await alone.produce(["a", "b"], session(0))).toEqual([0, 0]);
    expect(await alone.produce(["x"], session(5))).toEqual([45, -1]);
    expect(await alone.produce(["d"], session(0, 1))).toEqual([0, 3]);
    expect(await alone.produce(["y"], session(3, 0))).toEqual([47, -1]);
    expect((await alone.fetch(0)).highWatermark).toBe(4);
  });

  test("after a stop and a start all is still there, duplicates are known, and reads come from disk", async () => {
    await alone.produce(["kept"], session(0));
    await alone.stop();
    await alone.start(2);
    expect((await alone.fetch(0)).text).toContain("kept");
    expect(await alone.produce(["kept"], session(0))).toEqual([0, 0]);
    expect(await alone.produce(["next"], session(1))).toEqual([0, 1]);
  });

  test("a timestamp finds the exact record within a batch", async () => {
    const timestamp = alone.broker.clock.now();
    await alone.produce(["a", "b", "c"], { timestamp });
    const { topics } = await alone.client.request(listOffsets, 7, {
      replicaId: -1 as BrokerId,
      isolationLevel: 0,
      topics: [{ name: "t", partitions: [timestamp + 1, timestamp + 9, -1, -2, -3].map((one) => at(one)) }],
    });
    // The same partition five times is refused; each is asked for by itself below.
    expect(new Set(topics[0]?.partitions.map(({ errorCode }) => errorCode))).toEqual(new Set([42]));
    const offsets: number[] = [];
    for (const one of [timestamp + 1, timestamp + 9, -1, -2, -3]) {
      const answer = await alone.client.request(listOffsets, 7, {
        replicaId: -1 as BrokerId,
        isolationLevel: 0,
        topics: [{ name: "t", partitions: [at(one)] }],
      });
      offsets.push(answer.topics[0]!.partitions[0]!.offset);
    }
    expect(offsets).toEqual([1, -1, 3, 0, 2]);
  });
});

const at = (timestamp: number) => ({ partitionIndex: 0 as PartitionIndex, timestamp });
