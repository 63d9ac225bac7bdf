import { describe, expect, test } from "@jest/globals";
import { controllerEpoch } from "../base/ids.ts";
import { LineDecoder, encodeLine } from "../base/json-lines.ts";
import { silent } from "../base/logging.ts";
import { FakeClock, settle } from "../base/testing/fake-clock.ts";
import type {
  ControllerAnnouncement,
  KeptMetadata,
  Registration,
  ToBroker,
  ToController,
} from "../contract/control.ts";
import type { MetadataRows } from "../contract/rows.ts";
import type { Address, ByteStream, ExchangeResult, Network } from "../ports/network.ts";
import { streamPair } from "../ports/testing/stream-pair.ts";
import { ControlSession } from "./control-session.ts";
import { MetadataImage } from "./metadata-image.ts";

const none: MetadataRows = { brokers: [], topics: [], partitions: [], deletions: [], brokerConfigs: [] };

const kept: KeptMetadata = { version: { controllerEpoch: controllerEpoch(3), sequence: 9 }, rows: none };

/** A controller's end of the streams that a session opens. */
class FakeController implements Network {
  readonly dialled: string[] = [];
  readonly received: ToController[] = [];
  isReachable = true;
  stream: ByteStream | null = null;

  async exchange(address: Address): Promise<ExchangeResult> {
    this.dialled.push(`${address.host}:${address.port}`);
    if (!this.isReachable) return { kind: "unreachable", reason: "refused" };
    const [near, far] = streamPair();
    const decoder = new LineDecoder(1e6);
    far.onData = (chunk) => this.received.push(...(decoder.push(chunk) as ToController[]));
    this.stream = far;
    return { kind: "accepted", stream: near };
  }

  async probe(): Promise<never> {
    throw new Error("a session probes nobody");
  }

  async post(): Promise<null> {
    return null;
  }

  say(message: ToBroker | Record<string, unknown>): void {
    this.stream?.write(encodeLine(message));
  }

  register(controllerEpoch: number, sequence: number): void {
    const version = { controllerEpoch, sequence };
    const shared = { clusterId: "c1", controllerEpoch, brokerEpoch: 7, sessionTimeoutMs: 4000 };
    this.say({ type: "registered", ...shared, version, snapshot: none });
  }
}

function open(options: { isStarted: boolean } = { isStarted: true }) {
  const clock = new FakeClock();
  const network = new FakeController();
  const image = new MetadataImage();
  const registered: number[] = [];
  const session = new ControlSession(
    { clock, network, logger: silent },
    {
      controller: { host: "first", port: 1 },
      image,
      handlers: {
        registration: () => ({ type: "register", incarnation: "i1" }) as unknown as Registration,
        keptMetadata: () => kept,
        onChange() {},
        onRegistered: (message) => registered.push(message.controllerEpoch),
        onDirective() {},
        onBanned() {},
      },
    },
  );
  if (options.isStarted) session.start();
  return { clock, network, image, session, registered };
}

describe("control session", () => {
  test("registers, then sends heartbeats with the version it has applied", async () => {
    const { clock, network, session } = open();
    await settle();
    expect(network.received[0]).toMatchObject({ type: "register", incarnation: "i1" });
    network.register(1, 5);
    await clock.advance(500);
    expect(session.brokerEpoch).toBe(7);
    expect(network.received.at(-1)).toEqual({
      type: "heartbeat",
      brokerEpoch: 7,
      applied: { controllerEpoch: 1, sequence: 5 },
    });
  });

  test("says what it kept of the metadata to a controller that asks before it answers the registration", async () => {
    const { network } = open();
    await settle();
    network.say({ type: "queryMetadata" });
    await settle();
    expect(network.received.slice(1)).toEqual([{ type: "metadataReport", ...kept }]);
  });

  test("dials again until a controller answers", async () => {
    const { clock, network, registered } = open();
    network.isReachable = false;
    await settle();
    network.stream?.destroy();
    await clock.advance(1000);
    expect(network.dialled.length).toBeGreaterThan(3);
    network.isReachable = true;
    await clock.advance(300);
    network.register(2, 1);
    await settle();
    expect(registered).toEqual([2]);
  });

  test("a gap in the deltas makes it register again for a snapshot", async () => {
    const { clock, network, image } = open();
    await settle();
    network.register(1, 5);
    network.say({ type: "delta", version: { controllerEpoch: 1, sequence: 7 }, rows: none });
    await clock.advance(300);
    expect(network.received.filter((message) => message.type === "register")).toHaveLength(2);
    expect(image.version).toEqual({ controllerEpoch: 1, sequence: 5 });
  });

  test("a controller with a lower epoch is not obeyed", async () => {
    const { clock, network, image, session } = open();
    await settle();
    network.register(3, 1);
    await settle();
    network.stream?.destroy();
    await clock.advance(100);
    network.register(2, 9);
    await settle();
    expect(image.version).toEqual({ controllerEpoch: 3, sequence: 1 });
    expect(session.isRegistered).toBe(false);
    const stale = { controllerEpoch: 2, clusterId: "c1", http: { host: "stale", port: 1 } };
    expect(session.onAnnouncement(stale as unknown as ControllerAnnouncement)).toBe(false);
  });

  test("an announcement makes it dial the new controller at once", async () => {
    const { network, session } = open();
    await settle();
    network.register(1, 1);
    await settle();
    const next = { controllerEpoch: 2, clusterId: "c1", http: { host: "second", port: 2 } };
    expect(session.onAnnouncement(next as unknown as ControllerAnnouncement)).toBe(true);
    await settle();
    expect(network.dialled.at(-1)).toBe("second:2");
  });

  test("a controller that falls silent for a session timeout is dialled again", async () => {
    const { clock, network, session } = open();
    await settle();
    network.register(1, 1);
    await clock.advance(3900);
    expect(session.isRegistered).toBe(true);
    await clock.advance(1000);
    expect(network.dialled.length).toBeGreaterThan(1);
  });

  test("an announcement before recovery is over registers nobody, and is dialled at the start", async () => {
    const { network, session } = open({ isStarted: false });
    const next = { controllerEpoch: 2, clusterId: "c1", http: { host: "second", port: 2 } };
    session.onAnnouncement(next as unknown as ControllerAnnouncement);
    await settle();
    expect(network.dialled).toEqual([]);
    session.start();
    await settle();
    expect(network.dialled).toEqual(["second:2"]);
  });

  test("when the announced controller is gone the configured address is dialled again", async () => {
    const { clock, network, session } = open();
    await settle();
    network.register(1, 1);
    await settle();
    network.isReachable = false;
    const next = { controllerEpoch: 2, clusterId: "c1", http: { host: "second", port: 2 } };
    session.onAnnouncement(next as unknown as ControllerAnnouncement);
    await clock.advance(1000);
    expect(network.dialled).toContain("second:2");
    expect(network.dialled.at(-1)).toBe("first:1");
  });

  test("an administrative call is answered, and fails by its code when the stream breaks", async () => {
    const { network, session } = open();
    await settle();
    network.register(1, 1);
    await settle();
    const first = session.admin({ kind: "allocateProducerIds" });
    await settle();
    network.say({ type: "adminAnswer", call: 1, response: { kind: "allocateProducerIds", first: 0, count: 1000 } });
    expect(await first).toEqual({ kind: "allocateProducerIds", first: 0, count: 1000 });
    const second = session.admin({ kind: "allocateProducerIds" });
    network.stream?.destroy();
    expect(await second).toMatchObject({ kind: "failed", errorCode: 7 });
  });
});
