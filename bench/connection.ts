import { connect, type Socket } from "node:net";
import { FrameCutter } from "../broker/server/frames.ts";
import { correlationIdOf, SIZE_BYTES } from "../broker/wire/frame.ts";
import { Writer } from "../broker/wire/writer.ts";

const CORRELATION_BYTES = 4;
const ANSWER_BYTES_MAX = 128 * 1024 * 1024;

interface Waiting {
  resolve(answer: Uint8Array): void;
  reject(error: Error): void;
}

/**
 * One connection to one broker, for probes that must not wait as a client library waits: no retries, no back-off.
 * Requests may be in flight together; each promise rejects when the connection ends.
 */
export class Connection {
  private readonly socket: Socket;
  private readonly waiting = new Map<number, Waiting>();
  private readonly frames = new FrameCutter(ANSWER_BYTES_MAX);
  private correlation = 0;
  isOpen = true;

  constructor(address: { host: string; port: number }) {
    this.socket = connect(address.port, address.host);
    this.socket.setNoDelay(true);
    this.socket.on("data", (chunk: Buffer) => this.receive(chunk));
    this.socket.on("error", () => this.socket.destroy());
    this.socket.on("close", () => this.end());
  }

  /** Sends a body with a header of a version before tagged fields came; answers the body that comes back. */
  request(apiKey: number, version: number, body: Buffer): Promise<Uint8Array> {
    if (!this.isOpen) return Promise.reject(new Error("the connection has ended"));
    const correlation = ++this.correlation;
    const header = new Writer();
    header.int32(0);
    header.int16(apiKey);
    header.int16(version);
    header.int32(correlation);
    header.nullableString("bench");
    header.patchInt32(0, header.sizeBytes - SIZE_BYTES + body.length);
    return new Promise((resolve, reject) => {
      this.waiting.set(correlation, { resolve, reject });
      this.socket.write(Buffer.concat([...header.chunks(), body]));
    });
  }

  get inFlight(): number {
    return this.waiting.size;
  }

  close(): void {
    this.socket.destroy();
  }

  private end(): void {
    this.isOpen = false;
    for (const { reject } of this.waiting.values()) reject(new Error("the connection has ended"));
    this.waiting.clear();
  }

  private receive(chunk: Buffer): void {
    this.frames.push(chunk);
    for (let frame = this.frames.next(); frame !== null; frame = this.frames.next()) {
      const correlation = correlationIdOf(frame);
      this.waiting.get(correlation)?.resolve(frame.subarray(CORRELATION_BYTES));
      this.waiting.delete(correlation);
    }
  }
}
