/** One read takes two batches of the usual size whole. */
const RECEIVE_BUFFER = Buffer.allocUnsafeSlow(256 * 1024);

/**
 * The `onread` option of a socket that reads into the one buffer of all sockets: a read and its callback are one step
 * of the event loop, so a chunk is its receiver's only until `onChunk` returns.
 */
export const intoOneBuffer = (onChunk: (chunk: Buffer) => void) => ({
  buffer: RECEIVE_BUFFER,
  callback(countBytes: number): boolean {
    onChunk(RECEIVE_BUFFER.subarray(0, countBytes));
    return true;
  },
});
