import { assert } from "../../base/assert.ts";
import { type BrokerId, type Offset, offset } from "../../base/ids.ts";
import type { Random } from "../../base/random.ts";
import { defaultLogConfig } from "../../storage/log-config.ts";
import { SegmentCleaner } from "../../storage/segment-cleaner.ts";
import { baseOffsetOf, batchPositions, lastOffsetOf } from "../../wire/record-batch.ts";
import { buildBatch } from "../../wire/record-batch-builder.ts";
import { recordsOf } from "../../wire/record-batch-records.ts";
import { DiskStore } from "./disk-store.ts";
import { TestCluster } from "./test-cluster.ts";

const REPLICAS = [1, 2, 3];

/**
 * Three replicas of a compacted partition, with real logs, that are killed, led by one after the other, and compacted
 * each by itself. What is promised: on every replica each record stands at the offset at which it was acknowledged, no
 * offset is without its place, and the newest acknowledged record of every key is there.
 */
export class CompactingCluster {
  readonly cluster: TestCluster;
  readonly #below: (bound: number) => number;
  /** Acknowledged to everybody: value and key by offset. */
  readonly #acked = new Map<number, { key: string; value: string }>();
  #count = 0;
  /** Runs that made a log smaller. */
  compactions = 0;

  constructor(random: Random) {
    this.#below = (bound) => Math.floor(random.next() * bound);
    this.cluster = new TestCluster(REPLICAS, { minIsr: 2, newStore: (clock) => new DiskStore(clock) });
    this.cluster.config = { ...defaultLogConfig, segmentBytes: 400, indexIntervalBytes: 100, isCompacted: true };
  }

  get #alive(): number[] {
    return [...this.cluster.managers.keys()];
  }

  /** Lives through `deeds` of them, then checks. */
  async live(deeds: number): Promise<void> {
    await this.cluster.start();
    await this.#wait(50);
    for (let deed = 0; deed < deeds; deed++) await this.#doSomething();
    for (const id of REPLICAS) if (!this.#alive.includes(id)) await this.cluster.startBroker(id);
    for (let round = 0; round < 20 && !this.#isSettled(); round++) await this.#wait(500);
    assert(this.#isSettled(), "every replica comes back into the ISR");
    for (const id of REPLICAS) await this.#check(id);
  }

  async #doSomething(): Promise<void> {
    const dead = REPLICAS.filter((id) => !this.#alive.includes(id));
    switch (this.#below(10)) {
      case 0:
        return await this.#kill(this.#alive[this.#below(this.#alive.length)]!);
      case 1:
        return dead.length === 0 ? undefined : await this.cluster.startBroker(dead[0]!);
      case 2:
      case 3:
      case 4:
        return await this.#compact(this.#alive[this.#below(this.#alive.length)]!);
      case 5:
        return await this.#wait(this.#below(600));
      default:
        return await this.#produce(1 + this.#below(8));
    }
  }

  async #kill(id: number): Promise<void> {
    const { row } = this.cluster;
    const left = row.isr.filter((one) => one !== id);
    // The last in-sync replica lives on: losing it is not what this is about.
    if (left.length === 0) return;
    await this.cluster.kill(id);
    if (row.leader === id) await this.cluster.elect(left[0]!, left);
    else if (left.length < row.isr.length) await this.cluster.commit({ isr: left });
    await this.#wait(20);
  }

  async #compact(id: number): Promise<void> {
    const { log, highWatermark } = this.cluster.replica(id);
    log.setTailBytesMax(0);
    const compactor = new SegmentCleaner((this.cluster.stores.get(id) as DiskStore).disk, this.cluster.clock);
    const limits = { nowMs: 2000, keyBytesMax: 1 << 12, hashKey: [1, 2, 3, 4], bytesPerSecond: 1e15 } as const;
    let isOver = false;
    const running = log.compaction.run(compactor, { ...limits, highWatermark }).finally(() => {
      isOver = true;
    });
    // What is still to be written before it, time brings about.
    while (!isOver) await this.cluster.clock.advance(1);
    const { bytesBefore, bytesAfter } = await running;
    if (bytesAfter < bytesBefore) this.compactions++;
  }

  async #produce(batches: number): Promise<void> {
    const leader = this.cluster.replica(this.cluster.row.leader);
    for (let batch = 0; batch < batches; batch++) {
      const records = Array.from({ length: 1 + this.#below(3) }, () => ({
        key: `key-${this.#below(5)}`,
        value: `value-${this.#count++}`,
        timestamp: 1000,
      }));
      const result = leader.append(buildBatch(records), { acks: -1, nowMs: 0 });
      if (result.kind !== "appended") continue;
      const { baseOffset, lastOffset } = result;
      leader.whenCommitted(lastOffset, { timeoutMs: 30_000 }, (errorCode) => {
        if (errorCode !== 0) return;
        for (const [index, { key, value }] of records.entries()) this.#acked.set(baseOffset + index, { key, value });
      });
    }
    await this.#wait(10);
  }

  /** Time passes, and the controller takes what leaders propose. */
  async #wait(ms: number): Promise<void> {
    await this.cluster.clock.advance(ms);
    const { row } = this.cluster;
    const proposal = this.cluster.proposals().at(-1);
    const isCurrent = proposal?.leaderEpoch === row.leaderEpoch && proposal.partitionEpoch === row.partitionEpoch;
    if (proposal === undefined || !isCurrent) return;
    const isr = proposal.isr.map(({ broker }) => broker).filter((id) => this.#alive.includes(id));
    await this.cluster.commit({ isr: isr as BrokerId[] });
  }

  #isSettled(): boolean {
    const ends = REPLICAS.map((id) => this.cluster.replica(id).log.logEnd);
    const { highWatermark } = this.cluster.replica(this.cluster.row.leader);
    return this.cluster.row.isr.length === REPLICAS.length && ends.every((end) => end === highWatermark);
  }

  async #check(id: number): Promise<void> {
    const held = await contentOf(this.cluster, id);
    const newest = new Map<string, number>();
    for (const [at, { key, value }] of [...this.#acked].sort(([one], [other]) => one - other)) {
      newest.set(key, at);
      const found = held.get(at);
      assert(found === undefined || found.value === value, `replica ${id} has another record at ${at}`);
    }
    for (const [key, at] of newest) {
      // One that was not acknowledged, or not in time, may have taken its place all the same.
      const isThere = held.has(at) || [...held].some(([place, record]) => place > at && record.key === key);
      assert(isThere, `replica ${id} has ${key}, last acknowledged at ${at}`);
    }
  }
}

/** Every record by its offset, read off the disk; every offset has its place. */
async function contentOf(cluster: TestCluster, id: number): Promise<Map<number, { key: string; value: string }>> {
  const { log } = cluster.replica(id);
  log.setTailBytesMax(0);
  const held = new Map<number, { key: string; value: string }>();
  let next: number = log.logStart;
  while (next < log.logEnd) {
    for (const view of await log.read(offset(next), { endOffset: log.logEnd, maxBytes: 10_000 })) {
      for (const at of batchPositions(view)) {
        assert(baseOffsetOf(view, at) === next, `a batch of replica ${id} begins at ${next}`);
        next = (lastOffsetOf(view, at) + 1) as Offset;
        for (const { offset: place, key, value } of recordsOf(view, at)) {
          held.set(place, { key: Buffer.from(key ?? []).toString(), value: Buffer.from(value ?? []).toString() });
        }
      }
    }
  }
  return held;
}
