import { sleep } from "../../base/clock.ts";
import { giveBackBlock } from "../../base/memory-pool.ts";
import type { TopicId } from "../../base/ids.ts";
import type { BrokerContext } from "../../handlers/context.ts";
import { joined } from "../../wire/frame.ts";
import { isMalformed } from "../../wire/malformed.ts";
import { type Chunk, chunkOf } from "./chunk.ts";
import type { Fetched, Fetches } from "./fetches.ts";
import type { Format } from "./media-types.ts";

/** What a reader is told of the offset that it waits at. */
export type Told =
  | { readonly kind: "chunk"; readonly chunk: Chunk }
  | { readonly kind: "outOfRange" }
  | { readonly kind: "gone" }
  | { readonly kind: "unreadable"; readonly why: string };

export type Tell = (told: Told) => void;

const PAUSE_MS = 50;
/** What was put into words last is kept for readers that are a little behind. */
const KEPT_CHUNKS = 8;
const KEPT_BYTES_MAX = 512 * 1024;

/**
 * One partition in one format for all its readers here: whoever waits at the same offset shares one fetch, and the
 * words that were made of it.
 */
export class PartitionFeed {
  readonly #broker: BrokerContext;
  readonly #fetches: Fetches;
  readonly #of: { readonly topic: TopicId; readonly partition: number; readonly format: Format };
  /** By offset. */
  readonly #waits = new Map<number, Set<Tell>>();
  #kept: Chunk[] = [];
  /** Readers that may come back. */
  readerCount = 0;

  constructor(
    { broker, fetches }: { broker: BrokerContext; fetches: Fetches },
    of: { topic: TopicId; partition: number; format: Format },
  ) {
    this.#broker = broker;
    this.#fetches = fetches;
    this.#of = of;
  }

  /** Calls `tell` once, in a later turn, with what follows from `offset` on, unless it is cancelled before. */
  listen(offset: number, tell: Tell): void {
    const tellers = this.#waits.get(offset);
    if (tellers !== undefined) {
      tellers.add(tell);
      return;
    }
    this.#waits.set(offset, new Set([tell]));
    const kept = this.#kept.find(({ from }) => from === offset);
    if (kept !== undefined) queueMicrotask(() => this.#tell(offset, { kind: "chunk", chunk: kept }));
    else void this.#run(offset);
  }

  cancel(offset: number, tell: Tell): void {
    this.#waits.get(offset)?.delete(tell);
  }

  /** Fetches until there is something to tell, or nobody waits any more. */
  async #run(offset: number): Promise<void> {
    const { topic, partition } = this.#of;
    for (;;) {
      const fetched = await this.#fetches.fetch(topic, partition, offset);
      if (this.#waits.get(offset)?.size === 0) return void this.#waits.delete(offset);
      const told = this.#toldOf(fetched, offset);
      if (told !== null) return this.#tell(offset, told);
      if (fetched.kind === "again") await sleep(this.#broker.clock, PAUSE_MS);
    }
  }

  /** Null when there is nothing to tell yet. */
  #toldOf(fetched: Fetched, offset: number): Told | null {
    switch (fetched.kind) {
      case "again":
        return null;
      case "refused":
        return { kind: "unreadable", why: fetched.why };
      case "records":
        return this.#wordsOf(fetched.chunks, offset);
      default:
        return { kind: fetched.kind };
    }
  }

  #wordsOf(chunks: readonly Uint8Array[], from: number): Told | null {
    const { partition, format } = this.#of;
    try {
      const chunk = chunkOf(joined(chunks), { partition, from, format });
      if (chunk.next === from) return null;
      this.#keep(chunk);
      return { kind: "chunk", chunk };
    } catch (error) {
      if (!isMalformed(error)) throw error;
      return { kind: "unreadable", why: `a batch cannot be opened: ${(error as Error).message}` };
    } finally {
      for (const chunk of chunks) giveBackBlock(chunk);
    }
  }

  #keep(chunk: Chunk): void {
    if (this.readerCount < 2) return;
    this.#kept.push(chunk);
    let bytes = this.#kept.reduce((sum, { lines }) => sum + lines.length, 0);
    while (this.#kept.length > KEPT_CHUNKS || (bytes > KEPT_BYTES_MAX && this.#kept.length > 0)) {
      bytes -= this.#kept.shift()!.lines.length;
    }
  }

  #tell(offset: number, told: Told): void {
    const tellers = this.#waits.get(offset) ?? [];
    this.#waits.delete(offset);
    for (const tell of tellers) tell(told);
  }
}
