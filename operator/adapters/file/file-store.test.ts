import { describe, expect, test } from "@jest/globals";
import { isTidemarkError } from "#base/errors.ts";
import { controllerEpoch } from "#base/ids.ts";
import { silent } from "#base/logging.ts";
import type { Random } from "#base/random.ts";
import type { MetadataVersion } from "#contract/rows.ts";
import { MemoryDisk } from "../../../broker/storage/testing/memory-disk.ts";
import type { Change } from "../../machine/changes.ts";
import type { MetadataStore } from "../../ports/metadata-store.ts";
import { FileStore } from "./file-store.ts";

const version = (sequence: number): MetadataVersion => ({ controllerEpoch: controllerEpoch(1), sequence });
const FIRST: MetadataVersion = { controllerEpoch: controllerEpoch(0), sequence: 0 };

/** A sequence of its own, so that the state tells how many commits made it; long enough for several sectors. */
const changesOf = (sequence: number): Change[] => [
  { kind: "nextProducerId", value: sequence * 1000 },
  {
    kind: "brokerConfig",
    row: { broker: "", config: { [`key-${sequence % 3}`]: "x".repeat((sequence * 211) % 1300) } },
  },
];

async function commit(store: MetadataStore, sequence: number): Promise<string> {
  const expected = sequence === 1 ? FIRST : version(sequence - 1);
  return store.commit({ expected, version: version(sequence), writer: "w", changes: changesOf(sequence) });
}

async function filled(count: number): Promise<{ disk: MemoryDisk; ends: number[] }> {
  const disk = new MemoryDisk();
  const store = new FileStore({ disk, logger: silent });
  await store.load();
  const ends = [0];
  for (let sequence = 1; sequence <= count; sequence++) {
    expect(await commit(store, sequence)).toBe("committed");
    ends.push(disk.contentOf("journal")!.length);
  }
  await store.close();
  return { disk, ends };
}

const loadedFrom = (disk: MemoryDisk) => new FileStore({ disk, logger: silent }).load();

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "fine";
  } catch (error) {
    return isTidemarkError(error) ? error.code : String(error);
  }
}

async function journalOf(content: Uint8Array): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const file = await disk.open("journal", { create: true });
  await file!.write([content], 0);
  await file!.sync();
  await file!.close();
  return disk;
}

/** Numbers that only depend on the seed. */
function seeded(seed: number): Random {
  let state = seed * 2654435761 + 1;
  return {
    next() {
      state = (state * 1664525 + 1013904223) % 4294967296;
      return state / 4294967296;
    },
    id: () => "0".repeat(32),
  };
}

describe("file store", () => {
  test("a new folder holds the empty state, and what is committed is there after a restart", async () => {
    const { disk } = await filled(5);
    const loaded = await loadedFrom(disk);
    expect(loaded).toMatchObject({ version: version(5), writer: "w", state: { nextProducerId: 5000 } });
    expect((await loadedFrom(new MemoryDisk())).version).toEqual(FIRST);
  });

  test("a write that expects another version changes nothing", async () => {
    const disk = new MemoryDisk();
    const store = new FileStore({ disk, logger: silent });
    await store.load();
    expect(await commit(store, 1)).toBe("committed");
    expect(await commit(store, 1)).toBe("conflict");
    expect(await commit(store, 3)).toBe("conflict");
    expect((await loadedFrom(disk)).version).toEqual(version(1));
  });

  test("cut off anywhere, the journal gives every whole record and drops the unfinished one", async () => {
    const { disk, ends } = await filled(6);
    const journal = disk.contentOf("journal")!.slice();
    for (let length = 0; length <= journal.length; length++) {
      const cut = await journalOf(journal.slice(0, length));
      const whole = ends.filter((end) => end <= length).length - 1;
      const { state } = await loadedFrom(cut);
      expect(state.nextProducerId).toBe(whole * 1000);
      expect(cut.contentOf("journal")!.length).toBe(ends[whole]);
    }
  });

  test("a flipped bit anywhere, in the last record too, is never taken for an unfinished write", async () => {
    const { disk } = await filled(3);
    const journal = disk.contentOf("journal")!.slice();
    for (let at = 0; at < journal.length; at++) {
      const flipped = journal.slice();
      flipped[at] = flipped[at]! ^ (1 << (at % 8));
      expect(await codeOf(loadedFrom(await journalOf(flipped)))).toBe("STORE_CORRUPT");
    }
  });

  test("a record that is missing in the middle is seen", async () => {
    const { disk, ends } = await filled(4);
    const journal = disk.contentOf("journal")!;
    const without = new Uint8Array([...journal.subarray(0, ends[1]), ...journal.subarray(ends[2])]);
    expect(await codeOf(loadedFrom(await journalOf(without)))).toBe("STORE_CORRUPT");
    const beheaded = journal.slice(ends[1]);
    expect(await codeOf(loadedFrom(await journalOf(beheaded)))).toBe("STORE_CORRUPT");
  });

  test("a damaged snapshot is not taken for none", async () => {
    const disk = new MemoryDisk();
    const store = new FileStore({ disk, logger: silent }, { journalBytesMin: 100 });
    await store.load();
    for (let sequence = 1; sequence <= 5; sequence++) await commit(store, sequence);
    await store.close();
    expect((await loadedFrom(disk)).version).toEqual(version(5));
    disk.corrupt("snapshot", 40);
    expect(await codeOf(loadedFrom(disk))).toBe("STORE_CORRUPT");
  });

  test("whatever step of the disk is the last before a power cut, nothing committed is lost", async () => {
    for (let lastStep = 0, isOver = false; !isOver; lastStep++) {
      const disk = new MemoryDisk();
      let step = 0;
      isOver = true;
      disk.onStep = () => {
        if (step++ < lastStep) return;
        isOver = false;
        throw new Error("the power is cut here");
      };
      let committed = 0;
      try {
        const store = new FileStore({ disk, logger: silent }, { journalBytesMin: 2000 });
        await store.load();
        for (let sequence = 1; sequence <= 12; sequence++) {
          await commit(store, sequence);
          committed = sequence;
        }
        await store.close();
      } catch {
        // The process ended in the middle of whatever it did.
      }
      disk.onStep = () => {};
      disk.crash({ losesPageCache: true, random: seeded(lastStep) });
      const { state } = await loadedFrom(disk);
      const found = state.nextProducerId / 1000;
      expect(found).toBeGreaterThanOrEqual(committed);
      expect(found).toBeLessThanOrEqual(committed + 1);
    }
  });

  test("a full disk leaves the outcome open, and the same write lands once there is space", async () => {
    const disk = new MemoryDisk();
    const store = new FileStore({ disk, logger: silent });
    await store.load();
    await commit(store, 1);
    disk.capacityBytes = disk.contentOf("journal")!.length + 10;
    expect(await commit(store, 2)).toBe("unknown");
    expect((await loadedFrom(disk)).version).toEqual(version(1));
    disk.capacityBytes = 1e6;
    expect(await commit(store, 2)).toBe("committed");
    expect((await loadedFrom(disk)).version).toEqual(version(2));
  });

  test("a failed sync is not tried again: the process must end", async () => {
    const disk = new MemoryDisk();
    const store = new FileStore({ disk, logger: silent });
    await store.load();
    disk.failNextSync = true;
    expect(await codeOf(commit(store, 1))).toBe("DISK_FAILED");
  });
});
