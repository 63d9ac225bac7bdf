import type { Chunk } from "./chunk.ts";
import { EVENTS_TYPE, NDJSON_TYPE } from "./media-types.ts";

/** A reader's place: which partitions it reads, all or one, and the next offset of each. */
export interface ReaderPlace {
  readonly isWhole: boolean;
  readonly partitions: readonly number[];
  readonly positions: number[];
}

/** How a stream of records is written down. */
export interface ReaderStyle {
  readonly contentType: string;
  /** Whether its end is marked, so that a stream cut short is known. One that has no end costs less without. */
  readonly isChunked: boolean;
  /** What is said before the first record. */
  opening(place: ReaderPlace): string;
  /** The first `count` records of a chunk of the partition at `index`; moves the place along. */
  records(chunk: Chunk, count: number, at: { place: ReaderPlace; index: number }): Buffer;
  /** Something besides records, in one line of JSON. */
  note(kind: "gap" | "error", value: object): string;
  /** Shows that the stream lives, and is nothing to whoever reads it. */
  readonly pulse: string;
}

/** Lines of JSON. */
export const lineStyle: ReaderStyle = {
  contentType: NDJSON_TYPE,
  isChunked: true,
  opening: () => "",
  records(chunk, count, { place, index }) {
    place.positions[index] = chunk.nextAfter(count);
    return chunk.linesOf(count);
  },
  note: (kind, value) => `${JSON.stringify({ [kind]: value })}\n`,
  // A blank before the next line's JSON.
  pulse: " ",
};

/**
 * Server-sent events. The id of each event is the place after it: `3:42` of one partition, `42.17.9` of all, in the
 * order of their numbers. Source: WHATWG HTML, "Server-sent events".
 */
export const eventStyle: ReaderStyle = {
  contentType: EVENTS_TYPE,
  isChunked: false,
  // An event without data is none, but its id counts: who is cut off before the first record comes back to this place.
  opening: (place) => `retry: 1000\nid: ${eventId(place)}\n\n`,
  records(chunk, count, { place, index }) {
    const events = chunk.eventsOf(count, eventId(place), (next) => {
      place.positions[index] = next;
      return eventId(place);
    });
    place.positions[index] = chunk.nextAfter(count);
    return events;
  },
  note: (kind, value) => `event: ${kind}\ndata: ${JSON.stringify(value)}\n\n`,
  pulse: ":\n\n",
};

/** The place as an event's id. */
export const eventId = ({ isWhole, partitions, positions }: ReaderPlace): string =>
  isWhole ? positions.join(".") : `${partitions[0]}:${positions[0]}`;

/** Longest id that is read: as many offsets as a stream of all partitions may have. */
const ID_LENGTH_MAX = 4096;

/**
 * The next offset of each of `partitions` from an event's id; null when it is none of such a stream. Partitions that
 * the topic has got since are read from their beginning. Ids may be forged: an offset of more digits would be no safe
 * integer, which nobody may be asked for.
 */
export function positionsIn(id: string, { isWhole, partitions }: Omit<ReaderPlace, "positions">): number[] | null {
  if (id.length > ID_LENGTH_MAX) return null;
  if (!isWhole) {
    const [, partition, offset] = /^(\d{1,10}):(\d{1,15})$/.exec(id) ?? [];
    return offset !== undefined && Number(partition) === partitions[0] ? [Number(offset)] : null;
  }
  if (!/^\d{1,15}(\.\d{1,15})*$/.test(id)) return null;
  const offsets = id.split(".").map(Number);
  return offsets.length > partitions.length ? null : partitions.map((_, index) => offsets[index] ?? 0);
}
