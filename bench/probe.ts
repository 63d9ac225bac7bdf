import { nowMs, sleep } from "./machine.ts";
import type { Running, RunningBroker } from "./system.ts";
import { Connection } from "./connection.ts";
import { metadata, produce, recordBatch } from "./requests.ts";

const periodMs = 10;
const inFlightMax = 100;

/**
 * A producer that shows for how long each partition of a topic takes nothing: every 10 ms it sends one record with
 * acks=all to whoever leads (600 a second on six partitions), whatever became of the records before, and every 20 ms
 * it asks every broker that answers who leads. A client library would add its own back-off to the gap.
 */
export class Probe {
  private readonly running: Running;
  private readonly topic: string;
  private readonly leaders: { leader: number; leaderEpoch: number }[];
  private readonly toLeaders: ({ leader: number; connection: Connection } | undefined)[];
  private readonly acksAtMs: number[][];
  private readonly batch = recordBatch({ count: 1, valueBytes: 100, timestampMs: Date.now() });
  private isStopped = false;

  constructor(running: Running, topic: string, partitions: number) {
    this.running = running;
    this.topic = topic;
    this.leaders = Array.from({ length: partitions }, () => ({ leader: -1, leaderEpoch: -1 }));
    this.toLeaders = Array.from({ length: partitions }, () => undefined);
    this.acksAtMs = Array.from({ length: partitions }, () => []);
  }

  start(): void {
    for (const broker of this.running.brokers) void this.askWhoLeads(broker);
    for (let partition = 0; partition < this.leaders.length; partition++) void this.produceTo(partition);
  }

  stop(): void {
    this.isStopped = true;
    for (const entry of this.toLeaders) entry?.connection.close();
  }

  leaderOf(partition: number): number {
    return this.leaders[partition]?.leader ?? -1;
  }

  /** True when every partition has acknowledged something within the last `withinMs`. */
  isServing(withinMs: number): boolean {
    return this.acksAtMs.every((acks) => nowMs() - (acks.at(-1) ?? -Infinity) < withinMs);
  }

  /** Waits until every partition has been served for `steadyMs` without a pause; false after `limitMs`. */
  async untilServing(steadyMs: number, limitMs: number): Promise<boolean> {
    const deadline = nowMs() + limitMs;
    let sinceMs = nowMs();
    while (nowMs() < deadline) {
      if (!this.isServing(500)) sinceMs = nowMs();
      else if (nowMs() - sinceMs >= steadyMs) return true;
      await sleep(20);
    }
    return false;
  }

  /** Longest time between two successive acknowledgements of one partition, of those that ended after `sinceMs`. */
  longestGapMs(sinceMs: number): number {
    let longest = 0;
    for (const acks of this.acksAtMs) {
      for (let i = 1; i < acks.length; i++) {
        const [before, after] = [acks[i - 1] as number, acks[i] as number];
        if (after > sinceMs) longest = Math.max(longest, after - before);
      }
    }
    return longest;
  }

  private async askWhoLeads(broker: RunningBroker): Promise<void> {
    let connection = new Connection(broker);
    while (!this.isStopped) {
      try {
        const { partitions } = await metadata(connection, this.topic);
        for (const { partition, leader, leaderEpoch } of partitions) {
          const known = this.leaders[partition];
          if (known !== undefined && leaderEpoch > known.leaderEpoch && leader >= 0) {
            this.leaders[partition] = { leader, leaderEpoch };
          }
        }
      } catch {
        // This broker does not answer; the others do, and it may again.
        connection.close();
        connection = new Connection(broker);
      }
      await sleep(20);
    }
    connection.close();
  }

  private connectionTo(partition: number): Connection | undefined {
    const leader = this.leaderOf(partition);
    const known = this.toLeaders[partition];
    if (known !== undefined && known.leader === leader && known.connection.isOpen) return known.connection;
    known?.connection.close();
    const broker = this.running.brokers.find((candidate) => candidate.id === leader);
    if (broker === undefined) return undefined;
    const connection = new Connection(broker);
    this.toLeaders[partition] = { leader, connection };
    return connection;
  }

  private async produceTo(partition: number): Promise<void> {
    let nextMs = nowMs();
    while (!this.isStopped) {
      const connection = this.connectionTo(partition);
      if (connection !== undefined && connection.inFlight < inFlightMax) {
        produce(connection, { topic: this.topic, partition, batch: this.batch }).then(
          (code) => {
            if (code === 0) this.acksAtMs[partition]?.push(nowMs());
          },
          () => undefined,
        );
      }
      nextMs = Math.max(nextMs + periodMs, nowMs());
      await sleep(Math.max(0, nextMs - nowMs()));
    }
  }
}
