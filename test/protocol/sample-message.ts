import type { AnyField, Shape } from "../../broker/wire/schema.ts";
import { inRange } from "../../broker/wire/schema.ts";

/**
 * How the fields of a sample are filled: `least` takes nulls, empties and defaults, `most` the ends of every range with
 * every tagged field set, a number is the seed of a random mixture.
 */
export type Filling = "least" | "most" | number;

interface Dice {
  /** A whole number in [0, bound). */
  roll(bound: number): number;
}

/** A small generator of its own: samples must be the same on every run. */
function dice(seed: number): Dice {
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  return {
    roll(bound) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return (state >>> 8) % bound;
    },
  };
}

/** A value of `shape` as reading it in `version` would return it: fields that the version lacks have their defaults. */
export function sampleMessage(shape: Shape, version: number, filling: Filling): Record<string, unknown> {
  return struct(shape, version, { filling, dice: dice(typeof filling === "number" ? filling : 0) });
}

interface Style {
  readonly filling: Filling;
  readonly dice: Dice;
}

function struct(shape: Shape, version: number, style: Style): Record<string, unknown> {
  const members = Object.entries(shape).map(([name, field]) => {
    const isThere = inRange(field.versions, version);
    return [name, isThere ? value(field, version, style) : fallback(field)] as const;
  });
  return Object.fromEntries(members);
}

/** What a reader makes of a field that is not there. */
export function fallback(field: AnyField): unknown {
  if (field.kind === "struct" && field.fallback === undefined) {
    return Object.fromEntries(Object.entries(field.shape ?? {}).map(([name, inner]) => [name, fallback(inner)]));
  }
  if (field.kind === "array" && field.fallback !== null) return [];
  return field.fallback;
}

function value(field: AnyField, version: number, style: Style): unknown {
  const canBeNull = inRange(field.nullableVersions, version);
  const coin = style.filling === "most" ? 1 : style.filling === "least" ? 0 : style.dice.roll(3);
  if (coin === 0 && canBeNull) return null;
  if (coin === 0 && field.tag !== undefined) return fallback(field);
  if (field.kind === "struct") return struct(field.shape ?? {}, version, style);
  if (field.kind === "array") return list(field, version, style);
  return scalar(field, style);
}

function list(field: AnyField, version: number, style: Style): unknown[] {
  const length = style.filling === "most" ? 3 : style.filling === "least" ? 0 : style.dice.roll(4);
  const { element } = field;
  return element === undefined ? [] : Array.from({ length }, () => value(element, version, style));
}

function scalar({ kind }: AnyField, { filling, dice: { roll } }: Style): unknown {
  const choices = scalars[kind as keyof typeof scalars] as readonly unknown[];
  const index = filling === "least" ? 0 : filling === "most" ? choices.length - 1 : roll(choices.length);
  return choices[index];
}

/** Per kind: the emptiest value first, the most demanding one last. */
const scalars = {
  int8: [0, -1, 1, -128, 127],
  int16: [0, -1, 300, -32_768, 32_767],
  int32: [0, -1, 70_000, -2_147_483_648, 2_147_483_647],
  int64: [
    0,
    -1,
    4_294_967_296,
    -4_294_967_297,
    9_007_199_254_740_990,
    Number.MIN_SAFE_INTEGER,
    Number.MAX_SAFE_INTEGER - 1,
  ],
  uint16: [0, 1, 65_535],
  uint32: [0, 1, 4_294_967_295],
  boolean: [false, true],
  float64: [0, -1.5, Number.MAX_VALUE],
  uuid: ["0".repeat(32), "00112233445566778899aabbccddeeff", "f".repeat(32)],
  string: ["", "a", "Überall ✓ 🙂", "a".repeat(127), "a".repeat(128), "ü".repeat(16_383)],
  bytes: [Buffer.alloc(0), Buffer.from("bytes"), Buffer.alloc(200, 7)],
  records: [Buffer.alloc(0), Buffer.alloc(1_023, 1), Buffer.alloc(64, 2), Buffer.alloc(1_024, 3)],
};
