import { describe, expect, test } from "@jest/globals";
import type { BrokerId, Offset, TopicId } from "../base/ids.ts";
import type { IsrProposal, IsrRefused } from "../contract/control.ts";
import { nextHighWatermark } from "./high-watermark.ts";
import { highWatermarkMembers } from "./high-watermark-members.ts";
import { afterRefusal, committedIsr, type IsrState, maximalIsr, resent } from "./isr-state.ts";
import { afterSilence } from "./unanswered-proposal.ts";

const at = (value: number): Offset => value as Offset;
const ids = (...values: number[]): BrokerId[] => values as BrokerId[];
const topicId = "0".repeat(31).concat("1") as TopicId;
const proposal = { type: "isrProposal", topicId, partition: 0, leaderEpoch: 3, partitionEpoch: 9, isr: [], attempt: 5 };
const refusal = (attempt: number): IsrRefused =>
  ({ ...proposal, type: "isrRefused", attempt, reason: "fenced" }) as unknown as IsrRefused;
const expanding: IsrState = {
  kind: "pendingExpand",
  isr: ids(1, 2),
  added: ids(3),
  proposal: proposal as unknown as IsrProposal,
  sentAtMs: 0,
};
const shrinking: IsrState = { ...expanding, kind: "pendingShrink", removed: ids(2) } as unknown as IsrState;

describe("the ISR as its leader sees it", () => {
  test("counts proposed additions already, and proposed removals still", () => {
    expect(maximalIsr(committedIsr(ids(1, 2)))).toEqual([1, 2]);
    expect(maximalIsr(expanding)).toEqual([1, 2, 3]);
    expect(maximalIsr(shrinking)).toEqual([1, 2]);
  });

  test("keeps a proposal until the newest sending of it is refused", () => {
    expect(afterRefusal(expanding, refusal(4))).toBe(expanding);
    expect(afterRefusal(expanding, refusal(5))).toEqual(committedIsr(ids(1, 2)));
    const again = resent(expanding as Exclude<IsrState, { kind: "committed" }>, { attempt: 6, nowMs: 10 });
    expect(afterRefusal(again, refusal(5))).toBe(again);
    expect(afterRefusal(again, refusal(6)).kind).toBe("committed");
  });

  test("keeps a proposal that is not answered", () => {
    expect(maximalIsr(afterSilence(expanding))).toEqual([1, 2, 3]);
  });

  test("bounds the high watermark with those about to join, each once", () => {
    expect(highWatermarkMembers(expanding, ids(3, 4))).toEqual([1, 2, 3, 4]);
    expect(highWatermarkMembers(committedIsr(ids(1, 2)), [])).toEqual([1, 2]);
  });
});

describe("the high watermark", () => {
  const input = { previous: at(10), leaderEnd: at(50), followerEnds: [at(40), at(30)], isrSize: 3, minIsr: 2 };

  test("is the least log end", () => {
    expect(nextHighWatermark(input)).toBe(30);
    expect(nextHighWatermark({ ...input, leaderEnd: at(20) })).toBe(20);
    expect(nextHighWatermark({ ...input, followerEnds: [] })).toBe(50);
  });

  test("never falls", () => {
    expect(nextHighWatermark({ ...input, previous: at(35) })).toBe(35);
  });

  test("waits for a member that gave no log end in this epoch", () => {
    expect(nextHighWatermark({ ...input, followerEnds: [at(40), null] })).toBe(10);
  });

  test("stands still while the ISR is below minIsr", () => {
    expect(nextHighWatermark({ ...input, isrSize: 1 })).toBe(10);
  });
});
