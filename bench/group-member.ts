import type { BrokerId } from "../broker/base/ids.ts";
import { findCoordinator } from "../broker/wire/apis/10-find-coordinator.ts";
import { joinGroup } from "../broker/wire/apis/11-join-group.ts";
import { heartbeat } from "../broker/wire/apis/12-heartbeat.ts";
import { leaveGroup } from "../broker/wire/apis/13-leave-group.ts";
import { syncGroup } from "../broker/wire/apis/14-sync-group.ts";
import { Reader } from "../broker/wire/reader.ts";
import { Writer } from "../broker/wire/writer.ts";
import { ask } from "./ask.ts";
import { Connection } from "./connection.ts";
import type { Broker } from "./requests.ts";
import { until, withConnection } from "./system.ts";

/** Kafka's codes that a member meets when all is well. */
const REBALANCE_IN_PROGRESS = 27;
const MEMBER_ID_REQUIRED = 79;

/** Longer than any figure takes, so that no member has to be kept alive. */
const SESSION_TIMEOUT_MS = 600_000;
const REBALANCE_TIMEOUT_MS = 60_000;

const PROTOCOL_TYPE = "consumer";
const PROTOCOL_NAME = "range";

/** Partitions of one topic, from `first` on. */
export interface Share {
  readonly first: number;
  readonly count: number;
}

/** What the range assignor gives to each of `members`, in their order: as even as can be, the rest to the first. */
export function ranges(partitions: number, members: number): Share[] {
  const [each, rest] = [Math.floor(partitions / members), partitions % members];
  return Array.from({ length: members }, (_, index) => ({
    first: index * each + Math.min(index, rest),
    count: each + (index < rest ? 1 : 0),
  }));
}

/** Version 0 of what consumers tell each other, as the Java client writes it: of one topic, without user data. */
function aboutTopic(topic: string, partitions: readonly number[] | null): Buffer {
  const writer = new Writer();
  writer.int16(0);
  writer.int32(1);
  writer.string(topic);
  if (partitions !== null) {
    writer.int32(partitions.length);
    for (const partition of partitions) writer.int32(partition);
  }
  writer.nullableBytesView(null);
  return Buffer.concat(writer.chunks());
}

const subscription = (topic: string): Buffer => aboutTopic(topic, null);

const assignment = (topic: string, { first, count }: Share): Buffer =>
  aboutTopic(
    topic,
    Array.from({ length: count }, (_, index) => first + index),
  );

function partitionsOf(assigned: Uint8Array): number[] {
  const reader = new Reader(assigned);
  const partitions: number[] = [];
  reader.int16();
  for (let topics = reader.int32(); topics > 0; topics--) {
    reader.string();
    for (let left = reader.int32(); left > 0; left--) partitions.push(reader.int32());
  }
  return partitions;
}

/** The group's coordinator, once there is one. */
export const coordinatorOf = (brokers: readonly Broker[], group: string): Promise<Broker> =>
  until(`a coordinator of ${group}`, { limitMs: 60_000 }, () =>
    withConnection(brokers[0] as Broker, async (connection) => {
      const found = await ask(connection, findCoordinator, 1, { key: group, coordinatorKeys: [] });
      return brokers.find(({ id }) => (id as BrokerId) === found.nodeId);
    }),
  );

/**
 * A member of a consumer group, on a connection of its own: the requests of the classic protocol, each sent when it is
 * told to. A client library's timers and back-off would be in every figure.
 */
export class Member {
  readonly connection: Connection;
  readonly group: string;
  private readonly topic: { name: string; partitions: number };
  memberId = "";
  generation = -1;
  /** What it was assigned last. */
  partitions: readonly number[] = [];

  constructor(coordinator: Broker, group: string, topic: { name: string; partitions: number }) {
    this.connection = new Connection(coordinator);
    this.group = group;
    this.topic = topic;
  }

  /** Has itself given an id, without which nobody joins (KIP-394), once the coordinator has loaded the group. */
  async introduce(): Promise<void> {
    this.memberId = await until(`an id for a member of ${this.group}`, { limitMs: 60_000 }, async () => {
      const { errorCode, memberId } = await this.join();
      return errorCode === MEMBER_ID_REQUIRED ? memberId : undefined;
    });
  }

  /**
   * Joins, and takes what it is assigned; the leader of the generation assigns ranges.
   * @returns false when another generation has begun before the assignment came
   */
  async rejoin(): Promise<boolean> {
    const joined = await this.join();
    this.expect("JoinGroup", joined.errorCode);
    this.generation = joined.generationId;
    const isLeader = joined.leader === this.memberId;
    const answer = await ask(this.connection, syncGroup, 2, {
      ...this.me(),
      assignments: isLeader ? this.assign(joined.members.map(({ memberId }) => memberId)) : [],
    });
    if (answer.errorCode === REBALANCE_IN_PROGRESS) return false;
    this.expect("SyncGroup", answer.errorCode);
    this.partitions = partitionsOf(answer.assignment);
    return true;
  }

  /** True as long as its generation is the group's last. */
  async isCurrent(): Promise<boolean> {
    const { errorCode } = await ask(this.connection, heartbeat, 2, this.me());
    if (errorCode === REBALANCE_IN_PROGRESS) return false;
    this.expect("Heartbeat", errorCode);
    return true;
  }

  async leave(): Promise<void> {
    const { errorCode } = await ask(this.connection, leaveGroup, 2, { ...this.me(), members: [] });
    this.expect("LeaveGroup", errorCode);
    this.close();
  }

  close(): void {
    this.connection.close();
  }

  private me() {
    return { groupId: this.group, generationId: this.generation, memberId: this.memberId };
  }

  private join() {
    return ask(this.connection, joinGroup, 5, {
      groupId: this.group,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
      memberId: this.memberId,
      protocolType: PROTOCOL_TYPE,
      protocols: [{ name: PROTOCOL_NAME, metadata: subscription(this.topic.name) }],
    });
  }

  private assign(memberIds: readonly string[]): { memberId: string; assignment: Buffer }[] {
    const shares = ranges(this.topic.partitions, memberIds.length);
    return memberIds.toSorted().map((memberId, index) => ({
      memberId,
      assignment: assignment(this.topic.name, shares[index] as Share),
    }));
  }

  private expect(what: string, code: number): void {
    if (code !== 0) throw new Error(`${what} of ${this.group} was refused with code ${code}`);
  }
}
