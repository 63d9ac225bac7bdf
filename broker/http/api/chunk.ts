import { batchPositions, isControl, lastOffsetOf } from "../../wire/record-batch.ts";
import { recordsOf } from "../../wire/record-batch-records.ts";
import type { Format } from "./media-types.ts";
import { lineOf } from "./shown-record.ts";

/** A batch that opens to more is not shown: it would stall everybody else. */
const OPENED_BYTES_MAX = 16 * 1024 * 1024;
/** No record is begun beyond so many bytes of words: batches may open to many times their size. */
const WORDS_BYTES_MAX = 256 * 1024;

/**
 * Records of one partition from an offset on, put into words once for everybody who reads there: lines of JSON, and
 * where each ends.
 */
export class Chunk {
  readonly partition: number;
  readonly from: number;
  /** Where reading goes on. Beyond the last record when what follows it is not for readers. */
  readonly next: number;
  readonly lines: Buffer;
  /** Of each line: its end in `lines`, and the offset after its record. */
  readonly #ends: readonly number[];
  readonly #nexts: readonly number[];
  /** Made last. */
  #shared: { readonly count: number; readonly place: string; readonly events: Buffer } | null = null;

  constructor(
    place: { partition: number; from: number; next: number },
    shown: { text: string; ends: readonly number[]; nexts: readonly number[] },
  ) {
    this.partition = place.partition;
    this.from = place.from;
    this.next = place.next;
    this.lines = Buffer.from(shown.text, "utf8");
    this.#ends = shown.ends;
    this.#nexts = shown.nexts;
  }

  get count(): number {
    return this.#ends.length;
  }

  /** How many of the first records lie before `offset`. */
  countBefore(offset: number): number {
    let count = this.count;
    while (count > 0 && this.#nexts[count - 1]! > offset) count--;
    return count;
  }

  /** Where reading goes on after the first `count` records. */
  nextAfter(count: number): number {
    return count === this.count ? this.next : (this.#nexts[count - 1] ?? this.from);
  }

  /** Lines of the first `count` records: views. */
  linesOf(count: number): Buffer {
    return this.lines.subarray(0, this.#ends[count - 1] ?? 0);
  }

  /**
   * The first `count` records as server-sent events; `idAfter` gives each its id from the offset after it. Readers at
   * the same `place` have the same ids, and share the bytes: those who follow the end together nearly always are.
   */
  eventsOf(count: number, place: string, idAfter: (next: number) => string): Buffer {
    if (this.#shared?.count !== count || this.#shared.place !== place) {
      this.#shared = { count, place, events: this.#eventsOf(count, idAfter) };
    }
    return this.#shared.events;
  }

  #eventsOf(count: number, idAfter: (next: number) => string): Buffer {
    const heads = this.#nexts.slice(0, count).map((next) => `id: ${idAfter(next)}\ndata: `);
    const headBytes = heads.reduce((sum, head) => sum + head.length, 0);
    const events = Buffer.allocUnsafe(headBytes + this.linesOf(count).length + count);
    let at = 0;
    let from = 0;
    for (const [index, head] of heads.entries()) {
      at += events.write(head, at, "latin1");
      at += this.lines.copy(events, at, from, this.#ends[index]);
      from = this.#ends[index]!;
      events[at++] = NEWLINE;
    }
    return events;
  }
}

const NEWLINE = 0x0a;

/**
 * Puts whole batches into words, from the record at `from` on.
 * @throws MalformedError where a batch cannot be opened.
 */
export function chunkOf(
  bytes: Uint8Array,
  { partition, from, format }: { partition: number; from: number; format: Format },
): Chunk {
  const ends: number[] = [];
  const nexts: number[] = [];
  let text = "";
  let end = 0;
  let next = from;
  for (const at of batchPositions(bytes)) {
    // Markers of transactions are for clients that know of them.
    for (const record of isControl(bytes, at) ? [] : recordsOf(bytes, at, OPENED_BYTES_MAX)) {
      if (record.offset < from) continue;
      if (end >= WORDS_BYTES_MAX) return new Chunk({ partition, from, next }, { text, ends, nexts });
      const line = `${lineOf(record, partition, format)}\n`;
      text += line;
      end += Buffer.byteLength(line);
      next = record.offset + 1;
      ends.push(end);
      nexts.push(next);
    }
    next = Math.max(next, lastOffsetOf(bytes, at) + 1);
  }
  return new Chunk({ partition, from, next }, { text, ends, nexts });
}
