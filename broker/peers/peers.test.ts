import { beforeEach, describe, expect, test } from "@jest/globals";
import { settle } from "../base/testing/fake-clock.ts";
import type { BrokerId } from "../base/ids.ts";
import { KAFKA_PATH } from "../contract/control.ts";
import type { ByteStream, ExchangeResult, Network } from "../ports/network.ts";
import { streamPair } from "../ports/testing/stream-pair.ts";
import { TestBroker } from "../testing/test-broker.ts";
import { listOffsets } from "../wire/apis/02-list-offsets.ts";
import { Peers } from "./peers.ts";

const ME = 1 as BrokerId;
const OTHER = 2 as BrokerId;

/** This broker and another one, on a network that the test cuts. */
class World {
  readonly me = new TestBroker();
  readonly other = new TestBroker({ config: { "max.connections": "1" } });
  readonly dialled: unknown[] = [];
  readonly bugs: unknown[] = [];
  /** What is at the other end; by default the other broker. */
  far: (stream: ByteStream) => void = (stream) => this.other.server.acceptPeer(stream);
  isReachable = true;
  readonly peers: Peers;

  constructor() {
    const network = { exchange: async (...call: unknown[]) => this.#exchange(call) } as unknown as Network;
    this.peers = new Peers(network, { broker: this.me.context, onBug: (error) => this.bugs.push(error) });
    for (const broker of [this.me, this.other]) broker.addTopic({ name: "orders", id: 1 })[0]!.logStart = 5 as never;
  }

  #exchange(call: unknown[]): ExchangeResult {
    this.dialled.push(call.slice(0, 2));
    if (!this.isReachable) return { kind: "unreachable", reason: "cut" };
    const [near, far] = streamPair();
    this.far(far);
    return { kind: "accepted", stream: near };
  }

  ask(broker: BrokerId, lane = "") {
    const partitions = [{ partitionIndex: 0 as never, currentLeaderEpoch: -1 as never, timestamp: -2 }];
    return this.peers.ask(broker, {
      api: listOffsets,
      version: 7,
      timeoutMs: 1000,
      lane,
      body: { replicaId: -1 as BrokerId, isolationLevel: 0, topics: [{ name: "orders", partitions }], timeoutMs: 0 },
    });
  }
}

let world: World;

beforeEach(() => {
  world = new World();
});

const offsetIn = (asked: Awaited<ReturnType<World["ask"]>>): unknown =>
  asked.kind === "answered" ? asked.body.topics[0]?.partitions[0]?.offset : asked.kind;

describe("a broker", () => {
  test("answers itself without a connection, and another one over one for each lane", async () => {
    expect(offsetIn(await world.ask(ME))).toBe(5);
    expect(world.dialled).toEqual([]);
    expect(offsetIn(await world.ask(OTHER))).toBe(5);
    expect(offsetIn(await world.ask(OTHER))).toBe(5);
    expect(offsetIn(await world.ask(OTHER, "waits"))).toBe(5);
    expect(world.dialled).toEqual([
      [{ host: "host-2", port: 8002 }, KAFKA_PATH],
      [{ host: "host-2", port: 8002 }, KAFKA_PATH],
    ]);
  });

  test("is asked whatever the limit of connections of clients is", async () => {
    const client = world.other.connect();
    expect(offsetIn(await world.ask(OTHER))).toBe(5);
    expect(client.isClosed).toBe(false);
  });

  test("that cannot be reached got nothing, and is dialled anew the next time", async () => {
    world.isReachable = false;
    expect(await world.ask(OTHER)).toEqual({ kind: "unsent" });
    world.isReachable = true;
    expect(offsetIn(await world.ask(OTHER))).toBe(5);
    expect(await world.ask(9 as BrokerId)).toEqual({ kind: "unsent" });
  });

  test("whose connection breaks may have done what it was asked for", async () => {
    let far: ByteStream | null = null;
    world.far = (stream) => {
      far = stream;
    };
    const asked = world.ask(OTHER);
    await settle();
    far!.destroy();
    expect(await asked).toEqual({ kind: "lost" });
  });

  test("that is frozen is given up after the time that the question has", async () => {
    world.far = () => {};
    const asked = world.ask(OTHER);
    await world.me.clock.advance(1100);
    expect(await asked).toEqual({ kind: "lost" });
  });

  test.each([
    ["an answer to another question", [0, 0, 0, 4, 0, 0, 0, 99]],
    ["an answer cut short", [0, 0, 0, 5, 0, 0, 0, 1, 0]],
    ["an answer without end", [0x7f, 0xff, 0xff, 0xff]],
  ])("that gives %s is believed nothing more", async (_, bytes) => {
    world.far = (stream) => {
      stream.onData = () => stream.write(Uint8Array.from(bytes));
    };
    expect(await world.ask(OTHER)).toEqual({ kind: "lost" });
    world.far = (stream) => world.other.server.acceptPeer(stream);
    expect(offsetIn(await world.ask(OTHER))).toBe(5);
  });

  test("is asked nothing after the end", async () => {
    world.far = () => {};
    const asked = world.ask(OTHER);
    await settle();
    world.peers.stop();
    expect(await asked).toEqual({ kind: "lost" });
    expect(await world.ask(OTHER)).toEqual({ kind: "unsent" });
  });
});
