import { describe, expect, test } from "@jest/globals";
import { settleMembership } from "./elr.ts";
import { withMinIsr } from "./min-isr-change.ts";
import { ids, rowWith } from "./testing/rows.ts";

describe("eligible leader replicas", () => {
  test("while enough are in sync nobody else is eligible", () => {
    const row = rowWith({ isr: ids(1), elr: ids(2), lost: ids(3) });
    expect(settleMembership(row, { isr: ids(1, 2) })).toEqual({ isr: ids(1, 2), elr: [], lost: [] });
  });

  test("who leaves an ISR that falls below its minimum stays eligible", () => {
    expect(settleMembership(rowWith(), { isr: ids(2) })).toEqual({ isr: ids(2), elr: ids(1, 3), lost: [] });
  });

  test("who left before the ISR fell below its minimum is not eligible", () => {
    const row = rowWith({ isr: ids(1, 2) });
    expect(settleMembership(row, { isr: ids(2) })).toEqual({ isr: ids(2), elr: ids(1), lost: [] });
  });

  test("the last member that dies stands in the ELR", () => {
    const row = rowWith({ isr: ids(3), elr: ids(1), minIsr: 2 });
    expect(settleMembership(row, { isr: [] })).toEqual({ isr: [], elr: ids(1, 3), lost: [] });
    expect(settleMembership(rowWith({ isr: ids(3), minIsr: 1 }), { isr: [] })).toEqual({
      isr: [],
      elr: ids(3),
      lost: [],
    });
  });

  test("an eligible replica that joins the ISR again is only there", () => {
    const row = rowWith({ isr: ids(1), elr: ids(2, 3), minIsr: 3 });
    expect(settleMembership(row, { isr: ids(1, 2) })).toEqual({ isr: ids(1, 2), elr: ids(3), lost: [] });
  });

  test("who lost its page cache leaves both lists and is remembered as lost", () => {
    const row = rowWith({ isr: [], elr: ids(1, 2) });
    expect(settleMembership(row, { isr: [], notWhole: ids(2) })).toEqual({ isr: [], elr: ids(1), lost: ids(2) });
  });

  test("who lost its page cache without having been eligible is not remembered", () => {
    const row = rowWith({ isr: [], elr: ids(1) });
    expect(settleMembership(row, { isr: [], notWhole: ids(3) })).toEqual({ isr: [], elr: ids(1), lost: [] });
  });

  test("who came back with another disk leaves every list, even the last", () => {
    const row = rowWith({ isr: [], elr: [], lost: ids(2) });
    expect(settleMembership(row, { isr: [], gone: ids(2) })).toEqual({ isr: [], elr: [], lost: [] });
    expect(settleMembership(rowWith({ isr: ids(1), minIsr: 1 }), { isr: ids(1), gone: ids(1) }).isr).toEqual([]);
  });

  test("a lost replica that caught up and joins is lost no more", () => {
    const row = rowWith({ isr: ids(1), lost: ids(2), minIsr: 3 });
    expect(settleMembership(row, { isr: ids(1, 2) })).toEqual({ isr: ids(1, 2), elr: [], lost: [] });
  });
});

describe("a change of minIsr", () => {
  test("leaves nobody eligible outside the ISR", () => {
    const row = rowWith({ isr: ids(1), elr: ids(2), lost: ids(3) });
    expect(withMinIsr(row, 1)).toMatchObject({ minIsr: 1, isr: ids(1), elr: [], lost: [] });
  });

  test("keeps them while nobody is in sync: nothing can be committed meanwhile", () => {
    const row = rowWith({ isr: [], elr: ids(2), lost: ids(3) });
    expect(withMinIsr(row, 1)).toMatchObject({ minIsr: 1, elr: ids(2), lost: ids(3) });
  });
});
