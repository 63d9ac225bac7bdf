import { expect, test } from "@jest/globals";
import { isTidemarkError } from "#base/errors.ts";
import { brokerId } from "#base/ids.ts";
import { silent } from "#base/logging.ts";
import { below, type Random } from "#base/random.ts";
import type { Change } from "../../machine/changes.ts";
import { isForeign } from "../../machine/history.ts";
import { type State, stateOf } from "../../machine/state.ts";
import type { CommitOutcome, StoreWrite } from "../../ports/metadata-store.ts";
import { ShardStore } from "./shard-store.ts";
import {
  after,
  brokerLost,
  claimOf,
  comparable,
  commitOf,
  emptyState,
  topicGone,
  topicIdOf,
  topicMade,
} from "./testing/commits.ts";
import { FakeApi, FakeShardObjects, type WriteFault } from "./testing/fake-shard-objects.ts";

const LABELS = { "tidemark.dev/cluster": "demo" };

const storeOn = (objects: FakeShardObjects, isRecovering = false): ShardStore =>
  new ShardStore({ objects, logger: silent }, { cluster: "demo", labels: LABELS, isRecovering });

async function stateIn(api: FakeApi): Promise<State> {
  const { state, version } = await storeOn(new FakeShardObjects(api)).load();
  return stateOf(state, version, {});
}

/** A controller that has claimed the store. */
class Writer {
  readonly objects: FakeShardObjects;
  readonly store: ShardStore;
  readonly #name: string;
  state = emptyState();

  constructor(api: FakeApi, name: string, fault: (write: number) => WriteFault = () => "none") {
    this.objects = new FakeShardObjects(api, fault);
    this.store = storeOn(this.objects);
    this.#name = name;
  }

  async load(): Promise<this> {
    const { state, version } = await this.store.load();
    this.state = stateOf(state, version, {});
    return this;
  }

  async claim(): Promise<CommitOutcome> {
    return this.send(claimOf(this.state, this.#name));
  }

  async commit(changes: readonly Change[]): Promise<CommitOutcome> {
    return this.send(this.writeOf(changes));
  }

  writeOf(changes: readonly Change[]): StoreWrite {
    return commitOf(this.state, this.#name, changes);
  }

  async send(write: StoreWrite): Promise<CommitOutcome> {
    const outcome = await this.store.commit(write);
    if (outcome === "committed") this.state = after(this.state, write);
    return outcome;
  }
}

async function claimed(api: FakeApi, name: string): Promise<Writer> {
  const writer = await new Writer(api, name).load();
  expect(await writer.claim()).toBe("committed");
  return writer;
}

const codeOf = async (run: Promise<unknown>): Promise<string> =>
  run.then(
    () => "none",
    (error: unknown) => (isTidemarkError(error) ? error.code : String(error)),
  );

test("an empty namespace is a new store, and what was committed is read back", async () => {
  const api = new FakeApi();
  const first = await claimed(api, "w1");
  expect(await first.commit(topicMade(1, 3))).toBe("committed");
  expect(comparable(await stateIn(api))).toEqual(comparable(first.state));
  expect(await first.store.newest()).toEqual({ version: first.state.version, writer: "w1" });
});

test("ten thousand partitions stand in eleven shards, and losing a broker costs twelve writes", async () => {
  const api = new FakeApi();
  const writer = await claimed(api, "w");
  for (let topic = 0; topic < 100; topic++) await writer.commit(topicMade(topic, 100));
  const before = writer.objects.writes;
  expect(await writer.commit(brokerLost(writer.state))).toBe("committed");
  expect(writer.objects.writes - before).toBe(12);
  expect(comparable(await stateIn(api))).toEqual(comparable(writer.state));
});

test("no object comes near what etcd takes", async () => {
  const api = new FakeApi();
  const writer = await claimed(api, "w");
  await writer.commit(topicMade(1, 3000));
  await writer.commit(brokerLost(writer.state));
  const sizes = [...api.objects.values()].map((object) => JSON.stringify(object).length);
  expect(Math.max(...sizes)).toBeLessThan(750_000);
});

test("a change of the registry alone is one write", async () => {
  const writer = await claimed(new FakeApi(), "w");
  await writer.commit(topicMade(1, 1));
  const before = writer.objects.writes;
  await writer.commit([{ kind: "nextProducerId", value: 1000 }]);
  expect(writer.objects.writes - before).toBe(1);
});

test("a shard is listed before it is filled", async () => {
  const api = new FakeApi();
  const writer = new Writer(api, "w", (write) => (write === 3 ? "stopped" : "none"));
  await (await writer.load()).claim();
  void writer.commit(topicMade(1, 1));
  await new Promise((resolve) => setImmediate(resolve));
  expect([...api.objects.keys()]).toEqual(["demo-root"]);
  expect(api.objects.get("demo-root")?.spec.data).toContain('"creating":[0]');
});

test("a topic that goes makes room for another", async () => {
  const api = new FakeApi();
  const writer = await claimed(api, "w");
  await writer.commit(topicMade(1, 900));
  await writer.commit([topicGone(1)]);
  await writer.commit([{ kind: "deletion", row: { topicId: topicIdOf(1), name: "topic-1", waitingFor: [] } }]);
  await writer.commit(topicMade(2, 900));
  expect([...api.objects.keys()].sort()).toEqual(["demo-0", "demo-root"]);
  expect(comparable(await stateIn(api))).toEqual(comparable(writer.state));
});

test("an answer that was lost is unknown, and the same write again is committed once", async () => {
  for (const fault of ["landed", "dropped"] as const) {
    for (const at of [2, 3, 4]) {
      const api = new FakeApi();
      const writer = new Writer(api, `w${at}`, (write) => (write === at ? fault : "none"));
      await (await writer.load()).claim();
      const write = writer.writeOf(topicMade(at, 2));
      const outcomes = [await writer.send(write)];
      while (outcomes.at(-1) === "unknown") outcomes.push(await writer.send(write));
      expect(outcomes.at(-1)).toBe("committed");
      expect(comparable(await stateIn(api))).toEqual(comparable(writer.state));
    }
  }
});

test("a label of somebody else changes nothing and stays", async () => {
  const api = new FakeApi();
  const writer = await claimed(api, "w");
  await writer.commit(topicMade(1, 2));
  for (const name of api.objects.keys()) api.label(name, "kept");
  expect(await writer.commit(brokerLost(writer.state))).toBe("committed");
  expect([...api.objects.values()].map(({ metadata }) => metadata.labels?.["foreign"])).toEqual(["kept", "kept"]);
  expect(api.objects.get("demo-0")?.metadata.labels).toMatchObject(LABELS);
});

test("a predecessor that was paused can commit nothing after a claim", async () => {
  const api = new FakeApi();
  const old = await claimed(api, "old");
  await old.commit(topicMade(1, 2));
  const next = await claimed(api, "next");
  expect(await old.commit(brokerLost(old.state))).toBe("conflict");
  const { version, writer } = await old.store.newest();
  expect([version.controllerEpoch, writer]).toEqual([2, "next"]);
  expect(comparable(await stateIn(api))).toEqual(comparable(next.state));
});

test("what a predecessor left half-done in a shard does not count, and the next one cleans it up", async () => {
  const api = new FakeApi();
  const old = new Writer(api, "old", (write) => (write === 6 ? "stopped" : "none"));
  await (await old.load()).claim();
  await old.commit(topicMade(1, 2));
  const before = comparable(old.state);
  // Write 5 is the shard's, write 6 would be the root's.
  void old.commit(brokerLost(old.state));
  await new Promise((resolve) => setImmediate(resolve));
  expect(comparable(await stateIn(api))).toEqual(before);
  const next = await claimed(api, "next");
  await next.commit([{ kind: "nextProducerId", value: 7 }]);
  expect(comparable(await stateIn(api))).toEqual(comparable(next.state));
});

test("two claims at the same time: one of them counts", async () => {
  const api = new FakeApi();
  await (await claimed(api, "first")).commit(topicMade(1, 2));
  const a = await new Writer(api, "a").load();
  const b = await new Writer(api, "b").load();
  const outcomes = await Promise.all([a.claim(), b.claim()]);
  expect(outcomes.filter((outcome) => outcome === "committed")).toHaveLength(1);
  const winner = outcomes[0] === "committed" ? a : b;
  expect(await winner.commit(brokerLost(winner.state))).toBe("committed");
  expect(comparable(await stateIn(api))).toEqual(comparable(winner.state));
});

test("a claim that is under way ends the predecessor", async () => {
  const api = new FakeApi();
  const old = await claimed(api, "old");
  await old.commit(topicMade(1, 2));
  // Its first write is the fence.
  const next = new Writer(api, "next", (write) => (write === 2 ? "stopped" : "none"));
  void (await next.load()).claim();
  await new Promise((resolve) => setImmediate(resolve));
  expect(await old.commit(brokerLost(old.state))).toBe("conflict");
  expect((await old.store.newest()).version.controllerEpoch).toBe(2);
});

test("a shard that is gone, or an older copy of one, is said, and never guessed", async () => {
  const api = new FakeApi();
  const writer = await claimed(api, "w");
  await writer.commit(topicMade(1, 2));
  const old = api.objects.get("demo-0");
  await writer.commit(brokerLost(writer.state));
  const now = api.objects.get("demo-0");
  if (old === undefined || now === undefined) throw new Error("the shard is there");
  api.put(old);
  expect(await codeOf(stateIn(api))).toBe("STORE_CORRUPT");
  expect(await codeOf(writer.commit(brokerLost(writer.state)))).toBe("STORE_CORRUPT");
  api.objects.delete("demo-0");
  expect(await codeOf(stateIn(api))).toBe("STORE_LOST");
  expect(await codeOf(new Writer(api, "x").load())).toBe("STORE_LOST");
  api.put(now);
  expect(comparable(await stateIn(api))).toEqual(comparable(writer.state));
  api.objects.delete("demo-root");
  expect(await codeOf(stateIn(api))).toBe("STORE_LOST");
  expect(await codeOf(writer.store.newest())).toBe("STORE_LOST");
});

test("recovering, whatever is left is taken, and the store is whole after the claim", async () => {
  const api = new FakeApi();
  const writer = await claimed(api, "w");
  await writer.commit(topicMade(1, 1500));
  await writer.commit([{ kind: "nextBrokerEpoch", value: 8 }]);
  api.objects.delete("demo-1");
  const store = storeOn(new FakeShardObjects(api), true);
  const { state, version } = await store.load();
  expect(state.partitions).toHaveLength(999);
  // Whatever a broker was told is news to such a store, so that brokers' metadata fills the gap.
  expect(isForeign(writer.state.version, stateOf(state, version, {}))).toBe(true);
  const left = stateOf(state, version, {});
  const write = { ...claimOf(left, "r"), changes: [...topicMade(2, 700), ...claimOf(left, "r").changes] };
  expect(await store.commit(write)).toBe("committed");
  expect(comparable(await stateIn(api))).toEqual(comparable(after(left, write)));
});

test("recovering an intact store, it is as it was, history and all", async () => {
  const api = new FakeApi();
  const writer = await claimed(api, "w");
  await writer.commit(topicMade(1, 3));
  const { state, version } = await storeOn(new FakeShardObjects(api), true).load();
  expect(comparable(stateOf(state, version, {}))).toEqual(comparable(writer.state));
});

test("recovering without a root, it goes on beyond the newest shard", async () => {
  const api = new FakeApi();
  const writer = await claimed(api, "w");
  await writer.commit(topicMade(1, 2));
  api.objects.delete("demo-root");
  const store = storeOn(new FakeShardObjects(api), true);
  const { state, version } = await store.load();
  expect(version.controllerEpoch).toBeGreaterThan(writer.state.version.controllerEpoch);
  expect(await store.commit(claimOf(stateOf(state, version, {}), "r"))).toBe("committed");
  expect((await stateIn(api)).topics.size).toBe(1);
});

test("an API server that cannot be reached fails a load for now, and leaves a commit unknown", async () => {
  const api = new FakeApi();
  const writer = await claimed(api, "w");
  writer.objects.isUnreachable = true;
  expect(await codeOf(writer.store.load())).toBe("STORE_FAILED");
  expect(await codeOf(writer.store.newest())).toBe("STORE_FAILED");
  const write = writer.writeOf(topicMade(1, 2));
  await expect(writer.send(write)).resolves.toBe("unknown");
});

/** Reproducible chance. */
function randomOf(seed: number): Random {
  let state = seed * 2654435761 + 1;
  const next = (): number => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 0x9e3779b9) | 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
  return { next, id: () => String(next()) };
}

function anyChanges(random: Random, state: State, number: number): Change[] {
  const topics = [...state.topics.values()];
  const some = topics[below(random, Math.max(1, topics.length))];
  const pick = below(random, 5);
  if (pick === 0 && some !== undefined) return [topicGone(Number.parseInt(some.topicId, 16))];
  if (pick === 1) return brokerLost(state);
  if (pick === 2) return [{ kind: "nextBrokerEpoch", value: number }];
  if (pick === 3) {
    const rows = [...state.deletions.values()].map(
      (row): Change => ({ kind: "deletion", row: { ...row, waitingFor: [] } }),
    );
    return [...rows, ...topicMade(number, 1 + below(random, 40))];
  }
  return [
    ...topicMade(number, 1 + below(random, random.next() < 0.1 ? 1500 : 20)),
    { kind: "nextProducerId", value: number },
  ];
}

/** Ends the process somewhere; until then some answers are lost and some objects labelled. */
function faultsOf(random: Random): (write: number) => WriteFault {
  const end = 1 + below(random, 14);
  return (write) => {
    if (write === end) return random.next() < 0.5 ? "stopped" : "last";
    const chance = random.next();
    if (chance < 0.08) return "dropped";
    if (chance < 0.16) return "landed";
    return chance < 0.25 ? "label" : "none";
  };
}

/** Sends a write until it is settled, or the process has ended. */
async function settledOf(writer: Writer, write: StoreWrite): Promise<CommitOutcome | "ended"> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const sent = { outcome: null as CommitOutcome | null };
    const run = writer.send(write).then((outcome) => {
      sent.outcome = outcome;
    });
    run.catch(() => {});
    while (sent.outcome === null && !writer.objects.isStopped) await new Promise((resolve) => setImmediate(resolve));
    if (sent.outcome === null) return "ended";
    if (sent.outcome !== "unknown") return sent.outcome;
  }
  throw new Error("a write is never settled");
}

test("wherever a process ends, the next one finds the state before or after, and nothing else", async () => {
  const lives = 6;
  for (let seed = 1; seed <= 60; seed++) {
    const random = randomOf(seed);
    const api = new FakeApi();
    let expected: unknown[] = [comparable(emptyState())];
    for (let life = 0; life < lives; life++) {
      const found = await stateIn(api);
      expect(expected).toContainEqual(comparable(found));
      const writer = await new Writer(api, `w${seed}.${life}`, faultsOf(random)).load();
      const claim = claimOf(found, `w${seed}.${life}`);
      expected = [comparable(found), comparable(after(found, claim))];
      let outcome = await settledOf(writer, claim);
      for (let step = 0; step < 8 && outcome === "committed"; step++) {
        const write = writer.writeOf(anyChanges(random, writer.state, seed * 1000 + life * 10 + step));
        expected = [comparable(writer.state), comparable(after(writer.state, write))];
        outcome = await settledOf(writer, write);
        if (outcome === "committed") expected = [comparable(writer.state)];
      }
      expect(["committed", "ended"]).toContain(outcome);
    }
  }
}, 30_000);

test("a process that wakes up after its successor's claim changes nothing that counts", async () => {
  for (let at = 1; at <= 6; at++) {
    const api = new FakeApi();
    const first = await claimed(api, "first");
    await first.commit(topicMade(1, 1500));
    let wake: () => void = () => {};
    const asleep = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const slow = new SlowObjects(api, { at, until: asleep });
    const store = new ShardStore({ objects: slow, logger: silent }, { cluster: "demo", labels: LABELS });
    const { state, version } = await store.load();
    const old = stateOf(state, version, {});
    const claim = claimOf(old, "slow");
    const run = (async () => {
      const outcome = await store.commit(claim);
      return outcome === "committed" ? store.commit(commitOf(after(old, claim), "slow", brokerLost(old))) : outcome;
    })();
    await new Promise((resolve) => setImmediate(resolve));
    const next = await claimed(api, "next");
    wake();
    expect(["conflict", "committed"]).toContain(await run);
    expect(await next.commit([{ kind: "broker", broker: brokerOf(7) }])).toBe("committed");
    expect(comparable(await stateIn(api))).toEqual(comparable(next.state));
  }
});

const brokerOf = (id: number) =>
  ({ id: brokerId(id), incarnation: "i", epoch: 1, endpoints: [], isFenced: false }) as unknown as Extract<
    Change,
    { kind: "broker" }
  >["broker"];

/** From one write on it sleeps until it is woken. */
class SlowObjects extends FakeShardObjects {
  readonly #slow: { at: number; until: Promise<void> };
  #count = 0;

  constructor(api: FakeApi, slow: { at: number; until: Promise<void> }) {
    super(api);
    this.#slow = slow;
  }

  override async replace(...args: Parameters<FakeShardObjects["replace"]>) {
    if (++this.#count >= this.#slow.at) await this.#slow.until;
    return super.replace(...args);
  }
}
