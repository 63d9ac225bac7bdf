import { expect, test } from "@jest/globals";
import type { DiskFile } from "../../../broker/ports/disk.ts";
import { Device, SimulatedDisk } from "./disk.ts";
import { Machine, SimulatedProcess } from "./process.ts";
import { SeededRandom } from "./random.ts";
import { Scheduler } from "./scheduler.ts";
import { Volume } from "./volume.ts";

function world(seed = 1) {
  const random = new SeededRandom(seed, "test");
  const scheduler = new Scheduler(random);
  const volume = new Volume();
  const machine = new Machine({ name: "m", bootId: "b", skewMs: 0 });
  const process = new SimulatedProcess(scheduler, { name: "p", host: 0, machine });
  const device = new Device(random.split("device"));
  const disk = new SimulatedDisk(scheduler, process, { volume, device });
  /** Runs the world until the promise settles. */
  async function settle<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const mark = (): void => {
      isSettled = true;
    };
    promise.then(mark, mark);
    while (!isSettled) {
      await new Promise((resolve) => setImmediate(resolve));
      if (!isSettled) scheduler.step();
    }
    return promise;
  }
  return { scheduler, volume, disk, device, process, random, settle };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (content: Uint8Array | undefined): string => new TextDecoder().decode(content);

async function create(one: ReturnType<typeof world>, path: string): Promise<DiskFile> {
  const file = await one.settle(one.disk.open(path, { create: true }));
  if (file === null) throw new Error("not created");
  return file;
}

test("what was synced survives a loss of power, what was only written does not", async () => {
  const one = world();
  const file = await create(one, "a.log");
  await one.settle(file.write([bytes("safe")], 0));
  await one.settle(file.sync());
  await one.settle(one.disk.syncFolder(""));
  await one.settle(file.write([bytes("gone")], 4));
  expect(text(one.volume.file("a.log")?.content)).toBe("safegone");
  one.volume.losePower({ random: one.random, keptShare: 0 });
  expect(text(one.volume.file("a.log")?.content)).toBe("safe");
});

test("a loss of power takes or keeps unsynced sectors of 512 bytes one by one", async () => {
  const one = world(7);
  const file = await create(one, "a.log");
  await one.settle(one.disk.syncFolder(""));
  await one.settle(file.write([new Uint8Array(64 * 512).fill(1)], 0));
  one.volume.losePower({ random: one.random, keptShare: 0.5 });
  const content = one.volume.file("a.log")?.content ?? new Uint8Array(0);
  const sectors = Array.from({ length: content.length / 512 }, (_, place) =>
    content.subarray(place * 512, place * 512 + 512),
  );
  expect(sectors.every((sector) => sector.every((byte) => byte === sector[0]))).toBe(true);
  expect(sectors.some((sector) => sector[0] === 0)).toBe(true);
  expect(sectors.some((sector) => sector[0] === 1)).toBe(true);
});

test("a file whose name was not synced is gone after a loss of power, and a rename comes undone", async () => {
  const one = world();
  const file = await create(one, "old");
  await one.settle(file.write([bytes("x")], 0));
  await one.settle(file.sync());
  await one.settle(one.disk.syncFolder(""));
  await create(one, "new");
  await one.settle(one.disk.rename("old", "renamed"));
  one.volume.losePower({ random: one.random, keptShare: 0 });
  expect([...one.volume.root.entries.keys()]).toEqual(["old"]);
});

test("a sync covers what was written before it began, and nothing later", async () => {
  const one = world();
  const file = await create(one, "a.log");
  await one.settle(one.disk.syncFolder(""));
  await one.settle(file.write([bytes("first")], 0));
  one.device.stalledUntilUs = one.scheduler.nowUs + 10_000;
  const syncing = file.sync();
  one.device.stalledUntilUs = 0;
  await one.settle(file.write([bytes("later")], 5));
  await one.settle(syncing);
  one.volume.losePower({ random: one.random, keptShare: 0 });
  expect(text(one.volume.file("a.log")?.content)).toBe("first");
});

test("a full disk fails writes with DISK_FULL", async () => {
  const one = world();
  const file = await create(one, "a.log");
  one.device.isFull = true;
  await expect(one.settle(file.write([bytes("x")], 0))).rejects.toMatchObject({ code: "DISK_FULL" });
});

test("the operations of a process that ended never complete", async () => {
  const one = world();
  const file = await create(one, "a.log");
  let isDone = false;
  void file.write([bytes("x")], 0).then(() => {
    isDone = true;
  });
  one.process.end();
  while (one.scheduler.step()) await new Promise((resolve) => setImmediate(resolve));
  expect(isDone).toBe(false);
});
