import { describe, expect, test } from "@jest/globals";
import { type Offset, offset } from "../base/ids.ts";
import { decodeSnapshot, encodeSnapshot } from "./producer-snapshot.ts";
import { ProducerStates } from "./producer-state.ts";
import { batchOf } from "./testing/log-fixture.ts";

const MAX = 2 ** 31 - 1;
let next = 0;

function batch(baseSequence: number, options: { count?: number; epoch?: number; id?: number } = {}): Uint8Array {
  const values = Array.from({ length: options.count ?? 1 }, (_, index) => String(index));
  return batchOf(values, {
    producer: { id: options.id ?? 1, epoch: options.epoch ?? 0, baseSequence },
    timestamp: 5000,
  });
}

function append(states: ProducerStates, bytes: Uint8Array, count = 1): Offset {
  next += count;
  states.update(bytes, 0, { lastOffset: offset(next - 1), nowMs: 0 });
  return offset(next - 1);
}

describe("a batch of an idempotent producer", () => {
  test("of which nothing is known appends at any sequence", () => {
    expect(new ProducerStates().check(batch(77), 0)).toEqual({ kind: "append" });
  });

  test("continues exactly, or is out of order", () => {
    const states = new ProducerStates();
    append(states, batch(0, { count: 3 }), 3);
    expect(states.check(batch(3), 0)).toEqual({ kind: "append" });
    expect(states.check(batch(4), 0)).toEqual({ kind: "refused", errorCode: 45 });
    expect(states.check(batch(1), 0)).toEqual({ kind: "refused", errorCode: 45 });
  });

  test("is a duplicate of each of the last five, with its first place and time", () => {
    const states = new ProducerStates();
    const places = [0, 1, 2, 3, 4, 5].map((sequence) => append(states, batch(sequence)));
    expect(states.check(batch(0), 0)).toEqual({ kind: "refused", errorCode: 45 });
    for (const sequence of [1, 2, 3, 4, 5]) {
      const place = places[sequence]!;
      const expected = { kind: "duplicate", baseOffset: place, lastOffset: place, timestampMs: 5000 };
      expect(states.check(batch(sequence), 0)).toEqual(expected);
    }
    expect(states.check(batch(4, { count: 2 }), 0)).toEqual({ kind: "refused", errorCode: 45 });
  });

  test("wraps after the greatest sequence, also inside one batch", () => {
    const states = new ProducerStates();
    append(states, batch(MAX - 1, { count: 2 }), 2);
    expect(states.check(batch(0), 0)).toEqual({ kind: "append" });
    const wrapping = new ProducerStates();
    append(wrapping, batch(MAX, { count: 3 }), 3);
    expect(wrapping.check(batch(2), 0)).toEqual({ kind: "append" });
    expect(wrapping.check(batch(MAX, { count: 3 }), 0)).toMatchObject({ kind: "duplicate" });
  });

  test("of an older epoch is refused, of a newer one begins at 0 and forgets the old", () => {
    const states = new ProducerStates();
    append(states, batch(0, { epoch: 3 }));
    expect(states.check(batch(1, { epoch: 2 }), 0)).toEqual({ kind: "refused", errorCode: 47 });
    expect(states.check(batch(1, { epoch: 4 }), 0)).toEqual({ kind: "refused", errorCode: 45 });
    expect(states.check(batch(0, { epoch: 4 }), 0)).toEqual({ kind: "append" });
    append(states, batch(0, { epoch: 4 }));
    expect(states.check(batch(1, { epoch: 4 }), 0)).toEqual({ kind: "append" });
    expect([...states.batches()]).toHaveLength(1);
  });
});

test("batches without a producer always append and are not remembered", () => {
  const states = new ProducerStates();
  append(states, batchOf(["a"]));
  expect(states.size).toBe(0);
  expect(states.check(batchOf(["a"]), 0)).toEqual({ kind: "append" });
});

test("producers that wrote nothing for a day are forgotten", () => {
  const states = new ProducerStates();
  states.update(batch(0, { id: 1 }), 0, { lastOffset: offset(0), nowMs: 1000 });
  states.update(batch(0, { id: 2 }), 0, { lastOffset: offset(1), nowMs: 2000 });
  expect(states.expire({ nowMs: 1500 + 86_400_000, expirationMs: 86_400_000 })).toBe(1);
  expect(states.check(batch(9, { id: 1 }), 0)).toEqual({ kind: "append" });
  expect(states.check(batch(9, { id: 2 }), 0)).toEqual({ kind: "refused", errorCode: 45 });
});

test("a snapshot holds all that is remembered; a damaged one is none", () => {
  const states = new ProducerStates();
  for (const sequence of [0, 1, 2, 3, 4, 5, 6]) append(states, batch(sequence, { id: 2 ** 40 }));
  append(states, batch(5, { id: 3, epoch: 7 }));
  const bytes = encodeSnapshot(states);
  expect([...decodeSnapshot(bytes, 0)!.batches()]).toEqual([...states.batches()]);
  for (let at = 0; at < bytes.length; at++) {
    const broken = bytes.slice();
    broken[at]! ^= 4;
    expect(decodeSnapshot(broken, 0)).toBeNull();
    expect(decodeSnapshot(bytes.subarray(0, at), 0)).toBeNull();
  }
});
