import { createServer, type Server } from "node:net";
import { afterEach, describe, expect, test } from "@jest/globals";
import { anyPort, firstFreePort, freePorts, isPortFree } from "./free-port.ts";
import { LOCAL_HOST, planPorts } from "./port-plan.ts";

const servers: Server[] = [];

function occupy(port: number): Promise<void> {
  const server = createServer();
  servers.push(server);
  return new Promise((resolve) => server.listen(port, LOCAL_HOST, () => resolve()));
}

afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

/** A stretch of ports that are free now. */
async function freeStretch(length: number): Promise<number> {
  for (;;) {
    const start = await firstFreePort(LOCAL_HOST, anyPort(), new Set());
    const all = await Promise.all(Array.from({ length }, (_, index) => isPortFree(LOCAL_HOST, start + index)));
    if (all.every(Boolean)) return start;
  }
}

const nothing = { api: null, before: null, held: new Set<number>() };

describe("the ports of a cluster on one machine", () => {
  test("Kafka's are the one wished for and the next ones; all differ", async () => {
    const first = await freeStretch(3);
    const ports = await planPorts({ brokers: 3, first, ...nothing });
    expect(ports.kafka).toEqual([first, first + 1, first + 2]);
    expect(new Set([...ports.kafka, ...ports.http, ports.controller]).size).toBe(7);
  });

  test("the HTTP API's are the one wished for and the next ones, or any free ones, and stay those", async () => {
    const first = await freeStretch(2);
    const wished = await planPorts({ ...nothing, brokers: 2, first: 0, api: first });
    expect(wished.api).toEqual([first, first + 1]);
    const any = await planPorts({ ...nothing, brokers: 2, first: 0, api: 0 });
    expect(new Set([...any.kafka, ...any.http, ...any.api, any.controller]).size).toBe(7);
    const again = await planPorts({ brokers: 2, first: 0, api: 0, before: any, held: new Set() });
    expect(again.api).toEqual(any.api);
    await occupy(first + 1);
    await expect(planPorts({ ...nothing, brokers: 2, first: 0, api: first })).rejects.toThrow(
      `HTTP port 127.0.0.1:${first + 1} of broker 1 is in use; stop what listens there or give another --http-port`,
    );
    await expect(planPorts({ ...nothing, brokers: 2, first: 0, api: 65_535 })).rejects.toThrow(
      "HTTP port 65536 of broker 1 is over 65535; give a lower --http-port",
    );
  });

  test("an HTTP API on a Kafka port is refused", async () => {
    const first = await freeStretch(2);
    await expect(planPorts({ ...nothing, brokers: 1, first, api: first })).rejects.toThrow(
      `HTTP port 127.0.0.1:${first} of broker 0 is in use`,
    );
  });

  test("a Kafka port that is taken is refused by its number", async () => {
    const first = await freeStretch(3);
    await occupy(first + 1);
    await expect(planPorts({ brokers: 3, first, ...nothing })).rejects.toThrow(
      `Kafka port 127.0.0.1:${first + 1} of broker 1 is in use`,
    );
  });

  test("without a wish they stay what they were; an HTTP port that somebody took moves", async () => {
    const before = await planPorts({ brokers: 3, first: 0, ...nothing });
    const same = await planPorts({ brokers: 3, first: null, api: null, before, held: new Set() });
    expect(same).toEqual(before);
    await occupy(before.http[1] ?? 0);
    const moved = await planPorts({ brokers: 3, first: 0, api: null, before, held: new Set() });
    expect(moved.kafka).toEqual(before.kafka);
    expect(moved.http[1]).not.toBe(before.http[1]);
    expect(moved.http[0]).toBe(before.http[0]);
  });

  test("ports of processes about to be adopted need not be free", async () => {
    const before = await planPorts({ brokers: 1, first: 0, ...nothing });
    await occupy(before.kafka[0] ?? 0);
    await occupy(before.controller);
    const held = new Set([...before.kafka, ...before.http, before.controller]);
    expect(await planPorts({ brokers: 1, first: null, api: null, before, held })).toEqual(before);
  });

  test("a port beyond the last one is refused", async () => {
    await expect(planPorts({ brokers: 3, first: 65_534, ...nothing })).rejects.toThrow(
      "Kafka port 65536 of broker 2 is over 65535",
    );
  });
});

test("ports found for other programs differ, and none is of those that outgoing connections get", async () => {
  const ports = await freePorts(LOCAL_HOST, 20);
  expect(new Set(ports).size).toBe(20);
  expect(ports.filter((port) => port >= 32_768)).toEqual([]);
});
