import type { Pair } from "../driver.ts";
import { until } from "../cluster.ts";
import { type Feature, mustBe } from "./feature.ts";

const KEYS = 10;
const ROUNDS = 8;
const DELETED = 3;
/** A segment has a dozen of the records below: those of the last pairs alone fill more than one. */
const SEGMENT_BYTES = 1024;
const LAST = 30;

const keys = Array.from({ length: KEYS }, (_, n) => `key-${n}`);
const inRound = (round: number): Pair[] => keys.map((key) => [key, `${key} in round ${round}`]);
const tombstones: readonly Pair[] = keys.slice(0, DELETED).map((key) => [key, null]);
/** Keys of their own, so that everything before them lies in segments that are closed, and only those are compacted. */
const last: readonly Pair[] = Array.from({ length: LAST }, (_, n) => [`last-${n}`, "no other record of this key"]);

const written: readonly Pair[] = [
  ...Array.from({ length: ROUNDS }, (_, n) => inRound(n)).flat(),
  ...tombstones,
  ...last,
];
/** Of each key the last record: what is left in the end, and nothing else. Tombstones stay for a day. */
const kept: readonly Pair[] = [...inRound(ROUNDS - 1).slice(DELETED), ...tombstones, ...last];

const shown = (pairs: readonly Pair[]): string[] => pairs.map((pair) => JSON.stringify(pair));

export const compacted: Feature = {
  name: "compacted topic",
  what:
    `Creates a topic with cleanup.policy=compact and small segments, writes ${KEYS} keys ${ROUNDS} times, tombstones ` +
    `for ${DELETED} of them, and other keys; the cleaner leaves of each key the last record, and the client reads ` +
    "those.",
  async run({ cluster, driver, topic }) {
    const config = {
      "cleanup.policy": "compact",
      "segment.bytes": `${SEGMENT_BYTES}`,
      "min.cleanable.dirty.ratio": "0.01",
    };
    await driver.run("create", { config });
    await until("the topic is whole", () => cluster.isWhole(topic));
    await driver.run("put", { pairs: written });
    const wanted = shown(kept);
    let left: readonly Pair[] = written;
    await until("of each key one record is left", async () => {
      left = await cluster.pairs(topic);
      return left.length <= kept.length;
    });
    mustBe("another client reads", shown(left), wanted);
    mustBe("the client reads", shown((await driver.run("read", { count: kept.length })).pairs()), wanted);
  },
};
