import { describe, expect, test } from "@jest/globals";
import { type LeaderEpoch, NO_TOPIC_ID, type Offset } from "../base/ids.ts";
import { CommittedOffsets } from "./committed-offsets.ts";
import type { CommittedOffset } from "./group-records.ts";
import { PendingOffsets } from "./pending-offsets.ts";

const value = (offset: number): CommittedOffset => ({
  offset: offset as Offset,
  leaderEpoch: 0 as LeaderEpoch,
  metadata: "",
  commitTimestamp: 0,
  topicId: NO_TOPIC_ID,
});
const at = (topic: string, partition = 0) => ({ topic, partition });

describe("offsets that stand in the log and do not count yet", () => {
  test("go before what counts, and a deletion before both", () => {
    const [committed, pending] = [new CommittedOffsets(), new PendingOffsets()];
    committed.set(at("a"), value(1));
    committed.set(at("b"), value(2));
    pending.add(at("a"), value(3));
    pending.add(at("b"), null);
    pending.add(at("c"), value(4));
    const told = [...pending.over(committed)].map(([{ topic }, one]) => [topic, one?.offset ?? null]);
    expect(told).toEqual([
      ["a", 3],
      ["b", null],
      ["c", 4],
    ]);
  });

  test("are not missed when they come to count between two pulls, nor told as they were", () => {
    const [committed, pending] = [new CommittedOffsets(), new PendingOffsets()];
    const [first, later] = [value(7), value(8)];
    committed.set(at("a"), value(1));
    committed.set(at("b"), value(2));
    pending.add(at("b"), first);
    pending.add(at("new"), first);
    const standing = pending.over(committed);
    expect(standing.next().value).toEqual([at("a"), value(1)]);
    for (const topic of ["b", "new"]) {
      pending.remove(at(topic), first);
      committed.set(at(topic), first);
    }
    pending.add(at("new"), later);
    expect([...standing]).toEqual([
      [at("b"), first],
      [at("new"), later],
    ]);
  });

  test("are forgotten by the last append that says the same, and not by an older one", () => {
    const [committed, pending] = [new CommittedOffsets(), new PendingOffsets()];
    const [old, now] = [value(1), value(2)];
    pending.add(at("a"), old);
    pending.add(at("a"), now);
    pending.remove(at("a"), old);
    expect([...pending.over(committed)]).toEqual([[at("a"), now]]);
    pending.add(at("a"), now);
    pending.remove(at("a"), now);
    expect([...pending.over(committed)]).toEqual([[at("a"), now]]);
    pending.remove(at("a"), now);
    expect([...pending.over(committed)]).toEqual([]);
  });
});
