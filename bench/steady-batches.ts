import { nowMs, sleep } from "./machine.ts";
import { percentile } from "./statistics.ts";
import { Connection } from "./connection.ts";
import { produce, recordBatch } from "./requests.ts";

/** One batch to one partition every `periodMs`, whatever became of those before. */
export interface SteadyBatches {
  readonly topic: string;
  readonly leader: { readonly host: string; readonly port: number };
  readonly periodMs: number;
  readonly records: number;
  readonly recordBytes: number;
}

/** Milliseconds since the process began. */
export interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** What came of one batch. */
export interface Sent {
  readonly dueMs: number;
  readonly tookMs: number;
}

/** The time within which 99 of 100 batches that were due in `span` were acknowledged. @throws Error without any */
export function p99Of(sent: readonly Sent[], span: Span): number {
  const took = sent.filter(({ dueMs }) => dueMs >= span.fromMs && dueMs < span.untilMs).map(({ tookMs }) => tookMs);
  if (took.length === 0) throw new Error("no batch was due in that time");
  took.sort((a, b) => a - b);
  return percentile(took, 0.99);
}

/** A producer in this process whose latencies count from when a batch was due: a late client is a late record, too. */
export class SteadyProducer {
  private readonly load: SteadyBatches;
  private readonly connection: Connection;
  private readonly ended: Promise<void>;
  private readonly pending = new Set<Promise<void>>();
  private failure: Error | undefined;
  private isOver = false;
  private readonly sent: Sent[] = [];

  constructor(load: SteadyBatches) {
    this.load = load;
    this.connection = new Connection(load.leader);
    this.ended = this.run();
  }

  /** Sends no more; answers all that was sent, once all of it is acknowledged. @throws Error when something was not */
  async stop(): Promise<Sent[]> {
    this.isOver = true;
    await this.ended;
    await Promise.all(this.pending);
    this.connection.close();
    if (this.failure !== undefined) throw this.failure;
    return this.sent;
  }

  private async run(): Promise<void> {
    const { records, recordBytes, periodMs } = this.load;
    const batch = recordBatch({ count: records, valueBytes: recordBytes, timestampMs: Date.now() });
    for (let dueMs = nowMs(); !this.isOver && this.failure === undefined; dueMs += periodMs) {
      await sleep(Math.max(0, dueMs - nowMs()));
      const one = this.send(batch, dueMs).finally(() => this.pending.delete(one));
      this.pending.add(one);
    }
  }

  private async send(batch: Buffer, dueMs: number): Promise<void> {
    try {
      const code = await produce(this.connection, { topic: this.load.topic, partition: 0, batch });
      if (code !== 0) throw new Error(`a produce was refused with code ${code}`);
      this.sent.push({ dueMs, tookMs: nowMs() - dueMs });
    } catch (error) {
      this.failure ??= new Error("the steady produce failed", { cause: error });
    }
  }
}
