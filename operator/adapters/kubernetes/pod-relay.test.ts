import { connect, createServer, type Server, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { KubeConfig } from "@kubernetes/client-node";
import { PodRelay } from "./pod-relay.ts";
import { FakeApiServer } from "./testing/fake-api-server.ts";

let api: FakeApiServer;
let config: KubeConfig;
/** What listens in the pod: it echoes, and hangs up after "bye". */
let inPod: Server;
const relays: PodRelay[] = [];

beforeEach(async () => {
  api = new FakeApiServer();
  config = new KubeConfig();
  const cluster = { name: "c", server: await api.listen(), skipTLSVerify: true };
  config.loadFromClusterAndUser(cluster, { name: "u", token: "t" });
  inPod = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (data: Buffer) => {
      socket.write(data);
      if (data.subarray(-3).toString() === "bye") socket.end();
    });
  });
  await new Promise<void>((resolve) => inPod.listen(0, "127.0.0.1", resolve));
  api.pods.set("here", (inPod.address() as { port: number }).port);
});

afterEach(async () => {
  for (const relay of relays.splice(0)) relay.close();
  await api.close();
  await new Promise((resolve) => inPod.close(resolve));
});

async function relayTo(pod: string): Promise<PodRelay> {
  const relay = await PodRelay.to(config, { namespace: "n", pod, port: 9092 });
  relays.push(relay);
  return relay;
}
const dialled = ({ port }: PodRelay): Socket => connect(port, "127.0.0.1");

test("what is sent arrives whole and in order on each of several connections, and the end is told", async () => {
  const relay = await relayTo("here");
  const answers = [1, 2, 3].map((n) => {
    const socket = dialled(relay);
    const sent = `${`${n}`.repeat(300_000)}bye`;
    socket.write(sent);
    return text(socket).then((received) => received === sent);
  });
  expect(await Promise.all(answers)).toEqual([true, true, true]);
  expect(api.forwarded.get("here")).toBe(3);
  expect(relay.fault).toBeNull();
});

test("a client that hangs up ends its connection in the pod", async () => {
  const relay = await relayTo("here");
  const accepted = new Promise<Socket>((resolve) => inPod.once("connection", resolve));
  const socket = dialled(relay);
  socket.write("hello");
  const other = await accepted;
  const closed = new Promise((resolve) => other.once("close", resolve));
  socket.destroy();
  await closed;
  expect(other.destroyed).toBe(true);
});

test("a relay that is closed lets go of every connection", async () => {
  const relay = await relayTo("here");
  const socket = dialled(relay);
  socket.on("error", () => {});
  socket.write("hello");
  await new Promise((resolve) => socket.once("data", resolve));
  const closed = new Promise((resolve) => socket.once("close", resolve));
  relay.close();
  await closed;
  expect(socket.destroyed).toBe(true);
});

test("a connection that cannot be forwarded is closed, and the relay says why", async () => {
  const closed = async (relay: PodRelay): Promise<string | null> => {
    await new Promise((resolve) =>
      dialled(relay)
        .on("error", () => {})
        .once("close", resolve),
    );
    return relay.fault;
  };
  expect(await closed(await relayTo("gone"))).toBe("there is no pod n/gone");
  api.pods.set("deaf", 1);
  expect(await closed(await relayTo("deaf"))).toMatch(/^pod n\/deaf: error forwarding port 9092: /);
  api.refusal = 401;
  expect(await closed(await relayTo("here"))).toContain("unauthorized");
});
