import { describe, expect, test } from "@jest/globals";
import { buildBatch } from "../../wire/record-batch-builder.ts";
import { stampPosition } from "../../wire/record-batch.ts";
import { type Chunk, chunkOf } from "./chunk.ts";
import { eventId, eventStyle, lineStyle, positionsIn, type ReaderPlace } from "./reader-style.ts";

function batchAt(baseOffset: number, values: readonly string[], options = {}): Buffer {
  const batch = buildBatch(
    values.map((value) => ({ value, timestamp: 7 })),
    options,
  );
  stampPosition(batch, 0, { baseOffset: baseOffset as never, leaderEpoch: 1 as never });
  return batch;
}

const chunk = (...batches: Buffer[]): Chunk =>
  chunkOf(Buffer.concat(batches), { partition: 2, from: 10, format: "json" });

const placeOf = (isWhole: boolean): ReaderPlace => ({
  isWhole,
  partitions: isWhole ? [0, 1, 2] : [2],
  positions: isWhole ? [4, 5, 10] : [10],
});

describe("a chunk", () => {
  test("begins at the record that is asked for, though its batch begins before", () => {
    const made = chunk(batchAt(8, ["1", "2", "3"]), batchAt(11, ["4"], { compression: "gzip" }));
    expect(made.lines.toString()).toBe(
      '{"partition":2,"offset":10,"timestamp":7,"key":null,"value":3}\n' +
        '{"partition":2,"offset":11,"timestamp":7,"key":null,"value":4}\n',
    );
    expect([made.count, made.next, made.countBefore(11), made.countBefore(12)]).toEqual([2, 12, 1, 2]);
  });

  test("passes over what is not for readers", () => {
    const made = chunk(batchAt(10, ["1"], { isControl: true }));
    expect([made.count, made.next]).toEqual([0, 11]);
  });

  test("ends early where its words grow beyond bounds, and goes on from there", () => {
    const made = chunk(
      batchAt(
        10,
        Array.from({ length: 5 }, () => JSON.stringify("x".repeat(100_000))),
      ),
    );
    expect([made.count, made.next]).toEqual([3, 13]);
  });

  test("of ends of lines within JSON makes blanks", () => {
    expect(chunk(batchAt(10, ['{"a":\r\n1,\n"b":"c"}'])).lines.toString()).toContain('"value":{"a": 1, "b":"c"}}\n');
  });
});

describe("events", () => {
  const made = chunk(batchAt(10, ["1", "2"]));

  test("of one partition name it and the place behind them", () => {
    const place = placeOf(false);
    const events = eventStyle.records(made, 2, { place, index: 0 }).toString();
    expect(events.split("\n\n").map((event) => event.split("\n")[0])).toEqual(["id: 2:11", "id: 2:12", ""]);
    expect(place.positions).toEqual([12]);
  });

  test("of all partitions name the place in each", () => {
    const place = placeOf(true);
    const events = eventStyle.records(made, 1, { place, index: 2 }).toString();
    expect(events).toMatch(/^id: 4\.5\.11\ndata: \{"partition":2,"offset":10,.*\}\n\n$/);
    expect(eventId(place)).toBe("4.5.11");
  });

  test("are the same bytes for readers at the same place", () => {
    const [one, other] = [placeOf(true), placeOf(true)];
    const first = eventStyle.records(made, 2, { place: one, index: 2 });
    expect(eventStyle.records(made, 2, { place: other, index: 2 })).toBe(first);
    expect(other.positions).toEqual(one.positions);
    const elsewhere = { ...placeOf(true), positions: [9, 5, 10] };
    expect(eventStyle.records(made, 2, { place: elsewhere, index: 2 }).toString()).toContain("id: 9.5.11");
  });

  test("begin with an id, so that a client that saw none comes back to the same place", () => {
    expect(eventStyle.opening(placeOf(true))).toBe("retry: 1000\nid: 4.5.10\n\n");
  });
});

test("lines stop within a chunk where the reader stops", () => {
  const place = placeOf(false);
  const lines = lineStyle.records(chunk(batchAt(10, ["1", "2"])), 1, { place, index: 0 });
  expect(lines.toString()).toMatch(/^\{.*"offset":10,.*\}\n$/);
  expect(place.positions).toEqual([11]);
});

describe("the id of an event", () => {
  const whole = { isWhole: true, partitions: [0, 1, 2] };
  const one = { isWhole: false, partitions: [2] };

  test("leads back to its place", () => {
    expect(positionsIn("4.5.11", whole)).toEqual([4, 5, 11]);
    expect(positionsIn("2:11", one)).toEqual([11]);
  });

  test("of before a topic got more partitions begins those at their beginning", () => {
    expect(positionsIn("4.5", whole)).toEqual([4, 5, 0]);
  });

  test.each(["", "x", "1.2.3.4", "1..2", "-1", "2:11", "9".repeat(16), "1.".repeat(3000)])("%j is none of all", (id) =>
    expect(positionsIn(id, whole)).toBeNull(),
  );

  test.each(["", "11", "1:11", "2:", "2:x", "2:1.2", `2:${"9".repeat(16)}`])("%j is none of partition 2", (id) =>
    expect(positionsIn(id, one)).toBeNull(),
  );
});
