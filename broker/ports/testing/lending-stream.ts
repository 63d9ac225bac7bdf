import type { ByteStream } from "../network.ts";

const ignore = (): void => {};
/** What a chunk holds once it was taken back. */
const TAKEN_BACK = 0xee;

/**
 * A stream whose chunks are the receiver's until `onData` returns and are overwritten then, as those of the Kafka port
 * are by the next read: whoever keeps a view on one is found out.
 */
export class LendingStream implements ByteStream {
  readonly remote: string;
  readonly #inner: ByteStream;
  onData: (chunk: Uint8Array) => void = ignore;
  onDrain: () => void = ignore;
  onClose: () => void = ignore;

  constructor(inner: ByteStream) {
    this.#inner = inner;
    this.remote = inner.remote;
    inner.onData = (chunk) => {
      const lent = new Uint8Array(chunk);
      this.onData(lent);
      lent.fill(TAKEN_BACK);
    };
    inner.onDrain = () => this.onDrain();
    inner.onClose = () => this.onClose();
  }

  get pendingBytes(): number {
    return this.#inner.pendingBytes;
  }

  write(chunk: Uint8Array): void {
    this.#inner.write(chunk);
  }

  cork(): void {
    this.#inner.cork();
  }

  uncork(): void {
    this.#inner.uncork();
  }

  pause(): void {
    this.#inner.pause();
  }

  resume(): void {
    this.#inner.resume();
  }

  close(): void {
    this.#inner.close();
  }

  destroy(): void {
    this.#inner.destroy();
  }
}
