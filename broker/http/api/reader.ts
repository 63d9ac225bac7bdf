import type { ServerResponse } from "node:http";
import type { Clock } from "../../base/clock.ts";
import type { ApiMetrics } from "./api-metrics.ts";
import type { Chunk } from "./chunk.ts";
import type { PartitionFeed, Tell, Told } from "./feed.ts";
import type { ReaderPlace, ReaderStyle } from "./reader-style.ts";
import { isRefusal, KAFKA_ERROR, Refusal, topicNotFound } from "./refusal.ts";

/** What a reader was asked for. */
export interface ReaderPlan {
  readonly place: ReaderPlace;
  readonly style: ReaderStyle;
  /** Ends after so many records. */
  readonly limit: number;
  /** Ends once each partition was read up to here; null: goes on with what comes. */
  readonly ends: readonly number[] | null;
  /** Where it is committed how far the records were handed to the network. */
  readonly group: ReaderGroup | null;
}

/** The committed offsets of a reader's group. */
export interface ReaderGroup {
  commitLater(positions: readonly number[]): void;
  commitLast(positions: readonly number[]): Promise<Refusal | null>;
}

export interface ReaderParts {
  readonly clock: Clock;
  readonly metrics: ApiMetrics;
  /** In the order of the place's partitions. */
  readonly feeds: readonly PartitionFeed[];
  /** The bounds of a partition now, for a place that is out of them. */
  boundsOf(partition: number): Promise<{ readonly begin: number; readonly end: number } | Refusal>;
  /** So many bytes more are written that the client has not taken; less when negative. */
  onHeld(bytes: number): void;
  /** Calls the reader's `flush` once everything that is ready now has been handled. */
  flushSoon(reader: Reader): void;
  /** Once, when the reader is gone, for whatever reason. */
  onGone(reader: Reader): void;
}

/** A reader that takes nothing for so long is closed. */
const STALL_MS_MAX = 60_000;
const PULSE_MS = 15_000;
const PAUSE_MS = 50;

/**
 * One open stream of records. It holds its place and nothing else: when its client does not take what was written it
 * listens to no feed until it does, and what came meanwhile is fetched again.
 */
export class Reader {
  readonly #response: ServerResponse;
  readonly #plan: ReaderPlan;
  readonly #parts: ReaderParts;
  /** By partition: how the feed tells this reader; null while it does not listen. */
  readonly #listening: (Tell | null)[];
  #left: number;
  /** Positions up to which all was handed to the network; kept for a group only. */
  #taken: readonly number[] | null = null;
  #isBlocked = false;
  #heldBytes = 0;
  #isGathering = false;
  #isFinishing = false;
  #isOver = false;
  /** When the client took something, or something was written, last. */
  #movedMs: number;

  constructor(response: ServerResponse, plan: ReaderPlan, parts: ReaderParts) {
    this.#response = response;
    this.#plan = plan;
    this.#parts = parts;
    this.#listening = plan.place.partitions.map(() => null);
    this.#left = plan.limit;
    this.#movedMs = parts.clock.monotonic();
  }

  start(): void {
    const { style, place } = this.#plan;
    const response = this.#response;
    response.on("close", () => this.#stop());
    response.on("drain", () => this.#drained());
    // Of HTTP/1.0 a client knows no chunks, and Node does.
    if (!style.isChunked) response.useChunkedEncodingByDefault = false;
    response.writeHead(200, {
      "content-type": style.contentType,
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    });
    response.flushHeaders();
    this.#write(style.opening(place));
  }

  /** Called every few seconds: pulse, stall, commit. */
  sweep(nowMs: number): void {
    if (this.#isOver) return;
    const silentMs = nowMs - this.#movedMs;
    if (this.#isBlocked) {
      if (silentMs < STALL_MS_MAX) return this.#commit();
      this.#parts.metrics.readersClosed.add(1);
      return void this.#response.destroy();
    }
    if (silentMs >= PULSE_MS) this.#write(this.#plan.style.pulse);
    this.#noteTaken();
    this.#commit();
  }

  /** Ends the stream with a word of why, so that its client knows that it is not whole. */
  end(refusal: Refusal): void {
    if (this.#isOver) return;
    this.#write(this.#plan.style.note("error", refusal.body));
    this.#close();
  }

  #listenToAll(): void {
    if (this.#isFinished()) return this.#finish();
    this.#listening.forEach((_, index) => this.#listen(index));
  }

  #listen(index: number): void {
    if (this.#isOver || this.#isBlocked || this.#listening[index] !== null || this.#isRead(index)) return;
    const tell: Tell = (told) => {
      this.#listening[index] = null;
      this.#take(index, told);
    };
    this.#listening[index] = tell;
    this.#parts.feeds[index]!.listen(this.#plan.place.positions[index]!, tell);
  }

  #take(index: number, told: Told): void {
    // What comes while the client is busy, or the end is being committed, is not held.
    if (this.#isOver || this.#isBlocked || this.#isFinishing) return;
    switch (told.kind) {
      case "chunk":
        return this.#takeChunk(index, told.chunk);
      case "outOfRange":
        return void this.#leap(index);
      case "gone":
        return this.end(topicNotFound());
      case "unreadable":
        return this.end(new Refusal({ status: 500, errorCode: KAFKA_ERROR }, told.why));
    }
  }

  #takeChunk(index: number, chunk: Chunk): void {
    const { place, style, ends } = this.#plan;
    const within = ends === null ? chunk.count : chunk.countBefore(ends[index]!);
    const count = Math.min(within, this.#left);
    const bytes = style.records(chunk, count, { place, index });
    // The rest of it lies beyond the end.
    if (ends !== null && count === within && within < chunk.count) place.positions[index] = ends[index]!;
    this.#left -= count;
    this.#parts.metrics.recordsOut.add(count);
    this.#parts.metrics.bytesOut.add(bytes.length);
    this.#write(bytes);
    if (this.#isFinished()) this.#finish();
  }

  /** The place lies before the log's start or behind its end: goes on at that edge, and says so. */
  async #leap(index: number): Promise<void> {
    const { place, style } = this.#plan;
    const partition = place.partitions[index]!;
    const bounds = await this.#parts.boundsOf(partition);
    if (this.#isOver) return;
    if (isRefusal(bounds)) return this.end(bounds);
    const from = place.positions[index]!;
    const to = from < bounds.begin ? bounds.begin : Math.min(from, bounds.end);
    if (to !== from) {
      place.positions[index] = to;
      this.#write(style.note("gap", { partition, from, to }));
    }
    if (this.#isFinished()) return this.#finish();
    this.#parts.clock.after(PAUSE_MS, () => this.#listen(index));
  }

  #isRead(index: number): boolean {
    const { ends, place } = this.#plan;
    return ends !== null && place.positions[index]! >= ends[index]!;
  }

  #isFinished(): boolean {
    return this.#left === 0 || (this.#plan.ends !== null && this.#listening.every((_, index) => this.#isRead(index)));
  }

  /** Whoever sees the end of the stream knows that all of it is committed. */
  #finish(): void {
    const { place, group } = this.#plan;
    if (group === null) return this.#close();
    // Not before the client took what it was given; this comes again then.
    if (this.#isBlocked || this.#isFinishing) return;
    this.#isFinishing = true;
    void group.commitLast(place.positions).then((refused) => {
      if (refused === null) this.#close();
      else this.end(refused);
    });
  }

  /** Sends what was written, and listens again: others had their turn, however fast this client is. */
  flush(): void {
    this.#isGathering = false;
    // An end has sent everything by itself.
    if (this.#isOver) return;
    this.#response.uncork();
    if (!this.#isBlocked) this.#listenToAll();
  }

  /** What the same moment brings leaves in one go. */
  #write(bytes: Buffer | string): void {
    if (!this.#isGathering) {
      this.#isGathering = true;
      this.#response.cork();
      this.#parts.flushSoon(this);
    }
    if (bytes.length === 0) return;
    this.#movedMs = this.#parts.clock.monotonic();
    if (this.#response.write(bytes)) return;
    this.#isBlocked = true;
    this.#holdBytes(this.#response.writableLength);
  }

  /** What was written and not taken. */
  #holdBytes(bytes: number): void {
    this.#parts.onHeld(bytes - this.#heldBytes);
    this.#heldBytes = bytes;
  }

  /** What has left this process, whole. */
  #noteTaken(): void {
    if (this.#plan.group !== null && this.#response.writableLength === 0) this.#taken = [...this.#plan.place.positions];
  }

  #commit(): void {
    if (this.#taken !== null) this.#plan.group?.commitLater(this.#taken);
  }

  #drained(): void {
    this.#noteTaken();
    this.#holdBytes(0);
    this.#movedMs = this.#parts.clock.monotonic();
    this.#isBlocked = false;
    if (!this.#isOver) this.#listenToAll();
  }

  #close(): void {
    if (this.#isOver) return;
    this.#stop();
    this.#response.end();
  }

  #stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#holdBytes(0);
    this.#listening.forEach((tell, index) => {
      if (tell !== null) this.#parts.feeds[index]!.cancel(this.#plan.place.positions[index]!, tell);
    });
    this.#parts.onGone(this);
  }
}
