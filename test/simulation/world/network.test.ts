import { expect, test } from "@jest/globals";
import type { ByteStream, ExchangeResult } from "../../../broker/ports/network.ts";
import { SimulatedNetwork } from "./network.ts";
import { Machine, SimulatedProcess } from "./process.ts";
import { SeededRandom } from "./random.ts";
import { Scheduler } from "./scheduler.ts";

const address = { host: "b", port: 1 };

function world() {
  const random = new SeededRandom(3, "test");
  const scheduler = new Scheduler(random);
  const network = new SimulatedNetwork(scheduler, random.split("network"));
  const machine = new Machine({ name: "m", bootId: "b", skewMs: 0 });
  const start = (name: string): SimulatedProcess => {
    const process = new SimulatedProcess(scheduler, { name, host: network.addHost(name), machine });
    process.onEnd = () => network.processEnded(process);
    return process;
  };
  const a = start("a");
  const b = start("b");
  const accepted: ByteStream[] = [];
  const received: string[] = [];
  const events: string[] = [];
  const listen = (): void => {
    const onExchange = (_path: string, accept: () => ByteStream): void => {
      const stream = accept();
      accepted.push(stream);
      stream.onData = (chunk) => received.push(new TextDecoder().decode(chunk));
      stream.onClose = () => events.push("server closed");
    };
    const server = { incarnation: "one", onExchange, onPost: () => Promise.resolve({ status: 200, body: {} }) };
    network.listen(address, { kind: "http", process: b, server });
  };
  /** Runs all there is to happen in `forMs` of virtual time. */
  const run = async (forMs: number): Promise<void> => {
    const until = scheduler.nowUs + forMs * 1000;
    let isOver = false;
    scheduler.after(forMs * 1000, null, () => {
      isOver = true;
    });
    while (!isOver && scheduler.nowUs <= until && scheduler.step()) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const dial = async (): Promise<ExchangeResult> => {
    const port = network.portOf(a);
    const found: ExchangeResult[] = [];
    void port.exchange(address, "/x", { timeoutMs: 100 }).then((result) => {
      found.push(result);
      if (result.kind === "accepted") result.stream.onClose = () => events.push("client closed");
    });
    await run(200);
    const [result] = found;
    if (result === undefined) throw new Error("the dial never ended");
    return result;
  };
  return { network, a, b, listen, dial, run, received, events, accepted };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("bytes arrive whole and in order, in other pieces", async () => {
  const one = world();
  one.listen();
  const result = await one.dial();
  if (result.kind !== "accepted") throw new Error(result.kind);
  const sent = Array.from({ length: 300 }, (_, place) => `message ${place};`);
  for (const text of sent) {
    result.stream.write(bytes(text));
    await one.run(1);
  }
  await one.run(50);
  expect(one.received.join("")).toBe(sent.join(""));
});

test("what a cut holds back arrives after the healing, or both ends learn that it broke", async () => {
  const one = world();
  one.listen();
  const result = await one.dial();
  if (result.kind !== "accepted") throw new Error(result.kind);
  one.network.cut({ from: one.a.host, to: one.b.host });
  result.stream.write(bytes("late"));
  await one.run(1000);
  expect(one.received).toEqual([]);
  one.network.healAll();
  await one.run(50);
  const isBroken = one.events.includes("server closed") && one.events.includes("client closed");
  expect(one.received.join("") === "late" || isBroken).toBe(true);
});

test("nobody listens: the dial is refused, and a probe says so", async () => {
  const one = world();
  expect(await one.dial()).toEqual({ kind: "unreachable", reason: "connection refused" });
});

test("a paused process does not answer, and goes on with what waited", async () => {
  const one = world();
  one.listen();
  const result = await one.dial();
  if (result.kind !== "accepted") throw new Error(result.kind);
  one.b.pause();
  result.stream.write(bytes("patience"));
  await one.run(500);
  expect(one.received).toEqual([]);
  expect((await one.dial()).kind).toBe("unreachable");
  one.b.resume();
  await one.run(50);
  expect(one.received.join("")).toBe("patience");
});

test("the end of a process closes the other end of its streams", async () => {
  const one = world();
  one.listen();
  await one.dial();
  one.b.end();
  await one.run(50);
  expect(one.events).toEqual(["client closed"]);
});

test("each end hears of the end exactly once", async () => {
  const one = world();
  one.listen();
  const result = await one.dial();
  if (result.kind !== "accepted") throw new Error(result.kind);
  result.stream.close();
  one.accepted[0]?.close();
  await one.run(50);
  expect(one.events.sort()).toEqual(["client closed", "server closed"]);
});
