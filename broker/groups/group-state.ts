import { kafkaErrors } from "../wire/error-codes.ts";
import type { GroupMetadata } from "./group-metadata.ts";
import { type JoinAnswer, Member, type MemberParts, NOTHING, type SyncAnswer } from "./member.ts";
import { chooseProtocol, hasCommonProtocol } from "./protocol-choice.ts";
import { Roster } from "./roster.ts";

/** As Kafka names them to clients. Dead: it is gone. */
export type GroupState = "Empty" | "PreparingRebalance" | "CompletingRebalance" | "Stable" | "Dead";

export interface JoinRequest extends MemberParts {
  /** "" for a member that was never here. */
  readonly memberId: string;
  readonly protocolType: string;
  /** The client can be given an id first and join with it (JoinGroup v4 and later). */
  readonly takesIdFirst: boolean;
  /** The client understands `skipAssignment` (JoinGroup v9 and later). */
  readonly canSkipAssignment: boolean;
}

/** Who asks: a member by its id, of a static member also its instance. */
export interface Identity {
  readonly memberId: string;
  readonly instanceId: string | null;
}

export interface SyncRequest extends Identity {
  readonly generationId: number;
  /** null from clients that do not tell. */
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Uint8Array }[];
}

export interface GroupPorts {
  /** An id that no member ever had. */
  newId(): string;
  /** Wall clock, milliseconds. */
  now(): number;
  /** Writes the group down; tells Kafka's error code, 0 once it can no longer be lost. */
  persist(metadata: GroupMetadata, done: (errorCode: number, nowMs: number) => void): void;
}

export interface GroupLimits {
  readonly membersMax: number;
  /** How long the first generation of a group waits for more members. */
  readonly initialDelayMs: number;
}

/**
 * One consumer group of the classic protocol: who is in it, its generation, who has which assignment. No clock of its
 * own: every call says what time it is (monotonic milliseconds), and `advance` is due at `nextDeadlineMs`. Answers that
 * have to wait are given through the functions that came with their requests.
 *
 * Source: KIP-62, KIP-134, KIP-345, KIP-394, KIP-559, KIP-814; Kafka protocol guide.
 */
export class Group {
  readonly id: string;
  readonly #ports: GroupPorts;
  readonly #limits: () => GroupLimits;
  readonly #roster = new Roster();
  #state: GroupState = "Empty";
  #generation = 0;
  #protocolType: string | null = null;
  #protocol: string | null = null;
  #changedAt: number;
  /** End of the wait for joins, or for assignments. */
  #phaseEndsMs = Number.POSITIVE_INFINITY;
  /** Of the first generation: how much longer the wait may become as members come, null in later ones. */
  #extensionMs: number | null = null;
  #hasNewcomers = false;
  /** The leader's assignments are being written down. */
  #isPersisting = false;

  constructor(id: string, ports: GroupPorts, limits: () => GroupLimits) {
    this.id = id;
    this.#ports = ports;
    this.#limits = limits;
    this.#changedAt = ports.now();
  }

  get state(): GroupState {
    return this.#state;
  }

  get generation(): number {
    return this.#generation;
  }

  /** null: it never had members, only committed offsets. */
  get protocolType(): string | null {
    return this.#protocolType;
  }

  get protocol(): string | null {
    return this.#protocol;
  }

  /** Wall clock of the last change of state. */
  get changedAt(): number {
    return this.#changedAt;
  }

  get members(): readonly Member[] {
    return this.#roster.all();
  }

  get isEmpty(): boolean {
    return this.#state === "Empty" && this.#roster.places === 0;
  }

  /** Takes up what an earlier coordinator wrote down. Members have a session's time to be heard of. */
  restore(metadata: GroupMetadata, nowMs: number): void {
    this.#generation = metadata.generation;
    this.#protocolType = metadata.protocolType === "" ? null : metadata.protocolType;
    this.#protocol = metadata.protocol;
    this.#changedAt = metadata.currentStateTimestamp;
    for (const kept of metadata.members) {
      const member = new Member(kept.memberId, {
        instanceId: kept.groupInstanceId,
        clientId: kept.clientId,
        clientHost: kept.clientHost,
        sessionTimeoutMs: kept.sessionTimeout,
        rebalanceTimeoutMs: kept.rebalanceTimeout,
        protocols: [{ name: metadata.protocol ?? "", metadata: kept.subscription }],
      });
      member.assignment = kept.assignment;
      this.#roster.add(member);
      this.#keepAlive(member, nowMs);
    }
    this.#roster.leader = metadata.leader;
    this.#state = metadata.members.length === 0 ? "Empty" : "Stable";
  }

  /** This broker coordinates it no more, or it is deleted: whoever waits is told so. */
  end(errorCode: number): void {
    this.#state = "Dead";
    for (const member of this.#roster.all()) this.#dismiss(member, errorCode);
  }

  /** When `advance` has something to do, monotonic milliseconds. */
  get nextDeadlineMs(): number {
    return Math.min(this.#phaseEndsMs, this.#roster.nextExpiryMs());
  }

  /** Takes out who was not heard of in time, and ends waits that are over. */
  advance(nowMs: number): void {
    if (this.#roster.expirePromises(nowMs)) this.#joinIfComplete(nowMs);
    for (const member of this.#roster.all()) {
      if (!member.isWaiting && member.aliveUntilMs <= nowMs) this.#remove(member, nowMs);
    }
    if (this.#phaseEndsMs > nowMs) return;
    if (this.#state === "PreparingRebalance") this.#onJoinsEnd(nowMs);
    else if (this.#state === "CompletingRebalance") this.#onAssignmentsEnd(nowMs);
  }

  join(request: JoinRequest, nowMs: number, reply: (answer: JoinAnswer) => void): void {
    const problem = this.#joinProblem(request);
    if (problem !== 0) return reply(refusal(problem, request.memberId));
    if (request.memberId !== "") return this.#joinAsKnown(request, nowMs, reply);
    const id = `${request.instanceId ?? request.clientId}-${this.#ports.newId()}`;
    const former = request.instanceId === null ? undefined : this.#roster.ofInstance(request.instanceId);
    if (former !== undefined) return this.#replace(former, { id, request, reply }, nowMs);
    if (request.instanceId === null && request.takesIdFirst) {
      this.#roster.promise(id, nowMs + request.sessionTimeoutMs);
      return reply(refusal(kafkaErrors.MEMBER_ID_REQUIRED, id));
    }
    this.#admit(id, request, { nowMs, reply });
  }

  /** A member's assignment, once the leader has told all of them and they are written down. */
  sync(request: SyncRequest, nowMs: number, reply: (answer: SyncAnswer) => void): void {
    const problem = this.#syncProblem(request);
    if (problem !== 0) return reply(syncRefusal(problem));
    const member = this.#roster.get(request.memberId)!;
    this.#keepAlive(member, nowMs);
    if (this.#state === "Stable") return reply(this.#assignmentOf(member));
    member.answerSync(syncRefusal(kafkaErrors.REBALANCE_IN_PROGRESS));
    member.onSynced = reply;
    if (member.id === this.#roster.leader && !this.#isPersisting) this.#assign(request.assignments);
  }

  /** A sign of life; answers Kafka's error code. */
  heartbeat(who: Identity & { readonly generationId: number }, nowMs: number): number {
    const problem = this.#identityProblem(who);
    if (problem !== 0) return problem;
    if (who.generationId !== this.#generation) return kafkaErrors.ILLEGAL_GENERATION;
    this.#keepAlive(this.#roster.get(who.memberId)!, nowMs);
    return this.#state === "PreparingRebalance" ? kafkaErrors.REBALANCE_IN_PROGRESS : 0;
  }

  /** Takes a member out; a static one is named by its instance, with or without its id. Answers the error code. */
  leave(who: Identity, nowMs: number): number {
    if (who.instanceId === null && this.#roster.forgetPromise(who.memberId)) {
      this.#joinIfComplete(nowMs);
      return 0;
    }
    const named = who.memberId === "" && who.instanceId !== null ? this.#roster.ofInstance(who.instanceId) : undefined;
    const problem = named === undefined ? this.#identityProblem(who) : 0;
    if (problem !== 0) return problem;
    this.#remove(named ?? this.#roster.get(who.memberId)!, nowMs);
    return 0;
  }

  /** Whether offsets may be committed by `who`; −1 with no member is a consumer that assigns itself. */
  commitProblem(who: Identity & { readonly generationId: number }, nowMs: number): number {
    const isMember = who.generationId >= 0 || who.memberId !== "" || who.instanceId !== null;
    if (!isMember) return this.#state === "Empty" ? 0 : kafkaErrors.UNKNOWN_MEMBER_ID;
    if (who.generationId < 0 && this.#state === "Empty") return 0;
    const problem = this.#identityProblem(who);
    if (problem !== 0) return problem;
    if (who.generationId !== this.#generation) return kafkaErrors.ILLEGAL_GENERATION;
    this.#keepAlive(this.#roster.get(who.memberId)!, nowMs);
    // Their assignments are not known yet: what they commit for may be another's already.
    return this.#state === "CompletingRebalance" ? kafkaErrors.REBALANCE_IN_PROGRESS : 0;
  }

  metadata(): GroupMetadata {
    const isStable = this.#protocol !== null;
    return {
      protocolType: this.#protocolType ?? "",
      generation: this.#generation,
      protocol: this.#protocol,
      leader: isStable ? this.#roster.leader : null,
      currentStateTimestamp: this.#changedAt,
      members: this.#roster.all().map((member) => ({
        memberId: member.id,
        groupInstanceId: member.parts.instanceId,
        clientId: member.parts.clientId,
        clientHost: member.parts.clientHost,
        rebalanceTimeout: member.parts.rebalanceTimeoutMs,
        sessionTimeout: member.parts.sessionTimeoutMs,
        subscription: member.metadataFor(this.#protocol ?? ""),
        assignment: member.assignment,
      })),
    };
  }

  #joinProblem({ protocolType, protocols, memberId, instanceId }: JoinRequest): number {
    const names = protocols.map(({ name }) => name);
    if (protocolType === "" || names.length === 0) return kafkaErrors.INCONSISTENT_GROUP_PROTOCOL;
    const staying = this.#roster.all().filter(({ id, parts }) => {
      const isItself = id === memberId || (instanceId !== null && parts.instanceId === instanceId);
      return !isItself;
    });
    if (staying.length > 0 && (protocolType !== this.#protocolType || !hasCommonProtocol(staying, names))) {
      return kafkaErrors.INCONSISTENT_GROUP_PROTOCOL;
    }
    const isIn = this.#roster.get(memberId) !== undefined || this.#roster.isPromised(memberId);
    const isReplacing = instanceId !== null && this.#roster.ofInstance(instanceId) !== undefined;
    if (!isIn && !isReplacing && this.#roster.places >= this.#limits().membersMax) {
      return memberId === "" ? kafkaErrors.GROUP_MAX_SIZE_REACHED : kafkaErrors.UNKNOWN_MEMBER_ID;
    }
    return 0;
  }

  #joinAsKnown(request: JoinRequest, nowMs: number, reply: (answer: JoinAnswer) => void): void {
    const { memberId, instanceId } = request;
    if (instanceId === null && this.#roster.isPromised(memberId)) {
      return this.#admit(memberId, request, { nowMs, reply });
    }
    const problem = this.#identityProblem({ memberId, instanceId });
    if (problem !== 0) return reply(refusal(problem, memberId));
    const member = this.#roster.get(memberId)!;
    this.#keepAlive(member, nowMs);
    const isUnchanged = member.offersAsBefore(request.protocols);
    const goesOn =
      this.#state === "CompletingRebalance"
        ? isUnchanged
        : this.#state === "Stable" && isUnchanged && member.id !== this.#roster.leader;
    // It did not hear the answer to its last request, most likely.
    if (goesOn) return reply(this.#welcome(member));
    member.parts = request;
    this.#wait(member, reply);
    if (this.#state === "PreparingRebalance") this.#joinIfComplete(nowMs);
    else this.#prepare(nowMs);
  }

  #admit(id: string, request: JoinRequest, { nowMs, reply }: { nowMs: number; reply: Member["onJoined"] }): void {
    const member = new Member(id, request);
    this.#protocolType = request.protocolType;
    this.#roster.add(member);
    member.onJoined = reply;
    this.#hasNewcomers = true;
    if (this.#state === "PreparingRebalance") this.#joinIfComplete(nowMs);
    else this.#prepare(nowMs);
  }

  /** A static member is back under a new id: nothing moves as long as the group's protocol stays. */
  #replace(
    former: Member,
    { id, request, reply }: { id: string; request: JoinRequest; reply: (answer: JoinAnswer) => void },
    nowMs: number,
  ): void {
    const formerLeader = this.#roster.leader;
    const member = new Member(id, request);
    member.assignment = former.assignment;
    this.#roster.remove(former);
    this.#roster.add(member);
    const isLeader = formerLeader === former.id;
    this.#roster.leader = isLeader ? id : formerLeader;
    this.#dismiss(former, kafkaErrors.FENCED_INSTANCE_ID);
    this.#keepAlive(member, nowMs);
    if (this.#state !== "Stable" || chooseProtocol(this.#roster.all()) !== this.#protocol) {
      member.onJoined = reply;
      if (this.#state === "PreparingRebalance") this.#joinIfComplete(nowMs);
      else this.#prepare(nowMs);
      return;
    }
    this.#ports.persist(this.metadata(), (errorCode) => {
      if (errorCode !== 0) return reply(refusal(errorCode, id));
      const welcome = this.#welcome(member);
      // A leader that cannot skip would assign anew, though nobody else joins: it is told that another leads.
      if (isLeader && request.canSkipAssignment) reply({ ...welcome, skipAssignment: true });
      else reply({ ...welcome, leader: formerLeader ?? "", members: [] });
    });
  }

  #wait(member: Member, reply: (answer: JoinAnswer) => void): void {
    // A client that asks again has given the earlier request up.
    member.answerJoin(refusal(kafkaErrors.REBALANCE_IN_PROGRESS, member.id));
    member.onJoined = reply;
  }

  /** Begins to gather the next generation: who does not join in time is left out. */
  #prepare(nowMs: number): void {
    this.#answerSyncs(nowMs, () => syncRefusal(kafkaErrors.REBALANCE_IN_PROGRESS));
    const isFirst = this.#state === "Empty";
    this.#enter("PreparingRebalance");
    const waitMs = Math.max(0, ...this.#roster.all().map(({ parts }) => parts.rebalanceTimeoutMs));
    const delayMs = Math.min(this.#limits().initialDelayMs, waitMs);
    this.#extensionMs = isFirst ? waitMs - delayMs : null;
    this.#hasNewcomers = false;
    this.#phaseEndsMs = nowMs + (isFirst ? delayMs : waitMs);
    this.#joinIfComplete(nowMs);
  }

  #joinIfComplete(nowMs: number): void {
    if (this.#state !== "PreparingRebalance" || this.#extensionMs !== null || this.#roster.hasPending) return;
    if (this.#roster.all().every(({ isJoining }) => isJoining)) this.#begin(nowMs);
  }

  #onJoinsEnd(nowMs: number): void {
    if (this.#extensionMs === null || !this.#hasNewcomers || this.#extensionMs <= 0) return this.#begin(nowMs);
    // More members came while the first generation waited: others may be on their way.
    const delayMs = Math.min(this.#limits().initialDelayMs, this.#extensionMs);
    this.#extensionMs -= delayMs;
    this.#hasNewcomers = false;
    this.#phaseEndsMs = nowMs + delayMs;
  }

  /** A generation begins with those that have joined, and static members that may still come back. */
  #begin(nowMs: number): void {
    for (const member of this.#roster.all()) {
      if (!member.isJoining && member.parts.instanceId === null) this.#roster.remove(member);
    }
    const joined = this.#roster.all().filter(({ isJoining }) => isJoining);
    if (joined.length === 0 && this.#roster.size > 0) {
      this.#phaseEndsMs = nowMs + Math.max(...this.#roster.all().map(({ parts }) => parts.rebalanceTimeoutMs));
      return;
    }
    this.#extensionMs = null;
    this.#generation += 1;
    if (joined.length === 0) return this.#beginEmpty();
    if (!joined.some(({ id }) => id === this.#roster.leader)) this.#roster.leader = joined[0]!.id;
    this.#protocol = chooseProtocol(this.#roster.all());
    this.#enter("CompletingRebalance");
    this.#phaseEndsMs = nowMs + Math.max(...joined.map(({ parts }) => parts.rebalanceTimeoutMs));
    for (const member of joined) {
      this.#keepAlive(member, nowMs);
      member.answerJoin(this.#welcome(member));
    }
  }

  #beginEmpty(): void {
    this.#protocol = null;
    this.#enter("Empty");
    this.#phaseEndsMs = Number.POSITIVE_INFINITY;
    // Should it be lost, the next coordinator finds members, and misses them after a session's time.
    this.#ports.persist(this.metadata(), () => {});
  }

  /** Whoever got a generation but did not ask for its part in time is out. */
  #onAssignmentsEnd(nowMs: number): void {
    this.#phaseEndsMs = Number.POSITIVE_INFINITY;
    // Its outcome decides.
    if (this.#isPersisting) return;
    const silent = this.#roster.all().filter(({ onSynced }) => onSynced === null);
    for (const member of silent) this.#roster.remove(member);
    this.#prepare(nowMs);
  }

  #assign(assignments: SyncRequest["assignments"]): void {
    const generation = this.#generation;
    const byMember = new Map(assignments.map(({ memberId, assignment }) => [memberId, assignment]));
    const draft = this.metadata();
    const members = draft.members.map((kept) => ({ ...kept, assignment: byMember.get(kept.memberId) ?? NOTHING }));
    this.#isPersisting = true;
    this.#ports.persist({ ...draft, members, currentStateTimestamp: this.#ports.now() }, (errorCode, nowMs) => {
      this.#isPersisting = false;
      if (this.#state !== "CompletingRebalance" || generation !== this.#generation) return;
      if (errorCode !== 0) return this.#failAssignment(errorCode, nowMs);
      for (const { memberId, assignment } of members) {
        const member = this.#roster.get(memberId);
        if (member !== undefined) member.assignment = assignment;
      }
      this.#enter("Stable");
      this.#phaseEndsMs = Number.POSITIVE_INFINITY;
      this.#answerSyncs(nowMs, (member) => this.#assignmentOf(member));
    });
  }

  /** Nobody may act on assignments that the next coordinator would not know. */
  #failAssignment(errorCode: number, nowMs: number): void {
    this.#answerSyncs(nowMs, () => syncRefusal(errorCode));
    this.#prepare(nowMs);
  }

  /** Whoever waited for us could give no sign of life meanwhile: its session begins anew. */
  #answerSyncs(nowMs: number, answerFor: (member: Member) => SyncAnswer): void {
    for (const member of this.#roster.all()) {
      if (member.onSynced === null) continue;
      this.#keepAlive(member, nowMs);
      member.answerSync(answerFor(member));
    }
  }

  #remove(member: Member, nowMs: number): void {
    this.#roster.remove(member);
    this.#dismiss(member, kafkaErrors.UNKNOWN_MEMBER_ID);
    if (this.#state === "Stable" || this.#state === "CompletingRebalance") this.#prepare(nowMs);
    else this.#joinIfComplete(nowMs);
  }

  #dismiss(member: Member, errorCode: number): void {
    member.answerJoin(refusal(errorCode, member.id));
    member.answerSync(syncRefusal(errorCode));
  }

  #identityProblem({ memberId, instanceId }: Identity): number {
    const holder = instanceId === null ? undefined : this.#roster.ofInstance(instanceId);
    if (instanceId !== null && holder === undefined) return kafkaErrors.UNKNOWN_MEMBER_ID;
    if (holder !== undefined && holder.id !== memberId) return kafkaErrors.FENCED_INSTANCE_ID;
    return this.#roster.get(memberId) === undefined ? kafkaErrors.UNKNOWN_MEMBER_ID : 0;
  }

  #syncProblem(request: SyncRequest): number {
    const problem = this.#identityProblem(request);
    if (problem !== 0) return problem;
    if (request.generationId !== this.#generation) return kafkaErrors.ILLEGAL_GENERATION;
    const { protocolType, protocolName } = request;
    const isOther =
      (protocolType !== null && protocolType !== this.#protocolType) ||
      (protocolName !== null && protocolName !== this.#protocol);
    if (isOther) return kafkaErrors.INCONSISTENT_GROUP_PROTOCOL;
    return this.#state === "PreparingRebalance" ? kafkaErrors.REBALANCE_IN_PROGRESS : 0;
  }

  #welcome(member: Member): JoinAnswer {
    const { leader } = this.#roster;
    const protocolName = this.#protocol ?? "";
    const isLeader = member.id === leader;
    return {
      errorCode: 0,
      memberId: member.id,
      generationId: this.#generation,
      protocolType: this.#protocolType,
      protocolName,
      leader: leader ?? "",
      skipAssignment: false,
      members: isLeader
        ? this.#roster.all().map((other) => ({
            memberId: other.id,
            groupInstanceId: other.parts.instanceId,
            metadata: other.metadataFor(protocolName),
          }))
        : [],
    };
  }

  #assignmentOf(member: Member): SyncAnswer {
    return {
      errorCode: 0,
      protocolType: this.#protocolType,
      protocolName: this.#protocol,
      assignment: member.assignment,
    };
  }

  #keepAlive(member: Member, nowMs: number): void {
    member.aliveUntilMs = nowMs + member.parts.sessionTimeoutMs;
  }

  #enter(state: GroupState): void {
    this.#state = state;
    this.#changedAt = this.#ports.now();
  }
}

const refusal = (errorCode: number, memberId: string): JoinAnswer => ({
  errorCode,
  memberId,
  generationId: -1,
  protocolType: null,
  protocolName: null,
  leader: "",
  skipAssignment: false,
  members: [],
});

const syncRefusal = (errorCode: number): SyncAnswer => ({
  errorCode,
  protocolType: null,
  protocolName: null,
  assignment: NOTHING,
});
