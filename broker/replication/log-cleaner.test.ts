import { beforeEach, expect, test } from "@jest/globals";
import { TidemarkError } from "../base/errors.ts";
import type { Logger } from "../base/logging.ts";
import { silent } from "../base/logging.ts";
import { FakeClock } from "../base/testing/fake-clock.ts";
import type { Compactor } from "../ports/compactor.ts";
import type { CompactionRequest, CompactionRun, Dirtiness } from "../storage/log-compaction.ts";
import { seededRandom } from "../storage/testing/log-fixture.ts";
import { LogCleaner } from "./log-cleaner.ts";
import type { Replica } from "./replica.ts";

const BACKOFF_MS = 15_000;

/** A partition that is compacted when it is asked, or fails. */
class Partition {
  readonly partition = 0;
  readonly config = { isCompacted: true, minCleanableDirtyRatio: 0.5 };
  readonly highWatermark = 9;
  readonly topic: string;
  need: Dirtiness | null;
  failure: Error | null = null;
  readonly requests: Pick<CompactionRequest, "hashKey" | "keyBytesMax">[] = [];

  constructor(topic: string, ratio: number, isOverdue = false) {
    this.topic = topic;
    this.need = { ratio, isOverdue };
  }

  readonly log = {
    compaction: {
      dirtiness: async (): Promise<Dirtiness | null> => this.need,
      run: async (_: Compactor, request: CompactionRequest): Promise<CompactionRun> => {
        order.push(this.topic);
        if (this.failure !== null) throw this.failure;
        this.requests.push(request);
        this.need = null;
        return { outcome: "done", readBytes: 100, bytesBefore: 60, bytesAfter: 20 };
      },
    },
  };
}

let order: string[];
let clock: FakeClock;
let lines: string[];

beforeEach(() => {
  order = [];
  clock = new FakeClock();
  lines = [];
});

function cleanerOf(partitions: readonly Partition[]): LogCleaner {
  const logger: Logger = { ...silent, error: (message) => lines.push(message) };
  const cleaner = new LogCleaner(
    { clock, random: seededRandom(1), logger },
    {
      compactor: {} as Compactor,
      replicas: () => partitions as unknown as Replica[],
      limits: () => ({ backoffMs: BACKOFF_MS, keyBytesMax: 1000, bytesPerSecond: 1e9 }),
      isLeftAlone: (topic) => topic.startsWith("__"),
    },
  );
  cleaner.start();
  return cleaner;
}

test("the dirtiest partition comes first, an overdue one before it, and one below its ratio not at all", async () => {
  const below = new Partition("below", 0.5);
  const cleaner = cleanerOf([
    new Partition("some", 0.6),
    new Partition("most", 0.9),
    new Partition("late", 0.1, true),
    below,
  ]);
  await clock.advance(BACKOFF_MS);
  expect(order).toEqual(["late", "most", "some"]);
  expect(cleaner.figures).toMatchObject({ runs: 3, bytesRead: 300, bytesRemoved: 120, dirtyRatioMax: 0.5 });
  below.need = { ratio: 0.51, isOverdue: false };
  await clock.advance(BACKOFF_MS - 1);
  expect(order).toHaveLength(3);
  await clock.advance(1);
  expect(order.at(-1)).toBe("below");
});

test("each run hashes under another key", async () => {
  const partition = new Partition("t", 1);
  cleanerOf([partition]);
  await clock.advance(BACKOFF_MS);
  partition.need = { ratio: 1, isOverdue: false };
  await clock.advance(BACKOFF_MS);
  const [first, second] = partition.requests;
  expect(first?.hashKey).not.toEqual(second?.hashKey);
});

test("a partition that fails is left alone for a while with one line; the others go on", async () => {
  const bad = new Partition("bad", 0.9);
  bad.failure = new TidemarkError("LOG_CORRUPT", "bad-0/0.log is damaged at byte 7");
  const good = new Partition("good", 0.6);
  const cleaner = cleanerOf([bad, good]);
  await clock.advance(BACKOFF_MS * 3);
  expect(order).toEqual(["bad", "good"]);
  expect(lines).toEqual(["a partition cannot be compacted"]);
  expect(cleaner.figures).toMatchObject({ failures: 1, uncleanable: 1, runs: 1 });
  bad.failure = null;
  await clock.advance(16 * 60_000);
  expect(order.at(-1)).toBe("bad");
  expect(cleaner.figures).toMatchObject({ failures: 1, uncleanable: 0, runs: 2 });
});

test("what its owner rewrites itself is left alone, and nothing is begun after the end", async () => {
  const partition = new Partition("t", 0.9);
  const deleting = new Partition("deleting", 1);
  deleting.config.isCompacted = false;
  const cleaner = cleanerOf([new Partition("__consumer_offsets", 1), deleting, partition]);
  await clock.advance(BACKOFF_MS);
  expect(order).toEqual(["t"]);
  cleaner.stop();
  partition.need = { ratio: 1, isOverdue: false };
  await clock.advance(BACKOFF_MS * 2);
  expect(order).toEqual(["t"]);
});
