/**
 * What every socket of the process reads into: a read and its callback are one step of the event loop, so a chunk is
 * its receiver's only until the callback returns. One read takes two batches of the usual size whole.
 */
export const RECEIVE_BUFFER = Buffer.allocUnsafeSlow(256 * 1024);
