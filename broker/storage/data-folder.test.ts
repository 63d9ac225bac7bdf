import { describe, expect, test } from "@jest/globals";
import { type BrokerId, type Incarnation, type Offset, offset, type TopicId } from "../base/ids.ts";
import { DataFolder } from "./data-folder.ts";
import { encodePartitionMetadata } from "./partition-metadata.ts";
import { MemoryDisk } from "./testing/memory-disk.ts";
import { seededRandom, TOPIC_ID } from "./testing/log-fixture.ts";

const open = (disk: MemoryDisk, options: { clusterId?: string; brokerId?: number } = {}): Promise<DataFolder> =>
  DataFolder.open({
    disk: disk.mount(),
    random: seededRandom(1),
    clusterId: options.clusterId ?? "c1",
    brokerId: (options.brokerId ?? 1) as BrokerId,
  });

const checkpoint = (recoveryPoint: number, logStart: number, highWatermark: number) => ({
  recoveryPoint: offset(recoveryPoint),
  logStart: offset(logStart),
  highWatermark: offset(highWatermark),
  cleanedEnd: offset(0),
});

async function makePartition(disk: MemoryDisk, folder: string, topicId: TopicId = TOPIC_ID): Promise<void> {
  await disk.makeFolder(folder);
  const file = await disk.open(`${folder}/partition.metadata`, { create: true });
  await file!.write([encodePartitionMetadata(topicId)], 0);
}

describe("whose the folder is", () => {
  test("stays: storage id and cluster survive a power cut, another cluster or broker is refused", async () => {
    const disk = new MemoryDisk();
    const { storageId } = await open(disk);
    disk.crash({ losesPageCache: true });
    expect((await open(disk)).storageId).toBe(storageId);
    await expect(open(disk, { clusterId: "c2" })).rejects.toMatchObject({ code: "FOLDER_OF_ANOTHER_CLUSTER" });
    await expect(open(disk, { brokerId: 2 })).rejects.toMatchObject({ code: "FOLDER_OF_ANOTHER_CLUSTER" });
  });

  test("is decided by the first cluster that registers a broker without one", async () => {
    const disk = new MemoryDisk();
    const folder = await open(disk, { clusterId: "" });
    expect(folder.clusterId).toBe("");
    await folder.adopt("c7");
    await expect(folder.adopt("c8")).rejects.toMatchObject({ code: "FOLDER_OF_ANOTHER_CLUSTER" });
    expect((await open(disk, { clusterId: "" })).clusterId).toBe("c7");
  });

  test("unreadable is said, not guessed", async () => {
    const disk = new MemoryDisk();
    await open(disk);
    disk.corrupt("meta.properties", 30);
    disk.contentOf("meta.properties")!.fill(0);
    await expect(open(disk)).rejects.toMatchObject({ code: "LOG_CORRUPT" });
  });
});

describe("how the last process ended", () => {
  test("a clean stop names its incarnation until the next process begins", async () => {
    const disk = new MemoryDisk();
    const first = await open(disk);
    await first.begin();
    expect(first.cleanStopOf).toBeNull();
    await first.markCleanStop("abc" as Incarnation);
    disk.crash({ losesPageCache: true });
    const second = await open(disk);
    expect(second.cleanStopOf).toBe("abc");
    await second.begin();
    disk.crash({ losesPageCache: true });
    expect((await open(disk)).cleanStopOf).toBeNull();
  });

  test("an I/O error is told until a controller has registered the broker", async () => {
    const disk = new MemoryDisk();
    await (await open(disk)).markIoError();
    expect((await open(disk)).hasIoErrorMark).toBe(true);
    await (await open(disk)).adopt("c1");
    expect((await open(disk)).hasIoErrorMark).toBe(false);
  });
});

test("damage of a partition is marked until a controller has registered the broker", async () => {
  const disk = new MemoryDisk();
  const folder = await open(disk);
  await makePartition(disk, "t-0");
  await disk.open("t-0/damaged", { create: true });
  folder.noteDamage("t-0");
  expect(await disk.list("t-0")).toContain("damaged");
  await folder.adopt("c1");
  expect(await disk.list("t-0")).not.toContain("damaged");
});

describe("checkpoints", () => {
  test("come back after a crash, in Kafka's format", async () => {
    const disk = new MemoryDisk();
    const folder = await open(disk);
    await makePartition(disk, "my-topic-3");
    await folder.writeCheckpoints(new Map([["my-topic-3", checkpoint(7, 2, 9)]]));
    const text = new TextDecoder().decode(disk.contentOf("recovery-point-offset-checkpoint")!);
    expect(text).toBe("0\n1\nmy-topic 3 7\n");
    const again = await open(disk);
    expect(again.checkpointOf("my-topic-3")).toEqual(checkpoint(7, 2, 9));
    expect(again.checkpointOf("my-topic-4")).toBeNull();
  });

  test("of a folder that is gone never speak for one made anew", async () => {
    const disk = new MemoryDisk();
    const folder = await open(disk);
    await makePartition(disk, "t-0");
    await folder.writeCheckpoints(new Map([["t-0", checkpoint(7, 0, 7)]]));
    await folder.removePartition("t-0", TOPIC_ID);
    expect(folder.checkpointOf("t-0")).toBeNull();
    await makePartition(disk, "t-0");
    expect((await open(disk)).checkpointOf("t-0")).toBeNull();
  });

  test("of others stay when some are written, and a damaged file counts as none", async () => {
    const disk = new MemoryDisk();
    const folder = await open(disk);
    await makePartition(disk, "t-0");
    await makePartition(disk, "t-1");
    await folder.writeCheckpoints(new Map([["t-0", checkpoint(1, 0, 1)]]));
    await folder.writeCheckpoints(new Map([["t-1", checkpoint(2, 0, 2)]]));
    expect((await open(disk)).checkpointOf("t-0")?.recoveryPoint).toBe(1);
    disk.corrupt("recovery-point-offset-checkpoint", 2);
    expect((await open(disk)).checkpointOf("t-0")?.recoveryPoint).toBe(0 as Offset);
  });

  test("of the cleaner name partitions that were compacted only", async () => {
    const disk = new MemoryDisk();
    const folder = await open(disk);
    await makePartition(disk, "t-0");
    await makePartition(disk, "t-1");
    await folder.writeCheckpoints(new Map([["t-0", checkpoint(9, 0, 9)]]));
    expect(disk.contentOf("cleaner-offset-checkpoint")).toBeNull();
    await folder.writeCheckpoints(new Map([["t-1", { ...checkpoint(9, 0, 9), cleanedEnd: 5 as Offset }]]));
    expect(new TextDecoder().decode(disk.contentOf("cleaner-offset-checkpoint")!)).toBe("0\n1\nt 1 5\n");
    const again = await open(disk);
    expect([again.checkpointOf("t-0")?.cleanedEnd, again.checkpointOf("t-1")?.cleanedEnd]).toEqual([0, 5]);
  });
});

describe("partition folders", () => {
  test("are listed with their topic ids; those set aside are kept and not listed", async () => {
    const disk = new MemoryDisk();
    const folder = await open(disk);
    await makePartition(disk, "a.b-c-12");
    await makePartition(disk, "t-0");
    await disk.makeFolder("u-1");
    expect((await folder.partitions()).map(({ topic, partition, topicId }) => [topic, partition, topicId])).toEqual([
      ["a.b-c", 12, TOPIC_ID],
      ["t", 0, TOPIC_ID],
      ["u", 1, null],
    ]);
    const first = await folder.setAside("t-0", TOPIC_ID);
    await makePartition(disk, "t-0");
    const second = await folder.setAside("t-0", TOPIC_ID);
    expect([first, second]).toEqual([`t-0.${TOPIC_ID}.stray`, `t-0.${TOPIC_ID}.2.stray`]);
    expect(await folder.partitions()).toHaveLength(2);
    expect(await disk.list("")).toEqual(expect.arrayContaining([first, second]));
  });

  test("a removal that a crash interrupted is completed at the next start", async () => {
    const disk = new MemoryDisk();
    const folder = await open(disk);
    await makePartition(disk, "t-0");
    disk.onStep = (step) => {
      if (step.startsWith("remove")) throw new Error("killed");
    };
    await expect(folder.removePartition("t-0", TOPIC_ID)).rejects.toThrow("killed");
    disk.onStep = () => undefined;
    disk.crash({ losesPageCache: false });
    await open(disk);
    expect((await disk.list("")).filter((name) => name.startsWith("t-0"))).toEqual([]);
  });
});
