import type { ServerResponse } from "node:http";
import { every, type Timer } from "../../base/clock.ts";
import type { TopicRow } from "../../contract/rows.ts";
import type { BrokerContext } from "../../handlers/context.ts";
import type { Peers } from "../../peers/peers.ts";
import type { ApiMetrics } from "./api-metrics.ts";
import { PartitionFeed } from "./feed.ts";
import { Fetches } from "./fetches.ts";
import { EARLIEST, LATEST, offsetsAt } from "./leaders.ts";
import type { Format } from "./media-types.ts";
import { Reader, type ReaderPlan } from "./reader.ts";
import { isRefusal, type Refusal, tryAgain } from "./refusal.ts";

/** Open streams of one broker; each keeps a connection. */
const READERS_MAX = 4096;
/** Each slow one holds what was written to it last: some ten kilobytes, or one large record. */
const HELD_BYTES_MAX = 64 * 1024 * 1024;
const SWEEP_MS = 5000;

interface FeedEntry {
  readonly key: string;
  readonly feed: PartitionFeed;
}

/** All open streams of this broker, and the feeds that they share. */
export class Readers {
  readonly #broker: BrokerContext;
  readonly #peers: Peers;
  readonly #metrics: () => ApiMetrics;
  readonly #fetches: Fetches;
  readonly #readers = new Set<Reader>();
  /** By topic, partition and format; only those with readers. */
  readonly #feeds = new Map<string, PartitionFeed>();
  readonly #sweeper: Timer;
  /** Written, and not taken by clients that are slow. */
  #heldBytes = 0;
  /** Have written something in this moment. */
  #gathering: Reader[] = [];

  constructor({ broker, peers, metrics }: { broker: BrokerContext; peers: Peers; metrics: () => ApiMetrics }) {
    this.#broker = broker;
    this.#peers = peers;
    this.#metrics = metrics;
    this.#fetches = new Fetches({ broker, peers });
    this.#sweeper = every(broker.clock, SWEEP_MS, () => this.sweep());
  }

  get count(): number {
    return this.#readers.size;
  }

  /** Nobody new is taken while there are too many, or too much that they have not taken. */
  get isFull(): boolean {
    return this.#readers.size >= READERS_MAX || this.#heldBytes >= HELD_BYTES_MAX;
  }

  /** Begins to write to `response`, and goes on until the plan's end or the client's. */
  open(response: ServerResponse, { topic, format, plan }: { topic: TopicRow; format: Format; plan: ReaderPlan }): void {
    const entries = plan.place.partitions.map((partition) => this.#takeFeed(topic, partition, format));
    const reader = new Reader(response, plan, {
      clock: this.#broker.clock,
      metrics: this.#metrics(),
      feeds: entries.map(({ feed }) => feed),
      boundsOf: (partition) => this.#boundsOf(topic, partition),
      onHeld: (bytes) => {
        this.#heldBytes += bytes;
      },
      flushSoon: (one) => this.#flushSoon(one),
      onGone: () => {
        this.#readers.delete(reader);
        for (const entry of entries) this.#releaseFeed(entry);
      },
    });
    this.#readers.add(reader);
    reader.start();
  }

  sweep(): void {
    const nowMs = this.#broker.clock.monotonic();
    for (const reader of this.#readers) reader.sweep(nowMs);
  }

  /** Ends every stream: their clients go on at another broker. */
  stop(): void {
    this.#sweeper.cancel();
    for (const reader of this.#readers) reader.end(tryAgain("this broker stops; go on at another one"));
  }

  #flushSoon(reader: Reader): void {
    this.#gathering.push(reader);
    if (this.#gathering.length > 1) return;
    this.#broker.clock.soon(() => {
      const gathered = this.#gathering;
      this.#gathering = [];
      for (const one of gathered) one.flush();
    });
  }

  #takeFeed(topic: TopicRow, partition: number, format: Format): FeedEntry {
    const key = `${topic.topicId} ${partition} ${format}`;
    let feed = this.#feeds.get(key);
    if (feed === undefined) {
      const of = { topic: topic.topicId, partition, format };
      feed = new PartitionFeed({ broker: this.#broker, fetches: this.#fetches }, of);
      this.#feeds.set(key, feed);
    }
    feed.readerCount++;
    return { key, feed };
  }

  #releaseFeed({ key, feed }: FeedEntry): void {
    feed.readerCount--;
    if (feed.readerCount === 0) this.#feeds.delete(key);
  }

  async #boundsOf(topic: TopicRow, partition: number): Promise<{ begin: number; end: number } | Refusal> {
    const gateway = { broker: this.#broker, peers: this.#peers };
    const at = { topic, partitions: [partition] };
    const begin = await offsetsAt(gateway, { ...at, timestamp: EARLIEST });
    if (isRefusal(begin)) return begin;
    const end = await offsetsAt(gateway, { ...at, timestamp: LATEST });
    return isRefusal(end) ? end : { begin: begin[0]!, end: end[0]! };
  }
}
