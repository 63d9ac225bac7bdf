import { expect, test } from "@jest/globals";
import { TidemarkError } from "#base/errors.ts";
import { controllerEpoch } from "#base/ids.ts";
import { silent } from "#base/logging.ts";
import type { Network } from "#ports/network.ts";
import { FakeClock } from "../broker/base/testing/fake-clock.ts";
import { MemoryMetadata, MemoryStore } from "./adapters/memory/memory-store.ts";
import { ControllerHost } from "./controller-host.ts";
import { FakeBroker } from "./controller/testing/cluster.ts";
import type { ClusterControlOptions } from "./ports/cluster-control.ts";
import type { MetadataStore } from "./ports/metadata-store.ts";

const shop = { namespace: "prod", name: "shop" };
const PREFIX = "/clusters/prod/shop";
const OPTIONS: ClusterControlOptions = { clusterId: "c", config: {}, tokens: ["now", "before"], metadataOwner: null };

/** An operator process whose clusters have their state in memory. */
class Fixture {
  readonly clock: FakeClock;
  readonly posts: { path: string; body: unknown; token: string }[] = [];
  readonly owners: (string | null)[] = [];
  readonly recoveries: boolean[] = [];
  readonly host: ControllerHost;
  holder: string | null = null;
  /** What the next loads of the store meet. */
  loadError: TidemarkError | null = null;
  #ids = 0;

  readonly metadata: MemoryMetadata;

  constructor(metadata = new MemoryMetadata(), clock = new FakeClock()) {
    this.metadata = metadata;
    this.clock = clock;
    this.host = new ControllerHost(
      {
        clock: this.clock,
        random: { next: () => 0, id: () => (++this.#ids).toString(16).padStart(32, "0") },
        logger: silent,
        networkWith: (tokens) => this.#network(() => tokens.current),
        storeOf: (_, { isRecovering }) => this.#store(isRecovering),
        setOwner: async (_, owner) => this.owners.push(owner?.uid ?? null) > 1,
      },
      { address: { host: "10.0.0.1", port: 8080 }, holder: () => this.holder },
    );
  }

  #network(token: () => string): Network {
    return {
      exchange: async () => ({ kind: "unreachable", reason: "a controller dials nobody" }),
      probe: async () => ({ kind: "silent" }),
      post: async (_, path, body) => {
        this.posts.push({ path, body, token: token() });
        return { status: 200, body: null };
      },
    };
  }

  #store(isRecovering: boolean): MetadataStore {
    this.recoveries.push(isRecovering);
    const store: MetadataStore = new MemoryStore({ clock: this.clock }, { metadata: this.metadata });
    const load = store.load.bind(store);
    store.load = () => (this.loadError === null || isRecovering ? load() : Promise.reject(this.loadError));
    return store;
  }

  /** How a path is refused: status and text; null = it was taken. */
  refusal(path: string): [number, string] | null {
    const refused: [number, string][] = [];
    const accept = () => {
      throw new Error("it was accepted");
    };
    this.host.exchangeServer.onExchange(path, accept, (status, text) => refused.push([status, text]));
    return refused[0] ?? null;
  }

  join(broker: FakeBroker): void {
    const { exchangeServer } = this.host;
    const onExchange: typeof exchangeServer.onExchange = (path, accept, refuse) =>
      exchangeServer.onExchange(PREFIX + path, accept, refuse);
    broker.dial({ exchangeServer: { ...exchangeServer, onExchange } });
  }
}

test("a standby sends brokers to the holder, under the same path", () => {
  const fixture = new Fixture();
  expect(fixture.refusal(`${PREFIX}/v1/control`)?.[0]).toBe(503);
  fixture.holder = "10.0.0.2:8080";
  const [status, text] = fixture.refusal(`${PREFIX}/v1/control`) ?? [];
  expect([status, JSON.parse(text ?? "")]).toEqual([421, { host: "10.0.0.2", port: 8080, path: PREFIX }]);
  expect(fixture.refusal("/v1/control")?.[0]).toBe(404);
  expect(fixture.host.ensure(shop, OPTIONS).status().condition).toBe("ended");
  expect(fixture.metadata.newest.version.controllerEpoch).toBe(0);
});

test("each Cluster has a controller of its own, with tokens of its own, until it is released", async () => {
  const fixture = new Fixture();
  const { host, clock } = fixture;
  host.activate();
  const control = host.ensure(shop, OPTIONS);
  await clock.advance(0);
  expect(control.status().condition).toBe("active");
  expect(host.tokensAt(`${PREFIX}/v1/admin`)?.accepts("before")).toBe(true);
  host.ensure(shop, { ...OPTIONS, tokens: ["next", "now"] });
  expect(host.tokensAt(`${PREFIX}/v1/admin`)?.accepts("before")).toBe(false);
  expect(host.tokensAt(`${PREFIX}/v1/admin`)?.current).toBe("next");
  expect(host.tokensAt("/clusters/prod/other/v1/admin")).toBeNull();
  expect(host.get(shop)).toBe(control);
  await host.release(shop);
  expect([control.status().condition, host.get(shop)]).toEqual(["ended", null]);
  expect(fixture.refusal(`${PREFIX}/v1/control`)?.[0]).toBe(503);
});

test("brokers register under the path, and are told of a takeover with it", async () => {
  const fixture = new Fixture();
  fixture.host.activate();
  fixture.host.ensure(shop, OPTIONS);
  await fixture.clock.advance(0);
  const broker = new FakeBroker(1);
  fixture.join(broker);
  await fixture.clock.advance(0);
  expect(broker.registered?.clusterId).toBe("c");
  const next = new Fixture(fixture.metadata);
  next.host.activate();
  next.host.ensure(shop, OPTIONS);
  await next.clock.advance(0);
  const http = { host: "10.0.0.1", port: 8080, path: PREFIX };
  expect(next.posts[0]).toMatchObject({ path: "/v1/controller", token: "now", body: { controllerEpoch: 2, http } });
});

test("what the brokers are started with may change while the controller runs", async () => {
  const fixture = new Fixture();
  const { host, clock } = fixture;
  host.activate();
  const control = host.ensure(shop, { ...OPTIONS, config: { "num.partitions": "2" } });
  await clock.advance(0);
  fixture.join(new FakeBroker(1));
  await clock.advance(0);
  host.ensure(shop, { ...OPTIONS, config: { "num.partitions": "7" } });
  const topic = { name: "t", partitionCount: -1, replicationFactor: 1, assignments: null, config: {} };
  const answer = await control.admin({ kind: "createTopics", topics: [topic], validateOnly: true });
  expect(answer).toMatchObject({ topics: [{ partitionCount: 7 }] });
});

test("a store that is lost blocks, names what brokers report, and is recovered by that very epoch only", async () => {
  const fixture = new Fixture();
  fixture.loadError = new TidemarkError("STORE_LOST", "MetadataShard shop-0 is gone");
  fixture.host.activate();
  const control = fixture.host.ensure(shop, OPTIONS);
  const told: unknown[] = [];
  control.subscribe(() => told.push(control.status().problem?.newestReported));
  await fixture.clock.advance(0);
  expect(control.status()).toMatchObject({ condition: "blocked", problem: { kind: "lost", newestReported: null } });
  expect(await control.recover(controllerEpoch(5))).toMatchObject({ kind: "wrongEpoch" });
  const broker = new FakeBroker(1, { metadataVersion: { controllerEpoch: controllerEpoch(5), sequence: 9 } });
  fixture.join(broker);
  await fixture.clock.advance(100);
  expect(broker.received.at(-1)).toMatchObject({ type: "refused", code: "NOT_READY" });
  expect(told.at(-1)).toEqual({ controllerEpoch: 5, sequence: 9 });
  expect(await control.recover(controllerEpoch(4))).toMatchObject({ kind: "wrongEpoch" });
  expect(await control.recover(controllerEpoch(5))).toEqual({ kind: "recovered" });
  await fixture.clock.advance(0);
  // One that was told nothing: whoever asks brokers first, need not wait for others.
  fixture.join(new FakeBroker(2));
  await fixture.clock.advance(10_000);
  expect([control.status().condition, control.status().problem]).toEqual(["active", null]);
  expect(fixture.recoveries.at(-1)).toBe(true);
  expect(await control.recover(controllerEpoch(5))).toEqual({ kind: "notNeeded" });
});

test("a store that somebody has put right is taken up without a word", async () => {
  const fixture = new Fixture();
  fixture.loadError = new TidemarkError("STORE_CORRUPT", "MetadataShard shop-0 is at 1.2 where the root says 1.3");
  fixture.host.activate();
  const control = fixture.host.ensure(shop, OPTIONS);
  await fixture.clock.advance(20_000);
  expect(control.status().problem?.kind).toBe("rolledBack");
  fixture.loadError = null;
  await fixture.clock.advance(5000);
  expect([control.status().condition, fixture.recoveries.includes(true)]).toEqual(["active", false]);
});

test("a controller that was deposed is made anew, and claims again", async () => {
  const fixture = new Fixture();
  fixture.host.activate();
  const control = fixture.host.ensure(shop, OPTIONS);
  await fixture.clock.advance(0);
  const usurper = new Fixture(fixture.metadata);
  usurper.host.activate();
  usurper.host.ensure(shop, OPTIONS);
  await usurper.clock.advance(0);
  await usurper.host.deactivate();
  await fixture.clock.advance(3000);
  expect(control.status()).toMatchObject({ condition: "active", version: { controllerEpoch: 3 } });
});

test("two installations that both claim a Cluster do not depose each other every second", async () => {
  const one = new Fixture();
  const two = new Fixture(one.metadata, one.clock);
  for (const { host } of [one, two]) host.activate();
  for (const { host } of [one, two]) host.ensure(shop, OPTIONS);
  await one.clock.advance(300_000);
  expect(one.metadata.newest.version.controllerEpoch).toBeLessThan(25);
});

test("who owns the metadata is said until it is done", async () => {
  const fixture = new Fixture();
  fixture.host.activate();
  const owner = { apiVersion: "tidemark.dev/v1alpha1", kind: "Cluster", name: "shop", uid: "u1" };
  fixture.host.ensure(shop, { ...OPTIONS, metadataOwner: owner });
  await fixture.clock.advance(10_000);
  expect(fixture.owners).toEqual(["u1", "u1"]);
  fixture.host.ensure(shop, OPTIONS);
  expect(fixture.owners).toEqual(["u1", "u1", null]);
});

test("who owns the metadata of a paused Cluster is left as it is until it goes on", async () => {
  const fixture = new Fixture();
  fixture.host.activate();
  const owner = { apiVersion: "tidemark.dev/v1alpha1", kind: "Cluster", name: "shop", uid: "u1" };
  fixture.host.ensure(shop, { ...OPTIONS, isPaused: true });
  fixture.host.ensure(shop, { ...OPTIONS, metadataOwner: owner, isPaused: true });
  await fixture.clock.advance(10_000);
  expect(fixture.owners).toEqual([]);
  fixture.host.ensure(shop, { ...OPTIONS, metadataOwner: owner });
  await fixture.clock.advance(10_000);
  expect(new Set(fixture.owners)).toEqual(new Set(["u1"]));
});
