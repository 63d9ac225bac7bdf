import { describe, expect, test } from "@jest/globals";
import type { LeaderEpoch, Offset, PartitionIndex } from "../base/ids.ts";
import { OFFSETS_TOPIC, partitionFor } from "../groups/coordinator.ts";
import type { FakeReplica } from "../testing/fake-replica.ts";
import { idOf, partitionRow, TestBroker } from "../testing/test-broker.ts";
import type { TestClient } from "../testing/test-client.ts";
import { produce } from "../wire/apis/00-produce.ts";
import { offsetCommit } from "../wire/apis/08-offset-commit.ts";
import { offsetFetch } from "../wire/apis/09-offset-fetch.ts";
import { findCoordinator } from "../wire/apis/10-find-coordinator.ts";
import { joinGroup } from "../wire/apis/11-join-group.ts";
import { heartbeat } from "../wire/apis/12-heartbeat.ts";
import { leaveGroup } from "../wire/apis/13-leave-group.ts";
import { syncGroup } from "../wire/apis/14-sync-group.ts";
import { describeGroups } from "../wire/apis/15-describe-groups.ts";
import { listGroups } from "../wire/apis/16-list-groups.ts";
import { deleteGroups } from "../wire/apis/42-delete-groups.ts";
import { offsetDelete } from "../wire/apis/47-offset-delete.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import { buildBatch } from "../wire/record-batch-builder.ts";

const OFFSETS_ID = 100;
const ALL = { statesFilter: [], typesFilter: [] };

/** Broker 1 coordinates every group; topic `t` has two partitions. */
class Scene {
  readonly broker = new TestBroker({
    config: { "group.initial.rebalance.delay.ms": "0", "offsets.topic.segment.bytes": "2048" },
  });
  readonly log: FakeReplica;
  readonly client: TestClient;

  constructor({ isReady = true } = {}) {
    this.broker.addTopic({ name: "t", id: 1, partitions: 2 });
    const [log] = this.broker.addTopic({ name: OFFSETS_TOPIC, id: OFFSETS_ID });
    this.log = log!;
    this.log.isReadyAsLeader = isReady;
    this.broker.context.groups.refresh();
    this.client = this.broker.connect();
  }

  /** Lets happen what is due by now, and soon. */
  async turns(): Promise<void> {
    for (let turn = 0; turn < 30; turn++) {
      await this.broker.clock.advance(1);
      this.log.commit();
    }
  }

  /** Runs what is due, commits what was appended, and answers what `answer` comes to. */
  async settled<T>(answer: Promise<T>): Promise<T> {
    let isDone = false;
    const watched = answer.finally(() => {
      isDone = true;
    });
    for (let turn = 0; turn < 50 && !isDone; turn++) {
      await this.broker.clock.advance(1);
      this.log.commit();
    }
    return watched;
  }

  commit(offset: number, changes: { generation?: number; member?: string; group?: string; partition?: number } = {}) {
    const { generation = -1, member = "", group = "g", partition = 0 } = changes;
    return this.client.request(offsetCommit, 9, {
      groupId: group,
      generationIdOrMemberEpoch: generation,
      memberId: member,
      topics: [
        {
          name: "t",
          partitions: [
            {
              partitionIndex: partition as PartitionIndex,
              committedOffset: offset as Offset,
              committedLeaderEpoch: 5 as LeaderEpoch,
              committedMetadata: "note",
            },
          ],
        },
      ],
    });
  }

  async committed(group = "g"): Promise<Record<string, number>> {
    const { groups } = await this.settled(
      this.client.request(offsetFetch, 9, { groupId: "", topics: [], groups: [{ groupId: group, topics: null }] }),
    );
    const [first] = groups;
    expect(first?.errorCode).toBe(0);
    const entries = first!.topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, committedOffset }) => [`${name}-${partitionIndex}`, committedOffset] as const),
    );
    return Object.fromEntries(entries);
  }

  join(memberId = "", version = 9) {
    return this.settled(
      this.client.request(joinGroup, version, {
        groupId: "g",
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 60_000,
        memberId,
        protocolType: "consumer",
        protocols: [{ name: "range", metadata: subscription("t") }],
      }),
    );
  }

  /** A member of group `g` that has its assignment. */
  async member(): Promise<{ memberId: string; generationId: number }> {
    const { memberId } = await this.join();
    const { generationId } = await this.join(memberId);
    const { errorCode } = await this.settled(
      this.client.request(syncGroup, 5, {
        groupId: "g",
        generationId,
        memberId,
        protocolType: "consumer",
        protocolName: "range",
        assignments: [{ memberId, assignment: Buffer.from("mine") }],
      }),
    );
    expect(errorCode).toBe(0);
    return { memberId, generationId };
  }

  /** What a broker knows that takes over after this one. */
  async successor(): Promise<Scene> {
    const next = new Scene({ isReady: false });
    for (const { bytes } of this.log.kept) next.log.append(new Uint8Array(bytes));
    next.log.commit();
    next.log.isReadyAsLeader = true;
    await next.turns();
    return next;
  }
}

/** Version 0 of a consumer's subscription: version, topics, no user data. */
function subscription(topic: string): Buffer {
  const bytes = Buffer.alloc(2 + 4 + 2 + topic.length + 4);
  bytes.writeInt32BE(1, 2);
  bytes.writeInt16BE(topic.length, 6);
  bytes.write(topic, 8);
  bytes.writeInt32BE(-1, 8 + topic.length);
  return bytes;
}

describe("the coordinator", () => {
  test("is the leader of the group's partition, as Kafka finds it", async () => {
    const { client, broker } = new Scene();
    const { coordinators } = await client.request(findCoordinator, 5, { key: "", coordinatorKeys: ["g", ""] });
    expect(coordinators[0]).toMatchObject({ key: "g", nodeId: 1, host: "host-1", port: 9001, errorCode: 0 });
    expect(coordinators[1]).toMatchObject({ key: "", errorCode: kafkaErrors.INVALID_GROUP_ID });
    expect(broker.image.topicByName(OFFSETS_TOPIC)?.partitionCount).toBe(1);
    // "hello".hashCode() of Java is 99162322.
    expect(partitionFor("hello", 50)).toBe(99_162_322 % 50);
    const one = await client.request(findCoordinator, 3, { key: "g", keyType: 0, coordinatorKeys: [] });
    expect(one).toMatchObject({ nodeId: 1, port: 9001, errorCode: 0 });
    const other = await client.request(findCoordinator, 5, { key: "", keyType: 1, coordinatorKeys: ["x"] });
    expect(other.coordinators[0]?.errorCode).toBe(kafkaErrors.INVALID_REQUEST);
  });

  test("has its topic created when the first group is looked for", async () => {
    const broker = new TestBroker();
    broker.admin = async () => {
      broker.addTopic({ name: OFFSETS_TOPIC, id: OFFSETS_ID, partitions: 50 });
      return { kind: "createTopics", topics: [{ ...CREATED, name: OFFSETS_TOPIC, errorCode: 0, errorMessage: null }] };
    };
    const found = await broker.connect().request(findCoordinator, 5, { key: "", coordinatorKeys: ["g"] });
    expect(found.coordinators[0]).toMatchObject({ errorCode: 0, nodeId: 1 });
    const [asked] = broker.asked;
    expect(asked).toMatchObject({
      kind: "createTopics",
      topics: [{ name: OFFSETS_TOPIC, partitionCount: 50, replicationFactor: 3, config: { "retention.ms": "-1" } }],
    });
  });

  test("is not available while its topic cannot be created", async () => {
    const broker = new TestBroker();
    const found = await broker.connect().request(findCoordinator, 5, { key: "", coordinatorKeys: ["g"] });
    expect(found.coordinators[0]?.errorCode).toBe(kafkaErrors.COORDINATOR_NOT_AVAILABLE);
  });

  test("answers nothing before everything is read, and nothing for groups of others", async () => {
    const scene = new Scene({ isReady: false });
    const loading = await scene.commit(1);
    expect(loading.topics[0]?.partitions[0]?.errorCode).toBe(kafkaErrors.COORDINATOR_LOAD_IN_PROGRESS);
    expect(await scene.client.request(listGroups, 5, ALL)).toMatchObject({ errorCode: 14, groups: [] });
    scene.log.isReadyAsLeader = true;
    await scene.turns();
    expect((await scene.settled(scene.commit(1))).topics[0]?.partitions[0]?.errorCode).toBe(0);
    const elsewhere = partitionRow({ name: OFFSETS_TOPIC, id: OFFSETS_ID, leader: 2 }, 0);
    const row = { ...elsewhere, leaderEpoch: 6 as LeaderEpoch, partitionEpoch: 8 as typeof elsewhere.partitionEpoch };
    scene.broker.apply({ partitions: [row] });
    scene.broker.context.groups.refresh();
    expect((await scene.commit(2)).topics[0]?.partitions[0]?.errorCode).toBe(kafkaErrors.NOT_COORDINATOR);
  });

  test("lets no client write its topic", async () => {
    const { client, log } = new Scene();
    const records = buildBatch([{ value: "x", timestamp: 1 }]);
    const { responses } = await client.request(produce, 11, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 100,
      topicData: [{ name: OFFSETS_TOPIC, partitionData: [{ index: 0 as PartitionIndex, records }] }],
    });
    expect(responses[0]?.partitionResponses[0]?.errorCode).toBe(kafkaErrors.INVALID_TOPIC_EXCEPTION);
    expect(log.kept).toHaveLength(0);
  });
});

const CREATED = { topicId: idOf(OFFSETS_ID), partitionCount: 50, replicationFactor: 3, config: {} };

describe("offsets", () => {
  test("are there once they are committed, not before; a later coordinator has them too", async () => {
    const scene = new Scene();
    const answer = scene.commit(7);
    await scene.broker.clock.advance(10);
    expect(scene.client.openCount).toBe(1);
    expect((await scene.settled(answer)).topics[0]?.partitions[0]?.errorCode).toBe(0);
    await scene.settled(scene.commit(3, { partition: 1 }));
    await scene.settled(scene.commit(9));
    expect(await scene.committed()).toEqual({ "t-0": 9, "t-1": 3 });
    const next = await scene.successor();
    expect(await next.committed()).toEqual({ "t-0": 9, "t-1": 3 });
  });

  test("of partitions that do not exist, or with too much beside them, are refused one by one", async () => {
    const scene = new Scene();
    const partition = (index: number, committedMetadata: string) => ({
      partitionIndex: index as PartitionIndex,
      committedOffset: 1 as Offset,
      committedMetadata,
    });
    const partitions = [partition(0, ""), partition(1, "x".repeat(4097)), partition(2, "")];
    const answer = scene.client.request(offsetCommit, 9, {
      groupId: "g",
      memberId: "",
      topics: [
        { name: "t", partitions },
        { name: "none", partitions: [partition(0, "")] },
      ],
    });
    const { topics } = await scene.settled(answer);
    expect(topics.map(({ partitions: told }) => told.map(({ errorCode }) => errorCode))).toEqual([[0, 12, 3], [3]]);
  });

  test("are named by topic ids from v10 on", async () => {
    const scene = new Scene();
    const partitions = [{ partitionIndex: 0 as PartitionIndex, committedOffset: 4 as Offset, committedMetadata: null }];
    const topics = [
      { topicId: idOf(1), partitions },
      { topicId: idOf(9), partitions },
    ];
    const body = { groupId: "g", memberId: "", topics };
    const answer = await scene.settled(scene.client.request(offsetCommit, 10, body));
    expect(answer.topics.map((topic) => topic.partitions[0]?.errorCode)).toEqual([0, kafkaErrors.UNKNOWN_TOPIC_ID]);
    const asked = topics.map(({ topicId }) => ({ topicId, partitionIndexes: [0, 1] }));
    const { groups } = await scene.client.request(offsetFetch, 10, {
      groupId: "",
      topics: [],
      groups: [{ groupId: "g", topics: asked }],
    });
    const told = groups[0]!.topics.map((topic) => topic.partitions.map((one) => [one.committedOffset, one.errorCode]));
    expect(told).toEqual([
      [
        [4, 0],
        [-1, 0],
      ],
      [
        [-1, 100],
        [-1, 100],
      ],
    ]);
  });

  test("go with their topic, and after their retention", async () => {
    const scene = new Scene();
    await scene.settled(scene.commit(7));
    scene.broker.context.groups.forget((_, topicId) => topicId === idOf(1));
    await scene.turns();
    expect(await scene.committed()).toEqual({});
    await scene.settled(scene.commit(8));
    await scene.broker.clock.advance(1000);
    scene.broker.context.groups.expire(2000);
    await scene.turns();
    expect(await scene.committed()).toEqual({ "t-0": 8 });
    scene.broker.context.groups.expire(1000);
    await scene.turns();
    expect((await scene.client.request(listGroups, 5, ALL)).groups).toEqual([]);
    const next = await scene.successor();
    expect(await next.committed()).toEqual({});
  });

  test("of an earlier topic of the same name are not those of the new one", async () => {
    const scene = new Scene();
    await scene.settled(scene.commit(7));
    scene.broker.apply({ deletions: [{ topicId: idOf(1), name: "t", waitingFor: [] }] });
    scene.broker.addTopic({ name: "t", id: 2, partitions: 2 });
    expect(await scene.committed()).toEqual({});
    const topics = [{ name: "t", partitionIndexes: [0] }];
    const ask = () => scene.settled(scene.client.request(offsetFetch, 7, { groupId: "g", topics, groups: [] }));
    expect((await ask()).topics[0]?.partitions[0]?.committedOffset).toBe(-1);
    await scene.settled(scene.commit(3));
    expect((await ask()).topics[0]?.partitions[0]?.committedOffset).toBe(3);
  });

  test("do not fill the log: what stands is written anew, and the rest is deleted", async () => {
    const scene = new Scene();
    const { memberId: member, generationId: generation } = await scene.member();
    await scene.settled(scene.commit(5, { group: "other", partition: 1 }));
    for (let offset = 1; offset <= 200; offset++) {
      const answers = [scene.commit(offset, { member, generation }), scene.commit(offset, { group: "once" })];
      for (const answer of answers) {
        expect((await scene.settled(answer)).topics[0]?.partitions[0]?.errorCode).toBe(0);
      }
    }
    expect(scene.log.logStart).toBeGreaterThan(300);
    const bytes = scene.log.kept.reduce((sum, kept) => sum + kept.bytes.length, 0);
    expect(bytes).toBeLessThan(6000);
    const next = await scene.successor();
    expect(await next.committed()).toEqual({ "t-0": 200 });
    expect(await next.committed("once")).toEqual({ "t-0": 200 });
    expect(await next.committed("other")).toEqual({ "t-1": 5 });
    const { errorCode } = await next.client.request(heartbeat, 4, {
      groupId: "g",
      generationId: generation,
      memberId: member,
    });
    expect(errorCode).toBe(0);
  });

  test("appended while the rest is written anew are not set back by it", async () => {
    const scene = new Scene();
    const wait: Promise<unknown>[] = [];
    // Nothing is committed meanwhile: all of it is on its way when the log is long enough to be rewritten.
    for (let offset = 1; offset <= 60; offset++) {
      wait.push(scene.commit(offset));
      await scene.broker.clock.advance(1);
    }
    await scene.settled(Promise.all(wait));
    await scene.turns();
    expect(scene.log.logStart).toBeGreaterThan(0);
    expect(await (await scene.successor()).committed()).toEqual({ "t-0": 60 });
  });

  test("of topics that a group reads cannot be deleted one by one", async () => {
    const scene = new Scene();
    const { memberId, generationId } = await scene.member();
    await scene.settled(scene.commit(7, { member: memberId, generation: generationId }));
    const ask = () =>
      scene.settled(
        scene.client.request(offsetDelete, 0, {
          groupId: "g",
          topics: [{ name: "t", partitions: [{ partitionIndex: 0 as PartitionIndex }] }],
        }),
      );
    expect((await ask()).topics[0]?.partitions[0]?.errorCode).toBe(kafkaErrors.GROUP_SUBSCRIBED_TO_TOPIC);
    await scene.settled(scene.client.request(leaveGroup, 5, { groupId: "g", memberId: "", members: [{ memberId }] }));
    expect((await ask()).topics[0]?.partitions[0]?.errorCode).toBe(0);
    expect(await scene.committed()).toEqual({});
  });
});

describe("a group", () => {
  test("is joined, described, listed and left", async () => {
    const scene = new Scene();
    const { memberId, generationId } = await scene.member();
    const beat = () => scene.client.request(heartbeat, 4, { groupId: "g", generationId, memberId });
    expect((await beat()).errorCode).toBe(0);
    const described = await scene.client.request(describeGroups, 6, {
      groups: ["g", "none"],
      includeAuthorizedOperations: true,
    });
    expect(described.groups[0]).toMatchObject({
      groupState: "Stable",
      protocolType: "consumer",
      protocolData: "range",
    });
    expect(described.groups[0]?.members).toMatchObject([{ memberId, clientId: "test" }]);
    expect(Buffer.from(described.groups[0]!.members[0]!.memberAssignment).toString()).toBe("mine");
    expect(described.groups[1]).toMatchObject({ groupState: "Dead", errorCode: kafkaErrors.GROUP_ID_NOT_FOUND });
    const list = async (statesFilter: string[], typesFilter: string[] = []) =>
      (await scene.client.request(listGroups, 5, { statesFilter, typesFilter })).groups;
    expect(await list([])).toMatchObject([{ groupId: "g", groupState: "Stable", groupType: "Classic" }]);
    expect(await list(["empty"])).toEqual([]);
    expect(await list(["stable"], ["consumer"])).toEqual([]);
    const left = await scene.settled(
      scene.client.request(leaveGroup, 5, { groupId: "g", memberId: "", members: [{ memberId }, { memberId: "x" }] }),
    );
    expect(left.members.map(({ errorCode }) => errorCode)).toEqual([0, kafkaErrors.UNKNOWN_MEMBER_ID]);
    expect((await beat()).errorCode).toBe(kafkaErrors.UNKNOWN_MEMBER_ID);
  });

  test("goes on at the next coordinator, which knows its members", async () => {
    const scene = new Scene();
    const { memberId, generationId } = await scene.member();
    const next = await scene.successor();
    await next.committed();
    const body = { groupId: "g", generationId, memberId };
    expect((await next.client.request(heartbeat, 4, body)).errorCode).toBe(0);
  });

  test("is deleted only when it is empty", async () => {
    const scene = new Scene();
    const { memberId } = await scene.member();
    const remove = async () => {
      const { results } = await scene.settled(scene.client.request(deleteGroups, 2, { groupsNames: ["g", "none"] }));
      return results.map(({ errorCode }) => errorCode);
    };
    expect(await remove()).toEqual([kafkaErrors.NON_EMPTY_GROUP, kafkaErrors.GROUP_ID_NOT_FOUND]);
    await scene.settled(scene.client.request(leaveGroup, 2, { groupId: "g", memberId, members: [] }));
    expect(await remove()).toEqual([0, kafkaErrors.GROUP_ID_NOT_FOUND]);
    const next = await scene.successor();
    expect(await next.committed()).toEqual({});
    expect((await next.client.request(listGroups, 5, ALL)).groups).toEqual([]);
  });

  test("that nobody came to be in is forgotten", async () => {
    const scene = new Scene();
    await scene.join("", 4);
    const listed = async () => (await scene.client.request(listGroups, 5, ALL)).groups.length;
    expect(await listed()).toBe(1);
    await scene.broker.clock.advance(11_000);
    expect(await listed()).toBe(0);
    await scene.join("stranger");
    expect(await listed()).toBe(0);
  });

  test("takes no session that is too short or too long, and no group without a name", async () => {
    const { client } = new Scene();
    const ask = async (sessionTimeoutMs: number, groupId = "g") => {
      const protocols = [{ name: "range", metadata: subscription("t") }];
      const body = { groupId, sessionTimeoutMs, memberId: "", protocolType: "consumer", protocols };
      return (await client.request(joinGroup, 9, body)).errorCode;
    };
    expect(await ask(5999)).toBe(kafkaErrors.INVALID_SESSION_TIMEOUT);
    expect(await ask(1_800_001)).toBe(kafkaErrors.INVALID_SESSION_TIMEOUT);
    expect(await ask(10_000, "")).toBe(kafkaErrors.INVALID_GROUP_ID);
  });
});
