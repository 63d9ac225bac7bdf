import { describe, expect, test } from "@jest/globals";
import { MemoryPool, writeAndGiveBack } from "./memory-pool.ts";

const BLOCK_BYTES = 256 * 1024;

/** A stream that says when what it was given is sent. */
class Stream {
  readonly waiting: ((() => void) | undefined)[] = [];

  write(_chunk: Uint8Array, onSent?: () => void): void {
    this.waiting.push(onSent);
  }
}

describe("a pool of memory", () => {
  test("lends a block again once a stream has sent what was in it, not before", () => {
    const [pool, stream] = [new MemoryPool(BLOCK_BYTES, 2), new Stream()];
    const block = pool.take();
    writeAndGiveBack(stream, block.subarray(10, 200_000));
    expect(pool.take().buffer).not.toBe(block.buffer);
    stream.waiting[0]?.();
    expect(pool.take().buffer).toBe(block.buffer);
  });

  test("keeps no more blocks than it was told to", () => {
    const pool = new MemoryPool(BLOCK_BYTES, 1);
    const [first, second] = [pool.take(), pool.take()];
    pool.giveBack(first);
    pool.giveBack(second);
    expect(pool.take()).toBe(first);
    expect(pool.take()).not.toBe(second);
  });

  test("has nothing to do with other memory", () => {
    const stream = new Stream();
    writeAndGiveBack(stream, new Uint8Array(BLOCK_BYTES));
    writeAndGiveBack(stream, new MemoryPool(BLOCK_BYTES, 1).take().subarray(0, 100));
    expect(stream.waiting).toEqual([undefined, undefined]);
  });
});
