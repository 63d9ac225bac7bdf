import { describe, expect, test } from "@jest/globals";
import type { BrokerId, PartitionIndex } from "../base/ids.ts";
import type { AdminRequest, AdminResponse } from "../contract/control.ts";
import { idOf, TestBroker } from "../testing/test-broker.ts";
import { describeLogDirs } from "../wire/apis/35-describe-log-dirs.ts";
import { alterPartitionReassignments } from "../wire/apis/45-alter-partition-reassignments.ts";
import { listPartitionReassignments } from "../wire/apis/46-list-partition-reassignments.ts";

const ids = (...numbers: number[]): BrokerId[] => numbers as BrokerId[];
const at = (partitionIndex: number, replicas: BrokerId[] | null) => ({
  partitionIndex: partitionIndex as PartitionIndex,
  replicas,
});

describe("AlterPartitionReassignments", () => {
  const alter = async (request: AdminRequest): Promise<AdminResponse> => {
    if (request.kind !== "alterReassignments") throw new Error("another request");
    const partitions = request.partitions.map(({ topic, partition, replicas }) => {
      const isKnown = replicas !== null;
      return { topic, partition, errorCode: isKnown ? 0 : 85, errorMessage: isKnown ? null : "none" };
    });
    return { kind: "alterReassignments", partitions };
  };

  test.each([0, 1])("hands targets and cancellations on, and answers for each partition (v%i)", async (version) => {
    const broker = new TestBroker();
    broker.admin = alter;
    const topics = [
      { name: "t", partitions: [at(0, ids(1, 2)), at(1, null)] },
      { name: "u", partitions: [at(0, ids(-1))] },
    ];
    const forbids = version === 1 ? { allowReplicationFactorChange: false } : {};
    const answer = await broker.connect().request(alterPartitionReassignments, version, { topics, ...forbids });
    expect(answer).toMatchObject({
      errorCode: 0,
      responses: [
        {
          name: "t",
          partitions: [
            { partitionIndex: 0, errorCode: 0 },
            { partitionIndex: 1, errorCode: 85, errorMessage: "none" },
          ],
        },
        { name: "u", partitions: [{ partitionIndex: 0, errorCode: 39 }] },
      ],
    });
    expect(broker.asked).toEqual([
      {
        kind: "alterReassignments",
        partitions: [
          { topic: "t", partition: 0, replicas: [1, 2] },
          { topic: "t", partition: 1, replicas: null },
        ],
        mayChangeReplicationFactor: version === 0,
      },
    ]);
  });

  test("says so, for each partition and as a whole, when the controller cannot be asked", async () => {
    const topics = [{ name: "t", partitions: [at(0, ids(1))] }];
    const answer = await new TestBroker().connect().request(alterPartitionReassignments, 1, { topics });
    expect(answer).toMatchObject({ errorCode: 41, responses: [{ partitions: [{ errorCode: 41 }] }] });
  });
});

describe("DescribeLogDirs", () => {
  test.each([1, 5])(
    "tells the sizes of what this broker hosts, of all or of those asked for (v%i)",
    async (version) => {
      const broker = new TestBroker();
      const [replica] = broker.addTopic({ name: "t", id: 7 });
      broker.addTopic({ name: "u", id: 8 });
      const bytes = new Uint8Array(70);
      replica?.kept.push({ baseOffset: 0, bytes } as never);
      const client = broker.connect();
      const all = await client.request(describeLogDirs, version, { topics: null });
      expect(all.results).toMatchObject([{ errorCode: 0, logDir: "data" }]);
      const sizes = all.results[0]?.topics.map(({ name, partitions }) => [name, partitions[0]?.partitionSize]);
      expect(sizes).toEqual([
        ["t", 70],
        ["u", 0],
      ]);
      const topics = ["t", "none"].map((topic) => ({ topic, partitions: [0, 9] as PartitionIndex[] }));
      const some = await client.request(describeLogDirs, version, { topics });
      expect(some.results[0]?.topics).toMatchObject([{ name: "t", partitions: [{ partitionIndex: 0, offsetLag: 0 }] }]);
    },
  );
});

describe("ListPartitionReassignments", () => {
  const moving = (partition: number) => ({
    ...{ topic: "t", topicId: idOf(7), partition: partition as PartitionIndex, missingBytes: 5 },
    ...{ replicas: ids(3, 2, 1), adding: ids(3), removing: ids(1) },
  });

  test("tells what is under way, by topic, of those asked for or of all", async () => {
    const broker = new TestBroker();
    broker.admin = async () => ({ kind: "listReassignments", reassignments: [moving(0), moving(4)] });
    const client = broker.connect();
    const shown = (partitionIndex: number) => {
      return { partitionIndex, replicas: [3, 2, 1], addingReplicas: [3], removingReplicas: [1] };
    };
    expect(await client.request(listPartitionReassignments, 0, { topics: null })).toMatchObject({
      errorCode: 0,
      topics: [{ name: "t", partitions: [shown(0), shown(4)] }],
    });
    const topics = [{ name: "t", partitionIndexes: [0, 4] as PartitionIndex[] }];
    await client.request(listPartitionReassignments, 0, { topics });
    expect(broker.asked).toEqual([
      { kind: "listReassignments", partitions: null },
      {
        kind: "listReassignments",
        partitions: [
          { topic: "t", partition: 0 },
          { topic: "t", partition: 4 },
        ],
      },
    ]);
  });

  test("says so when the controller cannot be asked", async () => {
    const answer = await new TestBroker().connect().request(listPartitionReassignments, 0, {});
    expect(answer).toMatchObject({ errorCode: 41, topics: [] });
  });
});
