import {
  type BrokerEpoch,
  type BrokerId,
  type LeaderEpoch,
  type Offset,
  type PartitionIndex,
  type TopicId,
} from "../base/ids.ts";
import type { EpochEnd } from "../storage/leader-epoch-cache.ts";

/**
 * What leader and follower say on their stream. A frame is a length (u32, of what follows), a kind (u8) and a body;
 * numbers are big-endian, offsets and broker epochs 64 bits. A handle (u32, chosen by the follower, never used twice
 * on a stream) names one opening: topic id, partition, leader epoch and the follower's broker epoch.
 */
export const REPLICATION_VERSION = 1;

export const HEADER_BYTES = 5;
/** Length, kind, handle, high watermark, log start: what stands before the batches of a data frame. */
export const DATA_HEADER_BYTES = HEADER_BYTES + 4 + 8 + 8;
/** A batch may be as large as the largest request; a frame holds at least one, however big. */
export const FRAME_BYTES_MAX = 128 * 1024 * 1024;
/** All other frames are small. */
export const SMALL_FRAME_BYTES_MAX = 4096;

export const FrameKind = {
  hello: 1,
  open: 2,
  statement: 3,
  close: 4,
  opened: 5,
  data: 6,
  marks: 7,
  ended: 8,
  ping: 9,
  start: 10,
  started: 11,
} as const;

/** First frame of a follower. */
export interface HelloFrame {
  readonly kind: "hello";
  readonly version: number;
  readonly follower: BrokerId;
  /** Whom it means to follow: another one behind the same address must refuse. */
  readonly leader: BrokerId;
  readonly clusterId: string;
}

/** A follower opens one partition in one leader epoch. The log end is where pushing would start; it is no statement. */
export interface OpenFrame {
  readonly kind: "open";
  readonly handle: number;
  readonly topicId: TopicId;
  readonly partition: PartitionIndex;
  readonly leaderEpoch: LeaderEpoch;
  readonly brokerEpoch: BrokerEpoch;
  readonly lastEpoch: LeaderEpoch;
  readonly logEnd: Offset;
}

/** A follower states its log end: that is the ack. */
export interface StatementFrame {
  readonly kind: "statement";
  readonly handle: number;
  readonly lastEpoch: LeaderEpoch;
  readonly logEnd: Offset;
  readonly isSynced: boolean;
}

/** A follower is done with an opening; the leader answers `ended`, after which nothing of it comes any more. */
export interface CloseFrame {
  readonly kind: "close";
  readonly handle: number;
}

export type OpenedFrame = {
  readonly kind: "opened";
  readonly handle: number;
} & (
  | { readonly outcome: "aligned"; readonly highWatermark: Offset; readonly logStart: Offset }
  | { readonly outcome: "diverged"; readonly end: EpochEnd }
  | { readonly outcome: "restart"; readonly logStart: Offset }
  /** Not the leader in that epoch (yet, or any more). */
  | { readonly outcome: "refused" }
);

export interface DataFrame {
  readonly kind: "data";
  readonly handle: number;
  readonly highWatermark: Offset;
  readonly logStart: Offset;
  /** Whole batches; belongs to the receiver. */
  readonly batches: Uint8Array;
}

export interface MarksFrame {
  readonly kind: "marks";
  readonly handle: number;
  readonly highWatermark: Offset;
  readonly logStart: Offset;
}

/** Records below were deleted on purpose: the follower hides them, too, and says so by `started`. */
export interface StartFrame {
  readonly kind: "start";
  readonly handle: number;
  readonly logStart: Offset;
}

/** A follower's log begins there now, after a crash, too. */
export interface StartedFrame {
  readonly kind: "started";
  readonly handle: number;
  readonly logStart: Offset;
}

/** The leader is done with an opening: its epoch is over, a newer opening took its place, or it was closed. */
export interface EndedFrame {
  readonly kind: "ended";
  readonly handle: number;
}

/** Either side, when it had nothing else to say for a while. */
export interface PingFrame {
  readonly kind: "ping";
}

export type FromFollower = HelloFrame | OpenFrame | StatementFrame | StartedFrame | CloseFrame | PingFrame;
export type FromLeader = OpenedFrame | DataFrame | MarksFrame | StartFrame | EndedFrame | PingFrame;

const TWO_32 = 0x1_0000_0000;

/**
 * Cursor over one frame that is being written. Byte by byte: a DataView would need the memory of a small array moved
 * out of V8's heap, which costs more than the whole frame.
 */
class FrameWriter {
  readonly bytes: Uint8Array;
  #at = 0;

  constructor(kind: number, bodyBytes: number, payloadBytes = 0) {
    this.bytes = new Uint8Array(HEADER_BYTES + bodyBytes);
    this.int(1 + bodyBytes + payloadBytes).byte(kind);
  }

  byte(value: number): this {
    this.bytes[this.#at++] = value;
    return this;
  }

  int(value: number): this {
    return this.byte(value >> 24)
      .byte(value >> 16)
      .byte(value >> 8)
      .byte(value);
  }

  long(value: number): this {
    return this.int(Math.floor(value / TWO_32)).int(value | 0);
  }

  raw(value: Uint8Array): this {
    this.bytes.set(value, this.#at);
    this.#at += value.length;
    return this;
  }
}

export function encodeHello(frame: Omit<HelloFrame, "kind">): Uint8Array {
  const clusterId = new TextEncoder().encode(frame.clusterId);
  const writer = new FrameWriter(FrameKind.hello, 12 + clusterId.length);
  return writer.int(frame.version).int(frame.follower).int(frame.leader).raw(clusterId).bytes;
}

export function encodeOpen(frame: Omit<OpenFrame, "kind">): Uint8Array {
  return new FrameWriter(FrameKind.open, 4 + 16 + 4 + 4 + 8 + 4 + 8)
    .int(frame.handle)
    .raw(topicIdBytes(frame.topicId))
    .int(frame.partition)
    .int(frame.leaderEpoch)
    .long(frame.brokerEpoch)
    .int(frame.lastEpoch)
    .long(frame.logEnd).bytes;
}

export const encodeStatement = (frame: Omit<StatementFrame, "kind">): Uint8Array =>
  new FrameWriter(FrameKind.statement, 17)
    .int(frame.handle)
    .int(frame.lastEpoch)
    .long(frame.logEnd)
    .byte(frame.isSynced ? 1 : 0).bytes;

export const encodeClose = (handle: number): Uint8Array => new FrameWriter(FrameKind.close, 4).int(handle).bytes;
export const encodeEnded = (handle: number): Uint8Array => new FrameWriter(FrameKind.ended, 4).int(handle).bytes;
export const encodePing = (): Uint8Array => new FrameWriter(FrameKind.ping, 0).bytes;

export const Outcome = { aligned: 0, diverged: 1, restart: 2, refused: 3 } as const;

/** Every outcome has the same two fields: high watermark or epoch or nothing; then log start or end offset. */
export function encodeOpened(frame: OpenedFrame): Uint8Array {
  const writer = new FrameWriter(FrameKind.opened, 4 + 1 + 8 + 8).int(frame.handle).byte(Outcome[frame.outcome]);
  switch (frame.outcome) {
    case "aligned":
      return writer.long(frame.highWatermark).long(frame.logStart).bytes;
    case "diverged":
      return writer.long(frame.end.epoch).long(frame.end.endOffset).bytes;
    case "restart":
      return writer.long(0).long(frame.logStart).bytes;
    case "refused":
      return writer.long(0).long(0).bytes;
  }
}

export const encodeMarks = (frame: Omit<MarksFrame, "kind">): Uint8Array =>
  new FrameWriter(FrameKind.marks, 20).int(frame.handle).long(frame.highWatermark).long(frame.logStart).bytes;

export const encodeStart = (frame: Omit<StartFrame, "kind">): Uint8Array =>
  new FrameWriter(FrameKind.start, 12).int(frame.handle).long(frame.logStart).bytes;

export const encodeStarted = (frame: Omit<StartedFrame, "kind">): Uint8Array =>
  new FrameWriter(FrameKind.started, 12).int(frame.handle).long(frame.logStart).bytes;

/** What goes before `batchesBytes` bytes of batches. */
export const encodeDataHeader = (frame: Omit<DataFrame, "kind" | "batches">, batchesBytes: number): Uint8Array =>
  new FrameWriter(FrameKind.data, DATA_HEADER_BYTES - HEADER_BYTES, batchesBytes)
    .int(frame.handle)
    .long(frame.highWatermark)
    .long(frame.logStart).bytes;

/** Reads the body that stands in `bytes[at, end)`; every read checks that the bytes are there. */
export class FrameReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
  }

  byte(): number {
    return this.#bytes[this.#claim(1)]!;
  }

  int(): number {
    const at = this.#claim(4);
    const bytes = this.#bytes;
    return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
  }

  /** A whole number that a double can hold, ≥ `least`. */
  long(least: number): number {
    const value = this.int() * TWO_32 + (this.int() >>> 0);
    if (!Number.isSafeInteger(value) || value < least) throw new RangeError(`a frame names ${value}`);
    return value;
  }

  /** A view, as good as the bytes are. */
  raw(length: number): Uint8Array {
    const at = this.#claim(length);
    return this.#bytes.subarray(at, at + length);
  }

  rest(): Uint8Array {
    return this.raw(this.#end - this.#at);
  }

  end(): void {
    if (this.#at !== this.#end) throw new RangeError("a frame is too long");
  }

  #claim(sizeBytes: number): number {
    const at = this.#at;
    if (at + sizeBytes > this.#end) throw new RangeError("a frame is too short");
    this.#at = at + sizeBytes;
    return at;
  }
}

/**
 * Everything but data, which the decoder assembles itself; nothing of it is a view on the bytes.
 * @throws RangeError on bytes that make no frame.
 */
export function decodeSmall(kind: number, reader: FrameReader): FromFollower | Exclude<FromLeader, DataFrame> {
  const frame = decodeBody(kind, reader);
  reader.end();
  return frame;
}

function decodeBody(kind: number, reader: FrameReader): FromFollower | Exclude<FromLeader, DataFrame> {
  switch (kind) {
    case FrameKind.hello:
      return {
        kind: "hello",
        version: reader.int(),
        follower: reader.int() as BrokerId,
        leader: reader.int() as BrokerId,
        clusterId: new TextDecoder().decode(reader.rest()),
      };
    case FrameKind.open:
      return {
        kind: "open",
        handle: reader.int(),
        topicId: topicIdText(reader.raw(16)),
        partition: reader.int() as PartitionIndex,
        leaderEpoch: reader.int() as LeaderEpoch,
        brokerEpoch: reader.long(-1) as BrokerEpoch,
        lastEpoch: reader.int() as LeaderEpoch,
        logEnd: reader.long(0) as Offset,
      };
    case FrameKind.statement:
      return {
        kind: "statement",
        handle: reader.int(),
        lastEpoch: reader.int() as LeaderEpoch,
        logEnd: reader.long(0) as Offset,
        isSynced: reader.byte() === 1,
      };
    case FrameKind.close:
      return { kind: "close", handle: reader.int() };
    case FrameKind.opened:
      return decodeOpened(reader);
    case FrameKind.marks:
      return {
        kind: "marks",
        handle: reader.int(),
        highWatermark: reader.long(0) as Offset,
        logStart: reader.long(0) as Offset,
      };
    case FrameKind.start:
      return { kind: "start", handle: reader.int(), logStart: reader.long(0) as Offset };
    case FrameKind.started:
      return { kind: "started", handle: reader.int(), logStart: reader.long(0) as Offset };
    case FrameKind.ended:
      return { kind: "ended", handle: reader.int() };
    case FrameKind.ping:
      return { kind: "ping" };
    default:
      throw new RangeError(`a frame of unknown kind ${kind}`);
  }
}

function decodeOpened(reader: FrameReader): OpenedFrame {
  const handle = reader.int();
  const outcome = reader.byte();
  const first = reader.long(-1);
  const second = reader.long(-1);
  const kind = "opened";
  switch (outcome) {
    case Outcome.aligned:
      return { kind, handle, outcome: "aligned", highWatermark: first as Offset, logStart: second as Offset };
    case Outcome.diverged:
      return { kind, handle, outcome: "diverged", end: { epoch: first as LeaderEpoch, endOffset: second as Offset } };
    case Outcome.restart:
      return { kind, handle, outcome: "restart", logStart: second as Offset };
    case Outcome.refused:
      return { kind, handle, outcome: "refused" };
    default:
      throw new RangeError(`an opening of unknown outcome ${outcome}`);
  }
}

function topicIdBytes(id: TopicId): Uint8Array {
  const bytes = new Uint8Array(16);
  for (let at = 0; at < 16; at++) bytes[at] = Number.parseInt(id.slice(2 * at, 2 * at + 2), 16);
  return bytes;
}

function topicIdText(bytes: Uint8Array): TopicId {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text as TopicId;
}
