import { describe, expect, test } from "@jest/globals";
import { brokerId, controllerEpoch, type TopicId } from "./base/ids.ts";
import { encodeLine, LineDecoder } from "./base/json-lines.ts";
import { silent } from "./base/logging.ts";
import { FakeClock, settle } from "./base/testing/fake-clock.ts";
import { Broker, type BrokerPorts } from "./broker.ts";
import type { Registration, ToBroker, ToController } from "./contract/control.ts";
import type { MetadataRows } from "./contract/rows.ts";
import type { ByteStream, ExchangeResult, Network } from "./ports/network.ts";
import { streamPair } from "./ports/testing/stream-pair.ts";
import { MemoryDisk } from "./storage/testing/memory-disk.ts";

const EMPTY: MetadataRows = { brokers: [], topics: [], partitions: [], deletions: [], brokerConfigs: [] };
const TOPIC = "0".repeat(31).concat("1") as TopicId;

/** Broker 1 on a disk in memory, with this test as its controller. */
class World implements Network {
  readonly clock = new FakeClock();
  readonly disk = new MemoryDisk();
  readonly heard: ToController[] = [];
  readonly failures: { error: unknown; hasMark: boolean }[] = [];
  stream: ByteStream | null = null;
  dials = 0;
  #lives = 0;

  async exchange(): Promise<ExchangeResult> {
    this.dials++;
    const [near, far] = streamPair();
    const decoder = new LineDecoder(1e6);
    far.onData = (chunk) => this.heard.push(...(decoder.push(chunk) as ToController[]));
    this.stream = far;
    return { kind: "accepted", stream: near };
  }

  async probe(): Promise<never> {
    throw new Error("brokers probe nobody");
  }

  async post(): Promise<null> {
    return null;
  }

  async start(): Promise<Broker> {
    const life = ++this.#lives;
    let ids = 0;
    const random = { next: () => 0, id: () => `${life}${ids++}`.padStart(32, "0") };
    const ports: BrokerPorts = { clock: this.clock, random, disk: this.disk.mount(), network: this, logger: silent };
    const address = { host: "h", port: 1 };
    const broker = new Broker(
      ports,
      {
        brokerId: brokerId(1),
        clusterId: "c1",
        controller: address,
        endpoints: [],
        http: address,
        rack: null,
        host: { bootId: "boot", device: "disk", mountId: "mount" },
        config: {},
      },
      {
        onFailure: (error) => this.failures.push({ error, hasMark: this.disk.contentOf("io-error") !== null }),
        onBanned() {},
      },
    );
    await broker.start();
    await settle();
    return broker;
  }

  say(message: ToBroker): void {
    this.stream?.write(encodeLine(message));
  }

  async register(snapshot: MetadataRows): Promise<void> {
    const version = { controllerEpoch: controllerEpoch(1), sequence: 1 };
    const epochs = { controllerEpoch: controllerEpoch(1), brokerEpoch: 7, sessionTimeoutMs: 4000 };
    this.say({ type: "registered", clusterId: "c1", ...epochs, version, snapshot } as ToBroker);
    await this.clock.advance(100);
  }

  get registration(): Registration {
    return this.heard.findLast((message) => message.type === "register") as Registration;
  }
}

const partition = (isr: readonly number[], topicId: TopicId) => ({
  topicId,
  partition: 0,
  replicas: [1, 2],
  adding: [],
  removing: [],
  removed: [],
  leader: 2,
  leaderEpoch: 0,
  partitionEpoch: 0,
  isr,
  elr: [],
  lost: [],
  minIsr: 1,
  synced: false,
});

const oneTopic = (topicId = TOPIC): MetadataRows => ({
  ...EMPTY,
  topics: [{ topicId, name: "orders", config: {}, partitionCount: 1 }],
  partitions: [partition([1, 2], topicId)] as unknown as MetadataRows["partitions"],
});

test("a broker tells a controller that lost its store what it, or its earlier process, was told", async () => {
  const world = new World();
  const first = await world.start();
  world.say({ type: "queryMetadata" });
  await settle();
  expect(world.heard.filter((message) => message.type === "metadataReport")).toEqual([]);
  await world.register(oneTopic());
  const stop = first.stop();
  await world.clock.advance(20_000);
  await stop;
  await world.start();
  world.say({ type: "queryMetadata" });
  await settle();
  const version = { controllerEpoch: 1, sequence: 1 };
  expect(world.heard.at(-1)).toEqual({ type: "metadataReport", version, rows: oneTopic() });
});

describe("a broker whose disk fails", () => {
  test("leaves its mark before the process ends, and says so to the controller", async () => {
    const world = new World();
    await world.start();
    world.disk.failNextSync = true;
    await world.register(EMPTY);
    expect(world.failures).toEqual([{ error: expect.anything(), hasMark: true }]);
    expect(world.heard.at(-1)).toEqual({ type: "storageFailed" });
  });

  test("ends all the same when the disk does not take the mark", async () => {
    const world = new World();
    await world.start();
    world.disk.failNextSync = true;
    const mark = Promise.withResolvers<void>();
    world.disk.onStep = (step) => {
      if (step.startsWith("create io-error")) world.disk.stall = mark.promise;
    };
    await world.register(EMPTY);
    expect(world.failures).toEqual([]);
    await world.clock.advance(2000);
    expect(world.failures).toHaveLength(1);
  });

  test("that fails in the last flush of a stop is marked before the stop is over", async () => {
    const world = new World();
    const broker = await world.start();
    await world.register(oneTopic());
    const stop = broker.stop();
    world.disk.failNextSync = true;
    await world.clock.advance(20_000);
    await stop;
    expect(world.failures).toEqual([{ error: expect.anything(), hasMark: true }]);
    expect(world.disk.contentOf("clean-stop")).toBeNull();
  });

  test("does not register again before it has ended", async () => {
    const world = new World();
    await world.start();
    world.disk.failNextSync = true;
    world.disk.onStep = (step) => {
      if (step.startsWith("create io-error")) world.disk.stall = new Promise(() => {});
    };
    await world.register(EMPTY);
    world.stream?.destroy();
    await world.clock.advance(900);
    expect(world.dials).toBe(1);
  });
});

describe("a broker that finds less than it had", () => {
  test("reports a partition whose folder is gone as damaged", async () => {
    const world = new World();
    await stopped(world, await serving(world, oneTopic()));
    await world.disk.remove("orders-0");
    await world.start();
    expect(world.registration.damaged).toEqual([{ topicId: TOPIC, partition: 0 }]);
  });

  test("reports nothing where every folder is there", async () => {
    const world = new World();
    await stopped(world, await serving(world, oneTopic()));
    await world.start();
    expect(world.registration.damaged).toEqual([]);
  });
});

describe("a broker whose controller went back to another history", () => {
  const OTHER = "f".repeat(32) as TopicId;

  test("keeps aside what another topic of the same name left, and hosts the one that there is", async () => {
    const world = new World();
    await stopped(world, await serving(world, oneTopic()));
    await serving(world, oneTopic(OTHER));
    expect(world.failures).toEqual([]);
    expect(await world.disk.list("")).toContain(`orders-0.${TOPIC}.stray`);
    expect(await world.disk.list("")).toContain("orders-0");
  });

  test("does so too while it runs", async () => {
    const world = new World();
    await serving(world, oneTopic());
    world.stream?.destroy();
    await world.clock.advance(1000);
    await world.register(oneTopic(OTHER));
    expect(world.failures).toEqual([]);
    expect(await world.disk.list("")).toContain(`orders-0.${TOPIC}.stray`);
  });
});

describe("a broker that stops", () => {
  test("asks the next controller, too, when the one that it asked is gone", async () => {
    const world = new World();
    const broker = await serving(world, EMPTY);
    const stop = broker.stop();
    await world.clock.advance(100);
    world.stream?.destroy();
    await world.clock.advance(1000);
    await world.register(EMPTY);
    expect(world.heard.at(-1)).toEqual({ type: "shutdownWish" });
    world.say({ type: "shutdownReady" });
    await world.clock.advance(100);
    await stop;
    expect(world.disk.contentOf("clean-stop")).not.toBeNull();
  });
});

test("a broker whose kept metadata is not what it wrote says so and does not start", async () => {
  const world = new World();
  await stopped(world, await serving(world, EMPTY));
  await world.disk.remove("metadata.json");
  const file = await world.disk.open("metadata.json", { create: true });
  await file?.write([new TextEncoder().encode("{}")], 0);
  await expect(world.start()).rejects.toMatchObject({ code: "LOG_CORRUPT" });
});

async function serving(world: World, snapshot: MetadataRows): Promise<Broker> {
  const broker = await world.start();
  await world.register(snapshot);
  return broker;
}

async function stopped(world: World, broker: Broker): Promise<void> {
  const stop = broker.stop();
  await world.clock.advance(20_000);
  await stop;
}
