import { createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "@jest/globals";
import { Ledger } from "../examples/demo/ledger.ts";
import { WireTap } from "../examples/demo/wire-tap.ts";

const COUNT = 200;
const keyOf = (n: number): string => `key-${n % 7}`;
const valueOf = (n: number): string => `value-${n}`;

/** A ledger of records that were all acknowledged and read back as `read` says. */
function ledgerAfter(
  read: (noteRead: (n: number, change?: { key?: string; value?: string }) => void) => void,
): ReturnType<Ledger["verdict"]> {
  const ledger = new Ledger();
  for (let n = 0; n < COUNT; n++) ledger.noteInput(keyOf(n), valueOf(n));
  for (let n = 0; n < COUNT; n++) ledger.noteAck(n);
  read((n, { key = keyOf(n), value = valueOf(n) } = {}) => ledger.noteRead(n, key, Buffer.from(value)));
  return ledger.verdict();
}

const all = Array.from({ length: COUNT }, (_, n) => n);

describe("the verdict of the demo", () => {
  test("is perfect when every record came back once, in order within its key", () => {
    const byKey = [...all].sort((a, b) => (a % 7) - (b % 7) || a - b);
    const verdict = ledgerAfter((noteRead) => byKey.forEach((n) => noteRead(n)));
    expect(verdict).toMatchObject({
      input: COUNT,
      acked: COUNT,
      readBack: COUNT,
      lost: 0,
      duplicated: 0,
      outOfOrder: 0,
      changed: 0,
      keys: 7,
      isPerfect: true,
    });
    expect(verdict.readDigest).toBe(verdict.inputDigest);
  });

  test("counts a record that was acknowledged and is gone", () => {
    const verdict = ledgerAfter((noteRead) => all.filter((n) => n !== 50).forEach((n) => noteRead(n)));
    expect(verdict).toMatchObject({ lost: 1, duplicated: 0, isPerfect: false });
    expect(verdict.readDigest).not.toBe(verdict.inputDigest);
  });

  test("counts a record that is there twice", () => {
    const verdict = ledgerAfter((noteRead) => [...all.slice(0, 60), 59, ...all.slice(60)].forEach((n) => noteRead(n)));
    expect(verdict).toMatchObject({ lost: 0, duplicated: 1, outOfOrder: 0, isPerfect: false });
  });

  test("counts a record that stands after a later one of its key, but not after one of another key", () => {
    const swapped = [...all];
    [swapped[70], swapped[77]] = [77, 70];
    expect(ledgerAfter((noteRead) => swapped.forEach((n) => noteRead(n)))).toMatchObject({
      lost: 0,
      outOfOrder: 1,
      isPerfect: false,
    });
    [swapped[70], swapped[77]] = [70, 77];
    [swapped[70], swapped[71]] = [71, 70];
    expect(ledgerAfter((noteRead) => swapped.forEach((n) => noteRead(n))).isPerfect).toBe(true);
  });

  test.each([
    ["another value", { value: "other" }],
    ["another key", { key: "other" }],
  ])("counts a record that came back with %s", (_what, change) => {
    const verdict = ledgerAfter((noteRead) => all.forEach((n) => noteRead(n, n === 9 ? change : {})));
    expect(verdict).toMatchObject({ changed: 1, isPerfect: false });
    expect(verdict.readDigest).not.toBe(verdict.inputDigest);
  });

  test("counts a record that the input never had", () => {
    const verdict = ledgerAfter((noteRead) => [...all, COUNT, -1].forEach((n) => noteRead(n)));
    expect(verdict).toMatchObject({ changed: 2, isPerfect: false });
  });

  test("is not perfect while a record was never acknowledged", () => {
    const ledger = new Ledger();
    ledger.noteInput("k", "v");
    expect(ledger.verdict()).toMatchObject({ acked: 0, lost: 0, isPerfect: false });
  });
});

describe("counting open produce requests on the wire", () => {
  const servers: Server[] = [];
  const sockets: Socket[] = [];
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const server of servers.splice(0)) server.close();
  });

  const frame = (apiKey: number, correlation: number): Buffer => {
    const bytes = Buffer.alloc(20);
    bytes.writeInt32BE(16, 0);
    bytes.writeInt16BE(apiKey, 4);
    bytes.writeInt32BE(correlation, 8);
    return bytes;
  };
  const answer = (correlation: number, bodyBytes: number): Buffer => {
    const bytes = Buffer.alloc(8 + bodyBytes);
    bytes.writeInt32BE(4 + bodyBytes, 0);
    bytes.writeInt32BE(correlation, 4);
    return bytes;
  };

  async function dial(tap: WireTap): Promise<{ port: number; client: Socket; server: Socket }> {
    const server = createServer();
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
    const client = await new Promise<Socket>((resolve) => {
      const socket = tap.factory({ host: "127.0.0.1", port, onConnect: () => resolve(socket) });
    });
    const other = await accepted;
    sockets.push(client, other);
    return { port, client, server: other };
  }

  test("a request counts from its write until its answer, however the answer is cut", async () => {
    const tap = new WireTap();
    const { port, client, server } = await dial(tap);
    const seen: number[] = [];
    tap.onProduce = (at) => seen.push(tap.openAt(at));
    client.write(frame(0, 1));
    client.write(frame(3, 2));
    client.write(frame(0, 3));
    expect(seen).toEqual([1, 2]);
    expect(tap.openAt(port)).toBe(2);
    const bytes = Buffer.concat([answer(1, 100), answer(2, 0)]);
    for (const byte of bytes) server.write(Buffer.of(byte));
    while (tap.openAt(port) > 1) await new Promise((resolve) => client.once("data", resolve));
    server.write(answer(3, 7));
    while (tap.openAt(port) > 0) await new Promise((resolve) => client.once("data", resolve));
    expect(tap.openAt(port)).toBe(0);
  });

  test("a broken connection has nothing open", async () => {
    const tap = new WireTap();
    const { port, client, server } = await dial(tap);
    client.on("error", () => {});
    client.write(frame(0, 1));
    expect(tap.openAt(port)).toBe(1);
    server.destroy();
    await new Promise((resolve) => client.once("close", resolve));
    expect(tap.openAt(port)).toBe(0);
  });
});
