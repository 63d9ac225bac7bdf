const owners = new WeakMap<ArrayBufferLike, MemoryPool>();

/**
 * Blocks of memory that are used again once they are given back. Left to the garbage collector, blocks of a mebibyte
 * pile up by the dozen before it looks. A block that is not given back is merely collected.
 */
export class MemoryPool {
  readonly blockBytes: number;
  readonly #blocksMax: number;
  readonly #free: Uint8Array[] = [];

  /** Keeps at most `blocksMax` blocks that nobody uses. */
  constructor(blockBytes: number, blocksMax: number) {
    this.blockBytes = blockBytes;
    this.#blocksMax = blocksMax;
  }

  /** A block whose contents are whatever they were. */
  take(): Uint8Array {
    const known = this.#free.pop();
    if (known !== undefined) return known;
    const block = new Uint8Array(this.blockBytes);
    owners.set(block.buffer, this);
    return block;
  }

  /** To be called once for each time that the block was taken, when nobody looks at it any more. */
  giveBack(block: Uint8Array): void {
    if (this.#free.length < this.#blocksMax) this.#free.push(block);
  }
}

/** Views that are smaller are not of a pool's block, or are so seldom that it does not matter. */
const VIEW_BYTES_MIN = 64 * 1024;

/** Gives the block that `chunk` is a view of, if it is one of a pool, back to it: nobody looks at it any more. */
export function giveBackBlock(chunk: Uint8Array): void {
  const owner = chunk.length < VIEW_BYTES_MIN ? undefined : owners.get(chunk.buffer);
  owner?.giveBack(new Uint8Array(chunk.buffer));
}

/** Writes to a stream, and gives the block that `chunk` is a view of back to its pool once the stream has sent it. */
export function writeAndGiveBack(
  stream: { write(chunk: Uint8Array, onSent?: () => void): void },
  chunk: Uint8Array,
): void {
  const owner = chunk.length < VIEW_BYTES_MIN ? undefined : owners.get(chunk.buffer);
  if (owner === undefined) stream.write(chunk);
  else stream.write(chunk, () => owner.giveBack(new Uint8Array(chunk.buffer)));
}
