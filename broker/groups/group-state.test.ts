import { expect, test } from "@jest/globals";
import { kafkaErrors } from "../wire/error-codes.ts";
import type { GroupMetadata } from "./group-metadata.ts";
import { Group, type JoinRequest } from "./group-state.ts";
import type { JoinAnswer, SyncAnswer } from "./member.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (of: Uint8Array): string => new TextDecoder().decode(of);

/** A group, its time, and what it was told to write down. */
class Scene {
  nowMs = 0;
  readonly written: GroupMetadata[] = [];
  /** What the next write ends with; null: it does not end by itself. */
  outcome: number | null = 0;
  endWrite: (errorCode: number) => void = () => {};
  membersMax = 10;
  initialDelayMs = 0;
  #ids = 0;
  readonly group: Group;

  constructor() {
    this.group = new Group(
      "g",
      {
        newId: () => `id${++this.#ids}`,
        now: () => 1_000_000 + this.nowMs,
        persist: (metadata, done) => {
          this.written.push(metadata);
          if (this.outcome !== null) done(this.outcome, this.nowMs);
          else this.endWrite = (errorCode) => done(errorCode, this.nowMs);
        },
      },
      () => ({ membersMax: this.membersMax, initialDelayMs: this.initialDelayMs }),
    );
  }

  /** Lets time pass, waking the group when it asked for it. */
  pass(ms: number): void {
    const endMs = this.nowMs + ms;
    while (this.group.nextDeadlineMs <= endMs) {
      this.nowMs = Math.max(this.nowMs, this.group.nextDeadlineMs);
      this.group.advance(this.nowMs);
    }
    this.nowMs = endMs;
  }

  consumer(clientId: string, changes: Partial<JoinRequest> = {}): Consumer {
    return new Consumer(this, clientId, changes);
  }

  /** Consumers that share a generation, the first of them its leader. */
  stable(...names: string[]): Consumer[] {
    const consumers = names.map((name) => this.consumer(name));
    for (const consumer of consumers) consumer.join();
    this.pass(0);
    for (const consumer of consumers.toReversed()) consumer.sync(names);
    expect(this.group.state).toBe("Stable");
    return consumers;
  }
}

class Consumer {
  readonly #scene: Scene;
  readonly #request: JoinRequest;
  memberId = "";
  joined: JoinAnswer | null = null;
  synced: SyncAnswer | null = null;

  constructor(scene: Scene, clientId: string, changes: Partial<JoinRequest>) {
    this.#scene = scene;
    this.#request = {
      memberId: "",
      instanceId: null,
      clientId,
      clientHost: "10.0.0.1",
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 60_000,
      protocolType: "consumer",
      protocols: [{ name: "range", metadata: bytes(clientId) }],
      takesIdFirst: true,
      canSkipAssignment: true,
      ...changes,
    };
  }

  get hasJoined(): boolean {
    return this.joined !== null && this.joined.errorCode === 0;
  }

  /** Joins as real clients do: with the id that it is given first. */
  join(changes: Partial<JoinRequest> = {}): this {
    this.joined = null;
    const request = { ...this.#request, ...changes };
    const send = (): void => {
      this.#scene.group.join({ ...request, memberId: this.memberId }, this.#scene.nowMs, (answer) => {
        this.joined = answer;
        if (answer.errorCode === 0 || answer.errorCode === kafkaErrors.MEMBER_ID_REQUIRED)
          this.memberId = answer.memberId;
      });
    };
    send();
    if (this.errorOf(this.joined) === kafkaErrors.MEMBER_ID_REQUIRED) {
      this.joined = null;
      send();
    }
    return this;
  }

  errorOf(answer: JoinAnswer | SyncAnswer | null): number | undefined {
    return answer?.errorCode;
  }

  /** The leader assigns each member a part that is called as its client. */
  sync(names: readonly string[] = []): this {
    this.synced = null;
    const members = this.joined?.members ?? [];
    const assignments = members.map(({ memberId, metadata }) => ({
      memberId,
      assignment: bytes(`of ${textOf(metadata)}`),
    }));
    expect(names.length === 0 || assignments.length === 0 || assignments.length === names.length).toBe(true);
    this.#scene.group.sync(
      {
        memberId: this.memberId,
        instanceId: this.#request.instanceId,
        generationId: this.joined?.generationId ?? -1,
        protocolType: "consumer",
        protocolName: "range",
        assignments,
      },
      this.#scene.nowMs,
      (answer) => {
        this.synced = answer;
      },
    );
    return this;
  }

  heartbeat(): number {
    const generationId = this.#scene.group.generation;
    return this.#scene.group.heartbeat(this.identity(generationId), this.#scene.nowMs);
  }

  identity(generationId = this.#scene.group.generation) {
    return { memberId: this.memberId, instanceId: this.#request.instanceId, generationId };
  }

  get part(): string {
    return textOf(this.synced?.assignment ?? new Uint8Array(0));
  }
}

test("a first member leads, assigns and is answered once the generation is written down", () => {
  const scene = new Scene();
  scene.outcome = null;
  const a = scene.consumer("a").join();
  scene.pass(0);
  expect(a.joined).toMatchObject({ errorCode: 0, generationId: 1, protocolName: "range", leader: a.memberId });
  a.sync();
  expect(a.synced).toBeNull();
  scene.endWrite(0);
  expect(a.part).toBe("of a");
  expect(scene.group.state).toBe("Stable");
  expect(scene.written.at(-1)).toMatchObject({ generation: 1, leader: a.memberId, protocol: "range" });
});

test("a client that takes its id first is promised a place; an old one joins at once", () => {
  const scene = new Scene();
  const asked: JoinAnswer[] = [];
  const request = { memberId: "", instanceId: null, clientId: "c", clientHost: "h", sessionTimeoutMs: 6000 };
  const rest = { rebalanceTimeoutMs: 1, protocolType: "consumer", protocols: [{ name: "range", metadata: bytes("") }] };
  const send = (takesIdFirst: boolean): void =>
    scene.group.join({ ...request, ...rest, takesIdFirst, canSkipAssignment: false }, 0, (it) => asked.push(it));
  send(true);
  expect(asked).toMatchObject([{ errorCode: kafkaErrors.MEMBER_ID_REQUIRED, memberId: "c-id1" }]);
  expect(scene.group.state).toBe("Empty");
  send(false);
  scene.pass(0);
  expect(asked[1]).toMatchObject({ errorCode: 0, memberId: "c-id2", generationId: 1 });
});

test("the first generation waits for more members, anew as long as they come", () => {
  const scene = new Scene();
  scene.initialDelayMs = 3000;
  const a = scene.consumer("a").join();
  scene.pass(2900);
  const b = scene.consumer("b").join();
  scene.pass(200);
  expect([a.joined, b.joined]).toEqual([null, null]);
  scene.pass(2900);
  expect(a.joined).toMatchObject({ generationId: 1, leader: a.memberId });
  expect(a.joined?.members.map(({ metadata }) => textOf(metadata))).toEqual(["a", "b"]);
  expect(b.joined).toMatchObject({ generationId: 1, leader: a.memberId, members: [] });
});

test("a newcomer makes everybody join again; each gets its own part", () => {
  const scene = new Scene();
  const [a] = scene.stable("a");
  const b = scene.consumer("b").join();
  expect(b.joined).toBeNull();
  expect(a?.heartbeat()).toBe(kafkaErrors.REBALANCE_IN_PROGRESS);
  a?.join();
  expect(b.joined).toMatchObject({ errorCode: 0, generationId: 2 });
  b.sync();
  expect(b.synced).toBeNull();
  a?.sync(["a", "b"]);
  expect([a?.part, b.part]).toEqual(["of a", "of b"]);
  expect(a?.heartbeat()).toBe(0);
});

test("a silent member is out after its session, and its part is given to others", () => {
  const scene = new Scene();
  const [a, b] = scene.stable("a", "b");
  scene.pass(6000);
  expect(a?.heartbeat()).toBe(0);
  scene.pass(4000);
  expect(scene.group.state).toBe("PreparingRebalance");
  a?.join().sync(["a"]);
  expect(a?.part).toBe("of a");
  expect(b?.heartbeat()).toBe(kafkaErrors.UNKNOWN_MEMBER_ID);
});

test("who does not join again in time is left out of the generation", () => {
  const scene = new Scene();
  const [a, b] = scene.stable("a", "b");
  scene.consumer("c").join();
  a?.join();
  for (let second = 0; second < 60; second += 5) {
    scene.pass(5000);
    b?.heartbeat();
  }
  expect(a?.joined).toMatchObject({ errorCode: 0, leader: a?.memberId });
  expect(a?.joined?.members).toHaveLength(2);
  expect(b?.heartbeat()).toBe(kafkaErrors.UNKNOWN_MEMBER_ID);
});

test("who does not ask for its part in time is out, and the others join again", () => {
  const scene = new Scene();
  const a = scene.consumer("a").join();
  const b = scene.consumer("b").join();
  scene.pass(0);
  expect(a.joined).toMatchObject({ generationId: 1, leader: a.memberId });
  b.sync();
  for (let second = 0; second < 60; second += 5) {
    a.heartbeat();
    scene.pass(5000);
  }
  expect(b.synced?.errorCode).toBe(kafkaErrors.REBALANCE_IN_PROGRESS);
  expect(scene.group.members.map(({ id }) => id)).toEqual([b.memberId]);
});

test("a static member comes back under a new id without a rebalance, and its former self is fenced", () => {
  const scene = new Scene();
  const a = scene.consumer("a", { instanceId: "one" }).join();
  scene.pass(0);
  a.sync();
  const again = scene.consumer("a", { instanceId: "one" }).join();
  expect(again.joined).toMatchObject({ errorCode: 0, generationId: 1, leader: again.memberId, skipAssignment: true });
  expect(again.sync().part).toBe("of a");
  expect(a.heartbeat()).toBe(kafkaErrors.FENCED_INSTANCE_ID);
  expect(scene.written.at(-1)?.members).toMatchObject([{ memberId: again.memberId, groupInstanceId: "one" }]);
  const old = scene.consumer("a", { instanceId: "one", canSkipAssignment: false }).join();
  expect(old.joined).toMatchObject({ leader: again.memberId, skipAssignment: false, members: [] });
});

test("a member that leaves is out at once; a static one is named by its instance", () => {
  const scene = new Scene();
  const [a] = scene.stable("a");
  expect(scene.group.leave({ memberId: "nobody", instanceId: null }, 0)).toBe(kafkaErrors.UNKNOWN_MEMBER_ID);
  expect(scene.group.leave({ memberId: a?.memberId ?? "", instanceId: null }, 0)).toBe(0);
  expect(scene.group.state).toBe("Empty");
  expect(scene.written.at(-1)).toMatchObject({ generation: 2, members: [], protocol: null });
  const s = scene.consumer("s", { instanceId: "one" }).join();
  scene.pass(0);
  expect(s.joined?.errorCode).toBe(0);
  expect(scene.group.leave({ memberId: "", instanceId: "one" }, 0)).toBe(0);
  expect(scene.group.members).toEqual([]);
});

test("what cannot join is told why", () => {
  const scene = new Scene();
  scene.membersMax = 1;
  const [a] = scene.stable("a");
  const other = [{ name: "roundrobin", metadata: bytes("") }];
  const errorOf = (consumer: Consumer): number | undefined => consumer.join().joined?.errorCode;
  expect(errorOf(scene.consumer("b"))).toBe(kafkaErrors.GROUP_MAX_SIZE_REACHED);
  expect(errorOf(scene.consumer("b", { protocols: other }))).toBe(kafkaErrors.INCONSISTENT_GROUP_PROTOCOL);
  expect(errorOf(scene.consumer("b", { protocolType: "connect" }))).toBe(kafkaErrors.INCONSISTENT_GROUP_PROTOCOL);
  expect(errorOf(scene.consumer("b", { protocols: [] }))).toBe(kafkaErrors.INCONSISTENT_GROUP_PROTOCOL);
  const stranger = scene.consumer("b");
  stranger.memberId = "stranger";
  expect(errorOf(stranger)).toBe(kafkaErrors.UNKNOWN_MEMBER_ID);
  expect(a?.heartbeat()).toBe(0);
});

test("the protocol is the one most members like best among those that all offer", () => {
  const scene = new Scene();
  const offer = (...names: string[]) => ({ protocols: names.map((name) => ({ name, metadata: bytes(name) })) });
  scene.initialDelayMs = 1;
  const a = scene.consumer("a", offer("sticky", "range", "own")).join();
  scene.consumer("b", offer("range", "sticky")).join();
  scene.consumer("c", offer("range", "sticky")).join();
  scene.pass(10);
  expect(a.joined).toMatchObject({ protocolName: "range" });
});

test("a leader whose assignments cannot be written down hears so, and the group gathers again", () => {
  const scene = new Scene();
  scene.outcome = kafkaErrors.COORDINATOR_NOT_AVAILABLE;
  const a = scene.consumer("a").join();
  scene.pass(0);
  a.sync();
  expect(a.synced?.errorCode).toBe(kafkaErrors.COORDINATOR_NOT_AVAILABLE);
  expect(scene.group.state).toBe("PreparingRebalance");
});

test("a new coordinator goes on with the generation that was written down", () => {
  const before = new Scene();
  const [a] = before.stable("a");
  const scene = new Scene();
  scene.group.restore(before.written.at(-1)!, 0);
  expect(scene.group.state).toBe("Stable");
  const identity = { memberId: a?.memberId ?? "", instanceId: null, generationId: 1 };
  expect(scene.group.heartbeat(identity, 0)).toBe(0);
  expect(scene.group.members.map(({ assignment }) => textOf(assignment))).toEqual(["of a"]);
  scene.pass(10_000);
  expect(scene.group.state).toBe("Empty");
});

test("offsets are committed by members of the generation, or by anybody while there are none", () => {
  const scene = new Scene();
  const nobody = { memberId: "", instanceId: null, generationId: -1 };
  expect(scene.group.commitProblem(nobody, 0)).toBe(0);
  const [a] = scene.stable("a");
  expect(scene.group.commitProblem(nobody, 0)).toBe(kafkaErrors.UNKNOWN_MEMBER_ID);
  expect(scene.group.commitProblem(a!.identity(), 0)).toBe(0);
  expect(scene.group.commitProblem(a!.identity(0), 0)).toBe(kafkaErrors.ILLEGAL_GENERATION);
  scene.consumer("b").join();
  expect(scene.group.commitProblem(a!.identity(), 0)).toBe(0);
  a?.join();
  expect(scene.group.state).toBe("CompletingRebalance");
  expect(scene.group.commitProblem(a!.identity(), 0)).toBe(kafkaErrors.REBALANCE_IN_PROGRESS);
});

test("when the coordinator moves, whoever waits is sent to look for it", () => {
  const scene = new Scene();
  scene.outcome = null;
  const a = scene.consumer("a").join();
  scene.pass(0);
  a.sync();
  scene.group.end(kafkaErrors.NOT_COORDINATOR);
  expect(a.synced?.errorCode).toBe(kafkaErrors.NOT_COORDINATOR);
});
