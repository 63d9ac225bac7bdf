import { connect, type Socket } from "node:net";
import { lastOffsetOf, sizeBytesOf } from "../broker/wire/record-batch.ts";
import { buildBatch } from "../broker/wire/record-batch-builder.ts";

/** Where a broker listens for clients. */
export interface Broker {
  readonly id: number;
  readonly host: string;
  readonly port: number;
}

export interface PartitionLeader {
  readonly partition: number;
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly isr: readonly number[];
}

/** Writes the fields of a request of a version before tagged fields came: big-endian, lengths as int16 or int32. */
export class Fields {
  private readonly parts: Buffer[] = [];

  private number(sizeBytes: 1 | 2 | 4, value: number): this {
    const part = Buffer.alloc(sizeBytes);
    part.writeIntBE(value, 0, sizeBytes);
    this.parts.push(part);
    return this;
  }
  int8(value: number): this {
    return this.number(1, value);
  }
  int16(value: number): this {
    return this.number(2, value);
  }
  int32(value: number): this {
    return this.number(4, value);
  }
  int64(value: number): this {
    const part = Buffer.alloc(8);
    part.writeBigInt64BE(BigInt(value));
    this.parts.push(part);
    return this;
  }
  string(value: string | null): this {
    if (value === null) return this.int16(-1);
    this.int16(Buffer.byteLength(value));
    this.parts.push(Buffer.from(value));
    return this;
  }
  bytes(value: Buffer | null): this {
    if (value === null) return this.int32(-1);
    this.int32(value.length);
    this.parts.push(value);
    return this;
  }
  done(): Buffer {
    return Buffer.concat(this.parts);
  }
}

/** Reads what a broker answered, in the same old form. */
export class Answer {
  private readonly buffer: Buffer;
  private at = 0;

  constructor(buffer: Buffer) {
    this.buffer = buffer;
  }
  int8(): number {
    return this.buffer.readInt8(this.skip(1));
  }
  int16(): number {
    return this.buffer.readInt16BE(this.skip(2));
  }
  int32(): number {
    return this.buffer.readInt32BE(this.skip(4));
  }
  int64(): number {
    return Number(this.buffer.readBigInt64BE(this.skip(8)));
  }
  string(): string {
    const length = this.int16();
    if (length < 0) return "";
    const start = this.skip(length);
    return this.buffer.toString("utf8", start, start + length);
  }
  bytes(): Buffer {
    const length = this.int32();
    if (length < 0) return Buffer.alloc(0);
    const start = this.skip(length);
    return this.buffer.subarray(start, start + length);
  }
  list<T>(read: () => T): T[] {
    return Array.from({ length: Math.max(0, this.int32()) }, read);
  }
  /** What has not been read yet. */
  rest(): Buffer {
    return this.buffer.subarray(this.at);
  }
  private skip(sizeBytes: number): number {
    const start = this.at;
    this.at += sizeBytes;
    return start;
  }
}

/**
 * One connection to one broker, for probes that must not wait as a client library waits: no retries, no back-off.
 * Requests may be in flight together; each promise rejects when the connection ends.
 */
export class Connection {
  private readonly socket: Socket;
  private readonly waiting = new Map<number, { resolve: (answer: Answer) => void; reject: (error: Error) => void }>();
  private received: Buffer[] = [];
  private receivedBytes = 0;
  private correlation = 0;
  isOpen = true;

  constructor(address: { host: string; port: number }) {
    this.socket = connect(address.port, address.host);
    this.socket.setNoDelay(true);
    this.socket.on("data", (chunk: Buffer) => this.receive(chunk));
    this.socket.on("error", () => this.socket.destroy());
    this.socket.on("close", () => this.end());
  }

  request(apiKey: number, version: number, body: Buffer): Promise<Answer> {
    if (!this.isOpen) return Promise.reject(new Error("the connection has ended"));
    const correlation = ++this.correlation;
    const header = new Fields().int16(apiKey).int16(version).int32(correlation).string("bench").done();
    const length = new Fields().int32(header.length + body.length).done();
    return new Promise((resolve, reject) => {
      this.waiting.set(correlation, { resolve, reject });
      this.socket.write(Buffer.concat([length, header, body]));
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
    this.received.push(chunk);
    this.receivedBytes += chunk.length;
    const first = this.received[0] as Buffer;
    if (first.length >= 4 && this.receivedBytes < 4 + first.readInt32BE(0)) return;
    let rest = this.received.length === 1 ? first : Buffer.concat(this.received);
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const frame = rest.subarray(4, 4 + rest.readInt32BE(0));
      rest = rest.subarray(4 + frame.length);
      const correlation = frame.readInt32BE(0);
      this.waiting.get(correlation)?.resolve(new Answer(frame.subarray(4)));
      this.waiting.delete(correlation);
    }
    this.received = rest.length > 0 ? [rest] : [];
    this.receivedBytes = rest.length;
  }
}

/** Metadata v7: the brokers a broker knows, and who leads the partitions of `topic` (none when it is null). */
export async function metadata(
  connection: Connection,
  topic: string | null,
): Promise<{ brokers: Broker[]; errorCode: number; partitions: PartitionLeader[] }> {
  const body = new Fields().int32(topic === null ? 0 : 1);
  if (topic !== null) body.string(topic);
  const answer = await connection.request(3, 7, body.int8(0).done());
  answer.int32();
  const brokers = answer.list(() => {
    const broker = { id: answer.int32(), host: answer.string(), port: answer.int32() };
    answer.string();
    return broker;
  });
  answer.string();
  answer.int32();
  const topics = answer.list(() => {
    const errorCode = answer.int16();
    answer.string();
    answer.int8();
    const partitions = answer.list(() => {
      answer.int16();
      const [partition, leader, leaderEpoch] = [answer.int32(), answer.int32(), answer.int32()];
      answer.list(() => answer.int32());
      const isr = answer.list(() => answer.int32());
      answer.list(() => answer.int32());
      return { partition, leader, leaderEpoch, isr };
    });
    return { errorCode, partitions };
  });
  return { brokers, errorCode: topics[0]?.errorCode ?? 0, partitions: topics[0]?.partitions ?? [] };
}

/** CreateTopics v4. Answers Kafka's error code, 0 when the topic now exists. */
export async function createTopic(
  connection: Connection,
  topic: {
    name: string;
    partitions: number;
    /** How many, or who they are: then the topic has one partition. */
    replicas: number | readonly number[];
    config?: Record<string, string>;
  },
): Promise<number> {
  const config = Object.entries(topic.config ?? {});
  const body = new Fields().int32(1).string(topic.name);
  if (typeof topic.replicas === "number") body.int32(topic.partitions).int16(topic.replicas).int32(0);
  else {
    body.int32(-1).int16(-1).int32(1).int32(0).int32(topic.replicas.length);
    for (const id of topic.replicas) body.int32(id);
  }
  body.int32(config.length);
  for (const [key, value] of config) body.string(key).string(value);
  const answer = await connection.request(19, 4, body.int32(30_000).int8(0).done());
  answer.int32();
  const codes = answer.list(() => {
    answer.string();
    const code = answer.int16();
    answer.string();
    return code;
  });
  return codes[0] ?? -1;
}

/** DeleteTopics v1. Answers Kafka's error code. */
export async function deleteTopic(connection: Connection, name: string): Promise<number> {
  const answer = await connection.request(20, 1, new Fields().int32(1).string(name).int32(30_000).done());
  answer.int32();
  const codes = answer.list(() => {
    answer.string();
    return answer.int16();
  });
  return codes[0] ?? -1;
}

/** Produce v7 of one batch with acks=all. Answers Kafka's error code. */
export async function produce(
  connection: Connection,
  to: { topic: string; partition: number; batch: Buffer },
): Promise<number> {
  const body = new Fields().string(null).int16(-1).int32(30_000).int32(1).string(to.topic).int32(1);
  const answer = await connection.request(0, 7, body.int32(to.partition).bytes(to.batch).done());
  const codes = answer.list(() => {
    answer.string();
    return answer.list(() => {
      answer.int32();
      const code = answer.int16();
      for (let i = 0; i < 3; i++) answer.int64();
      return code;
    });
  });
  return codes[0]?.[0] ?? -1;
}

/** Fetch v4 of one partition, at most `maxBytes` (at least one batch). */
export async function fetchRecords(
  connection: Connection,
  from: { topic: string; partition: number; offset: number; maxBytes: number },
): Promise<{ errorCode: number; highWatermark: number; records: Buffer }> {
  const body = new Fields().int32(-1).int32(500).int32(1).int32(from.maxBytes).int8(0).int32(1).string(from.topic);
  body.int32(1).int32(from.partition).int64(from.offset).int32(from.maxBytes);
  const answer = await connection.request(1, 4, body.done());
  answer.int32();
  const topics = answer.list(() => {
    answer.string();
    return answer.list(() => {
      answer.int32();
      const [errorCode, highWatermark] = [answer.int16(), answer.int64()];
      answer.int64();
      answer.list(() => [answer.int64(), answer.int64()]);
      return { errorCode, highWatermark, records: answer.bytes() };
    });
  });
  return topics[0]?.[0] ?? { errorCode: -1, highWatermark: -1, records: Buffer.alloc(0) };
}

/** Offset after the last whole batch in what a fetch answered; −1 when there is none. */
export function nextOffset(records: Buffer): number {
  let next = -1;
  let at = 0;
  while (at + 27 <= records.length) {
    const size = sizeBytesOf(records, at);
    if (at + size > records.length) break;
    next = lastOffsetOf(records, at) + 1;
    at += size;
  }
  return next;
}

/** A record batch (no producer id, not compressed) of `count` records with values of `valueBytes` bytes. */
export function recordBatch(content: { count: number; valueBytes: number; timestampMs: number }): Buffer {
  const value = Buffer.alloc(content.valueBytes, "tidemark ");
  return buildBatch(Array.from({ length: content.count }, () => ({ value, timestamp: content.timestampMs })));
}
