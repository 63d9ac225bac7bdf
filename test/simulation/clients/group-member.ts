import { offsetCommit } from "../../../broker/wire/apis/08-offset-commit.ts";
import { offsetFetch } from "../../../broker/wire/apis/09-offset-fetch.ts";
import { findCoordinator } from "../../../broker/wire/apis/10-find-coordinator.ts";
import { joinGroup } from "../../../broker/wire/apis/11-join-group.ts";
import { heartbeat } from "../../../broker/wire/apis/12-heartbeat.ts";
import { leaveGroup } from "../../../broker/wire/apis/13-leave-group.ts";
import { syncGroup } from "../../../broker/wire/apis/14-sync-group.ts";
import { kafkaErrorName, kafkaErrors } from "../../../broker/wire/error-codes.ts";
import type { ClusterClient } from "./cluster-client.ts";
import type { KafkaConnection } from "./connection.ts";

/** What is said of one partition by one member of one generation. */
export interface Ownership {
  readonly group: string;
  readonly generation: number;
  readonly member: string;
  readonly partition: number;
}

export interface GroupObserver {
  /** The coordinator has confirmed a member's assignment. */
  assigned(group: string, generation: number, who: { member: string; partitions: readonly number[] }): void;
  /** Called when a commit leaves; the answer is told to what is returned: 0 = done, null = nobody knows. */
  committing(commit: Ownership & { offset: number }): (errorCode: number | null) => void;
  /** Called when a fetch leaves; the answer is told to what is returned, −1 when nothing was committed. */
  fetching(what: Ownership): (offset: number) => void;
  misbehaved(what: string): void;
}

export interface MemberOptions {
  readonly group: string;
  /** A static member's name; null for an ordinary one. */
  readonly instanceId: string | null;
  readonly topic: string;
  readonly partitionCount: number;
  readonly observer: GroupObserver;
}

const SESSION_MS = 2500;
const REBALANCE_MS = 1200;
const HEARTBEAT_MS = 700;
const RETRY_MS = 60;
const PROTOCOL = { type: "consumer", name: "by turns" };

/** What a member does next: ask the same coordinator again, look for another, or nothing more. */
type Next = "again" | "elsewhere" | "over";

/**
 * One member of a consumer group, as a client's library is one: finds its coordinator, joins, shares partitions out
 * when it leads, fetches where it is to go on, sends heartbeats and commits. It reads no records: positions just grow.
 */
export class SimulatedMember {
  readonly name: string;
  generation = -1;
  /** Partitions it may work on now, and how far it is in each. */
  readonly positions = new Map<number, number>();
  isStable = false;
  readonly #client: ClusterClient;
  readonly #options: MemberOptions;
  #memberId = "";
  #isLeaving = false;
  #isOver = false;
  #commits = true;

  constructor(name: string, client: ClusterClient, options: MemberOptions) {
    this.name = name;
    this.#client = client;
    this.#options = options;
  }

  /** True once it has left, or was told to. */
  get isOver(): boolean {
    return this.#isOver;
  }

  start(): void {
    void this.#live();
  }

  /** It leaves the group when it next looks up; `isOver` follows. */
  leave(): void {
    this.#isLeaving = true;
  }

  /** It dies, as far as anybody can tell. */
  kill(): void {
    this.#isOver = true;
    this.isStable = false;
    this.#client.process.end();
  }

  stopCommitting(): void {
    this.#commits = false;
  }

  async #live(): Promise<void> {
    while (!this.#isOver) {
      const connection = await this.#coordinator();
      let next: Next = connection === null ? "elsewhere" : "again";
      while (connection !== null && next === "again") next = await this.#takePart(connection);
      this.#revoke();
      if (next === "over") this.#isOver = true;
      connection?.close();
      if (!this.#isOver) await this.#pause(RETRY_MS);
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#client.process.clock.after(ms + this.#client.random.below(20), resolve);
    });
  }

  async #coordinator(): Promise<KafkaConnection | null> {
    const any = await this.#client.anyConnection();
    if (any === null) return null;
    const { group } = this.#options;
    const found = await any.ask(findCoordinator, 4, { key: "", coordinatorKeys: [group] });
    any.close();
    const coordinator = found?.coordinators[0];
    if (coordinator === undefined || coordinator.errorCode !== 0) {
      if (coordinator !== undefined) this.#nextAfter(coordinator.errorCode, "FindCoordinator");
      return null;
    }
    return this.#client.connectTo({ host: coordinator.host, port: coordinator.port });
  }

  /** One generation, from joining it to its end. */
  async #takePart(connection: KafkaConnection): Promise<Next> {
    this.#revoke();
    if (this.#isLeaving) return this.#leaveGroup(connection);
    const joined = await this.#join(connection);
    if (typeof joined === "string") return joined;
    const begun = await this.#begin(connection, joined);
    if (begun !== "owns") return begun;
    this.isStable = true;
    for (;;) {
      if (this.#isLeaving) return this.#leaveGroup(connection);
      const next = await this.#work(connection);
      if (next !== "owns") return next;
      await this.#pause(HEARTBEAT_MS);
    }
  }

  #revoke(): void {
    this.isStable = false;
    this.positions.clear();
  }

  get #who() {
    const { group: groupId, instanceId: groupInstanceId } = this.#options;
    return { groupId, memberId: this.#memberId, groupInstanceId };
  }

  /** Answers the generation with its members, who are told to the leader alone; or what to do instead. */
  async #join(connection: KafkaConnection): Promise<{ generation: number; members: readonly string[] } | Next> {
    const answer = await connection.ask(joinGroup, 9, {
      ...this.#who,
      sessionTimeoutMs: SESSION_MS,
      rebalanceTimeoutMs: REBALANCE_MS,
      protocolType: PROTOCOL.type,
      protocols: [{ name: PROTOCOL.name, metadata: new Uint8Array(0) }],
    });
    if (answer === null) return "elsewhere";
    const { errorCode, memberId, generationId, leader, skipAssignment, members } = answer;
    if (errorCode === kafkaErrors.MEMBER_ID_REQUIRED) this.#memberId = memberId;
    if (errorCode !== 0) return this.#nextAfter(errorCode, "JoinGroup");
    this.#memberId = memberId;
    const isToAssign = leader === memberId && !skipAssignment;
    return { generation: generationId, members: isToAssign ? members.map((member) => member.memberId) : [] };
  }

  async #begin(
    connection: KafkaConnection,
    { generation, members }: { generation: number; members: readonly string[] },
  ): Promise<"owns" | Next> {
    const { group, partitionCount, observer } = this.#options;
    const answer = await connection.ask(syncGroup, 5, {
      ...this.#who,
      generationId: generation,
      protocolType: PROTOCOL.type,
      protocolName: PROTOCOL.name,
      assignments: members.map((memberId, at) => ({
        memberId,
        assignment: Uint8Array.from(shareOf(at, members.length, partitionCount)),
      })),
    });
    if (answer === null) return "elsewhere";
    if (answer.errorCode !== 0) return this.#nextAfter(answer.errorCode, "SyncGroup");
    const partitions = [...answer.assignment];
    this.generation = generation;
    observer.assigned(group, generation, { member: this.#identity, partitions });
    return this.#fetchPositions(connection, partitions);
  }

  #ownership(partition: number): Ownership {
    return { group: this.#options.group, generation: this.generation, member: this.#identity, partition };
  }

  /** A static member that comes back is who it was. */
  get #identity(): string {
    return this.#options.instanceId ?? this.#memberId;
  }

  async #fetchPositions(connection: KafkaConnection, partitions: readonly number[]): Promise<"owns" | Next> {
    const { group, topic, observer } = this.#options;
    const tell = partitions.map((partition) => observer.fetching(this.#ownership(partition)));
    const answer = await connection.ask(offsetFetch, 9, {
      groupId: "",
      topics: [],
      groups: [{ groupId: group, topics: [{ name: topic, partitionIndexes: [...partitions] }] }],
    });
    const told = answer?.groups[0];
    if (told === undefined) return "elsewhere";
    if (told.errorCode !== 0) return this.#nextAfter(told.errorCode, "OffsetFetch");
    const offsets = told.topics[0]?.partitions ?? [];
    partitions.forEach((partition, at) => {
      const offset: number = offsets[at]?.committedOffset ?? -1;
      tell[at]?.(offset);
      this.positions.set(partition, Math.max(0, offset));
    });
    return "owns";
  }

  async #work(connection: KafkaConnection): Promise<"owns" | Next> {
    const answer = await connection.ask(heartbeat, 4, { ...this.#who, generationId: this.generation });
    if (answer === null) return "elsewhere";
    if (answer.errorCode !== 0) return this.#nextAfter(answer.errorCode, "Heartbeat");
    return this.#commits ? this.#commit(connection) : "owns";
  }

  async #commit(connection: KafkaConnection): Promise<"owns" | Next> {
    const { topic, observer } = this.#options;
    for (const [partition, position] of this.positions) {
      this.positions.set(partition, position + 1 + this.#client.random.below(5));
    }
    const commits = [...this.positions].map(([partition, offset]) => ({ ...this.#ownership(partition), offset }));
    if (commits.length === 0) return "owns";
    const tell = commits.map((one) => observer.committing(one));
    const answer = await connection.ask(offsetCommit, 9, {
      ...this.#who,
      generationIdOrMemberEpoch: this.generation,
      topics: [
        {
          name: topic,
          partitions: commits.map(({ partition, offset }) => ({
            partitionIndex: partition as never,
            committedOffset: offset as never,
            committedMetadata: null,
          })),
        },
      ],
    });
    const codes = answer?.topics[0]?.partitions.map(({ errorCode }) => errorCode) ?? null;
    tell.forEach((one, at) => one(codes?.[at] ?? null));
    if (codes === null) return "elsewhere";
    // A partition that the topic does not have yet, as far as its coordinator knows.
    const problem = codes.find((code) => code !== 0 && code !== kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION);
    return problem === undefined ? "owns" : this.#nextAfter(problem, "OffsetCommit");
  }

  async #leaveGroup(connection: KafkaConnection): Promise<Next> {
    const { groupId, memberId, groupInstanceId } = this.#who;
    if (memberId === "") return "over";
    const members = [{ memberId, groupInstanceId }];
    const answer = await connection.ask(leaveGroup, 5, { groupId, memberId: "", members });
    if (answer === null) return "elsewhere";
    const errorCode = answer.errorCode === 0 ? (answer.members[0]?.errorCode ?? 0) : answer.errorCode;
    if (errorCode === 0 || errorCode === kafkaErrors.UNKNOWN_MEMBER_ID) return "over";
    return this.#nextAfter(errorCode, "LeaveGroup");
  }

  #nextAfter(errorCode: number, request: string): Next {
    switch (errorCode) {
      case kafkaErrors.MEMBER_ID_REQUIRED:
      case kafkaErrors.REBALANCE_IN_PROGRESS:
      case kafkaErrors.ILLEGAL_GENERATION:
        return "again";
      case kafkaErrors.UNKNOWN_MEMBER_ID:
        this.#memberId = "";
        return "again";
      case kafkaErrors.NOT_COORDINATOR:
      case kafkaErrors.COORDINATOR_NOT_AVAILABLE:
      case kafkaErrors.COORDINATOR_LOAD_IN_PROGRESS:
        return "elsewhere";
      case kafkaErrors.FENCED_INSTANCE_ID:
        // Another took its place, or a request of its own that was long on its way: then it comes back, as people do.
        this.#memberId = "";
        return this.#isLeaving ? "over" : "elsewhere";
      default:
        this.#options.observer.misbehaved(`${this.name}: ${request} was answered ${kafkaErrorName(errorCode)}`);
        return "elsewhere";
    }
  }
}

/** Of so many partitions, those of one member of several. */
const shareOf = (member: number, members: number, partitionCount: number): number[] =>
  Array.from({ length: partitionCount }, (_, partition) => partition).filter((one) => one % members === member);
