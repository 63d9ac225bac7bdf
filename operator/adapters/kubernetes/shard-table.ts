import { assert } from "#base/assert.ts";
import { isSameMark, type Mark, type RowChanges, type RowsData, type RowTexts } from "./shard-codec.ts";
import type { ShardObject } from "./shard-objects.ts";

/** One object and what is known of it. */
export interface Held {
  readonly name: string;
  /** As last seen in the API server; null = there was none. */
  object: ShardObject | null;
  /** A write's outcome is not known, or somebody else wrote: look before the next one. */
  isUncertain: boolean;
}

export interface Shard extends Held {
  readonly index: number;
  /** Of the newest commit that counts and touched it. */
  mark: Mark;
  rows: RowTexts;
  /** Of the rows' texts. */
  sizeBytes: number;
}

/** A shard is full with so many rows, or so many bytes: its write stays far below what etcd takes (1.5 MiB). */
const ROWS_MAX = 1000;
const SIZE_BYTES_MAX = 400_000;

const sizeOf = (rows: RowTexts): number => {
  let sizeBytes = 0;
  for (const [key, text] of rows) sizeBytes += key.length + text.length;
  return sizeBytes;
};

/** The shards that count, and which of them has which row. */
export class ShardTable {
  readonly shards = new Map<number, Shard>();
  readonly #places = new Map<string, number>();

  add(shard: Omit<Shard, "sizeBytes">): void {
    const rows = new Map<string, string>();
    for (const [key, text] of shard.rows) {
      // Only a store that was damaged has a row twice; the second goes with the next write.
      if (this.#places.has(key)) continue;
      this.#places.set(key, shard.index);
      rows.set(key, text);
    }
    this.shards.set(shard.index, { ...shard, rows, sizeBytes: sizeOf(rows) });
  }

  /** Which shard takes which change; shards that are not there yet are named by the next free numbers. */
  place(changes: RowChanges): Map<number, Map<string, string | null>> {
    const placed = new Map<number, Map<string, string | null>>();
    const loads = new Map<number, { rows: number; sizeBytes: number }>();
    for (const { index, rows, sizeBytes } of this.shards.values()) loads.set(index, { rows: rows.size, sizeBytes });
    const put = (index: number, key: string, text: string | null): void => {
      const known = placed.get(index);
      if (known === undefined) placed.set(index, new Map([[key, text]]));
      else known.set(key, text);
    };
    const isFull = (index: number): boolean => {
      const load = loads.get(index);
      return load !== undefined && (load.rows >= ROWS_MAX || load.sizeBytes >= SIZE_BYTES_MAX);
    };
    // Searched from the first one on: what was deleted makes room.
    let open = 0;
    for (const [key, text] of changes) {
      const index = this.#places.get(key);
      if (index !== undefined) {
        put(index, key, text);
        continue;
      }
      assert(text !== null, "only a row that has a place can go");
      while (isFull(open)) open++;
      const load = loads.get(open) ?? { rows: 0, sizeBytes: 0 };
      loads.set(open, { rows: load.rows + 1, sizeBytes: load.sizeBytes + key.length + text.length });
      put(open, key, text);
    }
    return placed;
  }

  /** What a shard holds after `changes`, with what it takes to go back. */
  static next(shard: Shard, changes: RowChanges): RowsData {
    const rows = new Map(shard.rows);
    const undo = new Map<string, string | null>();
    for (const [key, text] of changes) {
      undo.set(key, shard.rows.get(key) ?? null);
      if (text === null) rows.delete(key);
      else rows.set(key, text);
    }
    return { rows, undo: { base: shard.mark, rows: undo } };
  }

  /** The commit counts. */
  adopt(shard: Shard, { rows, mark, changes }: { rows: RowTexts; mark: Mark; changes: RowChanges }): void {
    for (const [key, text] of changes) {
      if (text === null) this.#places.delete(key);
      else this.#places.set(key, shard.index);
    }
    shard.rows = rows;
    shard.mark = mark;
    shard.sizeBytes = sizeOf(rows);
    this.shards.set(shard.index, shard);
  }
}

/**
 * The rows that count: the object's, or, when its last write belongs to a commit that the root never counted, those
 * from before. Null when neither fits: somebody else than a controller changed it.
 */
export function countedRows(at: { written: Mark; data: RowsData; counted: Mark }): RowTexts | null {
  const { written, data, counted } = at;
  if (isSameMark(written, counted)) return data.rows;
  const isLater = written[0] !== counted[0] ? written[0] > counted[0] : written[1] > counted[1];
  if (!isLater || !isSameMark(data.undo.base, counted)) return null;
  const rows = new Map(data.rows);
  for (const [key, text] of data.undo.rows) {
    if (text === null) rows.delete(key);
    else rows.set(key, text);
  }
  return rows;
}
