import { describe, expect, test } from "@jest/globals";
import { controllerEpoch } from "#base/ids.ts";
import type { MetadataVersion } from "#contract/rows.ts";
import { type History, isForeign, withEnd } from "./history.ts";

const version = (epoch: number, sequence: number): MetadataVersion => ({
  controllerEpoch: controllerEpoch(epoch),
  sequence,
});
const EMPTY: History = { floor: controllerEpoch(0), ends: [] };

describe("history of a store", () => {
  const history = withEnd(withEnd(EMPTY, version(1, 11)), version(2, 0));
  const state = { history, version: version(3, 5) };

  test.each([version(1, 11), version(2, 0), version(3, 5), version(3, 0)])("%j was told by this store", (told) => {
    expect(isForeign(told, state)).toBe(false);
  });

  test.each([version(1, 12), version(2, 1), version(3, 6), version(4, 0), version(0, 3)])(
    "%j was never told by this store",
    (told) => {
      expect(isForeign(told, state)).toBe(true);
    },
  );

  test("after very many takeovers the oldest are not looked at any more", () => {
    let long = EMPTY;
    for (let epoch = 1; epoch <= 1500; epoch++) long = withEnd(long, version(epoch, 7));
    const now = { history: long, version: version(1501, 0) };
    expect(long.ends).toHaveLength(1000);
    expect(isForeign(version(3, 999), now)).toBe(false);
    expect(isForeign(version(1400, 8), now)).toBe(true);
  });
});
