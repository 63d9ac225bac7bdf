/** What a chunk holds once it was taken back. */
const TAKEN_BACK = 0xee;

/**
 * Lends a chunk as sockets do, whose memory takes the next one: it is overwritten once `onData` has returned, so that
 * whoever keeps a view on it is found out.
 */
export function lend(chunk: Uint8Array, onData: (chunk: Uint8Array) => void): void {
  onData(chunk);
  chunk.fill(TAKEN_BACK);
}
