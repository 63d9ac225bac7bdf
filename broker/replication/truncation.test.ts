import { describe, expect, test } from "@jest/globals";
import { below, type Random } from "../base/random.ts";
import type { LeaderEpoch, Offset } from "../base/ids.ts";
import type { EpochEnd } from "../storage/leader-epoch-cache.ts";
import { alignmentOf } from "./alignment.ts";
import { truncationPoint } from "./truncation.ts";

/** A log as the list of its records' epochs: record i stands at offset `start + i`. */
class Model {
  start = 0;
  epochs: number[];
  constructor(epochs: number[], start = 0) {
    this.epochs = epochs;
    this.start = start;
  }
  get logStart(): Offset {
    return this.start as Offset;
  }
  get logEnd(): Offset {
    return (this.start + this.epochs.length) as Offset;
  }
  get lastEpoch(): LeaderEpoch {
    return (this.epochs.at(-1) ?? -1) as LeaderEpoch;
  }
  endOffsetFor(epoch: number, own = this.epochs.at(-1) ?? -1): EpochEnd {
    const answer = (e: number, end: number) => ({ epoch: e as LeaderEpoch, endOffset: end as Offset });
    if (epoch > own || (this.epochs.length === 0 && epoch !== own)) return answer(-1, -1);
    if (epoch === own) return answer(epoch, this.logEnd);
    const first = this.epochs.findIndex((one) => one > epoch);
    const below = this.epochs.filter((one) => one <= epoch);
    const end = first < 0 ? this.logEnd : this.start + first;
    return answer(below.at(-1) ?? epoch, end);
  }
}

/** Runs the conversation of an opening to its end; answers how many openings it took. */
function converge(leader: Model, leaderEpoch: number, follower: Model): number {
  for (let openings = 1; openings < 50; openings++) {
    const answer = alignmentOf(
      {
        copyStart: leader.logStart,
        logEnd: leader.logEnd,
        firstEpoch: (leader.epochs[0] ?? leaderEpoch) as LeaderEpoch,
        lastEpoch: leaderEpoch as LeaderEpoch,
        endOffsetFor: (epoch) => leader.endOffsetFor(epoch, leaderEpoch),
      },
      follower,
    );
    if (answer.kind === "aligned") return openings;
    if (answer.kind === "restart") {
      follower.start = answer.copyStart;
      follower.epochs = [];
      continue;
    }
    const ownEnd = follower.endOffsetFor(answer.end.epoch);
    const { logStart, logEnd } = follower;
    const cut = truncationPoint({ logStart, logEnd, highWatermark: 0 as Offset, ownEnd }, answer.end);
    expect(cut.offset).toBeLessThan(logEnd);
    follower.epochs.length = cut.offset - follower.start;
  }
  throw new Error("the follower never agrees with its leader");
}

describe("a follower that opens", () => {
  test("stays as it is when its log is a prefix of the leader's", () => {
    const follower = new Model([1, 1, 2]);
    expect(converge(new Model([1, 1, 2, 2, 3]), 3, follower)).toBe(1);
    expect(follower.epochs).toEqual([1, 1, 2]);
  });

  test("cuts what an older leader left behind, also below its high watermark's usual place", () => {
    const follower = new Model([1, 1, 2, 2, 2]);
    converge(new Model([1, 1, 2, 4, 4]), 4, follower);
    expect(follower.epochs).toEqual([1, 1, 2]);
  });

  test("cuts to its own lower epoch when it has none of the leader's", () => {
    const follower = new Model([1, 1, 3, 3]);
    converge(new Model([1, 1, 1, 2, 2]), 5, follower);
    expect(follower.epochs).toEqual([1, 1]);
  });

  test("is cut by a leader that has not written anything in its epoch yet", () => {
    const follower = new Model([1, 1, 1]);
    converge(new Model([1]), 2, follower);
    expect(follower.epochs).toEqual([1]);
  });

  test("starts at the leader's log start when it ends below it or has no common epoch", () => {
    const below = new Model([1, 1]);
    converge(new Model([3, 3], 10), 3, below);
    expect([below.start, below.epochs]).toEqual([10, []]);
    const other = new Model(new Array(20).fill(1));
    converge(new Model([3, 3], 10), 3, other);
    expect([other.start, other.epochs]).toEqual([10, []]);
  });

  test("with an empty log beyond the leader's end starts anew", () => {
    const follower = new Model([], 30);
    converge(new Model([3, 3], 10), 3, follower);
    expect(follower.start).toBe(10);
  });

  test("says when a cut takes what was committed", () => {
    const end = { epoch: 2 as LeaderEpoch, endOffset: 5 as Offset };
    const follower = { logStart: 0 as Offset, logEnd: 9 as Offset, ownEnd: { ...end, endOffset: 9 as Offset } };
    expect(truncationPoint({ ...follower, highWatermark: 6 as Offset }, end)).toEqual({ offset: 5, isLoss: true });
    expect(truncationPoint({ ...follower, highWatermark: 5 as Offset }, end)).toEqual({ offset: 5, isLoss: false });
  });

  test("ends with a prefix of the leader's log, whatever both were, in at most one opening for each epoch", () => {
    const random = lcg(11);
    for (let round = 0; round < 3000; round++) {
      const [leader, follower] = divergedLogs(random);
      const newest = Math.max(...leader.epochs, 0);
      // Nobody leads in an epoch in which another has led.
      const leaderEpoch = Math.max(newest + below(random, 2), Math.max(...follower.epochs.map((one) => one + 1), 0));
      const epochs = new Set(follower.epochs).size;
      expect(converge(leader, leaderEpoch, follower)).toBeLessThanOrEqual(epochs + 3);
      follower.epochs.forEach((epoch, at) => {
        const offset = follower.start + at;
        if (offset >= leader.start) expect(leader.epochs[offset - leader.start]).toBe(epoch);
      });
    }
  });
});

/** Two logs with a common history of which each then went on under other leaders: an epoch belongs to one branch. */
function divergedLogs(random: Random): [Model, Model] {
  let epoch = 0;
  const run = (): number[] => new Array(below(random, 4)).fill(epoch);
  const shared: number[] = [];
  for (let at = below(random, 3); at > 0; at--, epoch++) shared.push(...run());
  const [a, b] = [[...shared], [...shared]];
  for (let at = below(random, 6); at > 0; at--, epoch++) (random.next() < 0.5 ? a : b).push(...run());
  const leader = new Model(a);
  const cut = random.next() < 0.3 ? below(random, a.length + 1) : 0;
  leader.start = cut;
  leader.epochs = a.slice(cut);
  return [leader, new Model(b)];
}

function lcg(seed: number): Random {
  let state = seed;
  return {
    next: () => {
      state = (state * 1103515245 + 12345) % 2147483648;
      return state / 2147483648;
    },
    id: () => "",
  };
}
