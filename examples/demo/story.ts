import type { ClusterState, DemoCluster } from "./cluster.ts";
import type { Lanes } from "./lanes.ts";
import type { Ledger } from "./ledger.ts";
import type { Moment, Outcome, Scene, View } from "./scene.ts";
import type { InputRecord, Source } from "./source.ts";
import type { Sighting } from "./watcher.ts";
import type { WireTap } from "./wire-tap.ts";

/** Until the failure is over the stream is slowed to this, so that one can watch; then it runs as fast as it can. */
const PACE_PER_SECOND = 20_000;
const KILL_AT_MAX = 40_000;
/** The same when nobody knows how long the input is. */
const KILL_AT_UNKNOWN = 8000;
const KILL_SHARE = 0.25;
export const RECORDS_MIN = 20_000;
const OPEN_MIN = 5;
/** The kill waits this long for more requests than the least. */
const OPEN_WISH = 7;
const OPEN_WISH_MS = 300;
const BY_SUCCESSOR = 5000;
const QUEUED_MAX = 20_000;
const LOOK_MS = 50;
const WHOLE_MS_MAX = 30_000;
const ELECTION_MS_MAX = 30_000;

const pause = (delayMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, delayMs));

export interface StoryParts {
  readonly cluster: DemoCluster;
  readonly source: Source;
  readonly ledger: Ledger;
  readonly tap: WireTap;
  readonly scene: Scene;
  readonly view: View;
}

/** Streams the input, kills a leader in the middle, has it come back, and measures what clients felt. */
export class Story {
  readonly #parts: StoryParts;
  #lanes: Lanes | null = null;
  #isPaced = true;
  #isFed = false;
  #fed = 0;
  #killedAtMs: number | null = null;
  #victim = -1;
  #victimPort = 0;
  #isVictimSilent = false;
  #victimPartitions = new Set<number>();
  #openAtKill = 0;
  /** Partitions of the victim that nobody leads yet. */
  #leaderless = new Set<number>();
  #leaderlessMs = 0;
  #unheard = new Set<number>();
  #silentMs = 0;
  #bySuccessor = 0;
  #bySuccessorAtRevival = 0;
  #isWhole = false;
  #fault: unknown = null;
  readonly #startedAtMs = performance.now();

  constructor(parts: StoryParts) {
    this.#parts = parts;
  }

  /** Of the lanes: records of `partition` were acknowledged. */
  onAcked(partition: number, records: readonly InputRecord[]): void {
    const { ledger, scene } = this.#parts;
    for (const { n } of records) ledger.noteAck(n);
    scene.acked = ledger.acked;
    const tenth = this.#tenth();
    while (scene.tenths.length <= tenth) scene.tenths.push(0);
    scene.tenths[tenth] = (scene.tenths[tenth] ?? 0) + records.length;
    if (this.#killedAtMs === null || !this.#victimPartitions.has(partition)) return;
    // Until its connections have broken, what comes are the victim's own last answers.
    this.#isVictimSilent ||= this.#parts.tap.connectedTo(this.#victimPort) === 0;
    if (!this.#isVictimSilent) return;
    this.#bySuccessor += records.length;
    if (!this.#unheard.delete(partition)) return;
    this.#silentMs = Math.max(this.#silentMs, performance.now() - this.#killedAtMs);
    if (this.#unheard.size === 0) this.#say("good", `all ${this.#victimPartitions.size} partitions acknowledge again`);
  }

  #tenth(): number {
    return Math.floor((performance.now() - this.#startedAtMs) / 100);
  }

  /** Of the watch: the topic's partitions or the brokers changed. */
  onState({ state, atMs }: Sighting): void {
    this.#parts.scene.state = state;
    if (this.#killedAtMs === null || this.#leaderless.size === 0) return;
    const sinceMs = atMs - performance.timeOrigin - this.#killedAtMs;
    for (const { partition, leader } of state.partitions) {
      if (leader < 0 || leader === this.#victim || !this.#leaderless.delete(partition)) continue;
      this.#leaderlessMs = sinceMs;
    }
    if (this.#leaderless.size > 0) return;
    this.#say(
      "good",
      `all ${this.#victimPartitions.size} have a new leader, elected from the in-sync replicas`,
      sinceMs,
    );
  }

  onFault(partition: number, error: unknown): void {
    this.#fault ??= new Error(`partition ${partition} could not be written: ${reason(error)}`, { cause: error });
  }

  async run(lanes: Lanes): Promise<Omit<Outcome, "verdict" | "recordsPerSecondMax">> {
    this.#lanes = lanes;
    const feeding = this.#feed();
    const painting = this.#repaint();
    await this.#until(() => this.#fed >= this.#killAt() || this.#isFed);
    if (this.#isFed && this.#fed < RECORDS_MIN) {
      throw new Error(tooFew(this.#fed));
    }
    await this.#killLeader();
    await this.#untilLed();
    await this.#until(() => this.#unheard.size === 0 || this.#isIdle());
    await this.#until(() => this.#bySuccessor >= BY_SUCCESSOR || this.#isIdle());
    this.#bySuccessorAtRevival = this.#bySuccessor;
    this.#parts.cluster.revive();
    this.#say(
      "plain",
      `the successors acknowledged ${count(this.#bySuccessor)} records; broker ${this.#victim} is started again`,
    );
    await this.#untilWhole();
    this.#isPaced = false;
    this.#parts.scene.pace = "as fast as it goes";
    await feeding;
    await this.#until(() => this.#isIdle());
    await lanes.drained();
    this.#isOver = true;
    await painting;
    return {
      openAtKill: this.#openAtKill,
      victim: this.#victim,
      victimLed: this.#victimPartitions.size,
      leaderlessMs: this.#leaderlessMs,
      silentMs: this.#silentMs,
      bySuccessor: this.#bySuccessorAtRevival,
      isWhole: this.#isWhole,
    };
  }

  #isOver = false;

  /** Lets what still waits end; for a demo that is broken off. */
  abandon(): void {
    this.#isOver = true;
    this.#fault ??= new Error("broken off");
  }

  #killAt(): number {
    const { count: total } = this.#parts.source;
    return total === null ? KILL_AT_UNKNOWN : Math.min(KILL_AT_MAX, Math.floor(total * KILL_SHARE));
  }

  #isIdle(): boolean {
    const { ledger } = this.#parts;
    return this.#isFed && ledger.acked === ledger.input;
  }

  /** `sinceMs`: when it happened, after the kill; now when left out. */
  #say(mood: Moment["mood"], text: string, sinceMs?: number): void {
    const { scene, view } = this.#parts;
    const moment: Moment = { atMs: sinceMs ?? performance.now() - (this.#killedAtMs ?? 0), text, mood };
    scene.moments.push(moment);
    scene.moments.sort((a, b) => a.atMs - b.atMs);
    view.moment(scene, moment);
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#fault !== null) throw this.#fault;
      await pause(2);
    }
  }

  async #feed(): Promise<void> {
    const { source, ledger, scene } = this.#parts;
    const lanes = this.#lanes!;
    let windowStartMs = performance.now();
    let windowFed = 0;
    for await (const record of source.records()) {
      ledger.noteInput(record.key, record.value);
      lanes.add(record);
      this.#fed++;
      windowFed++;
      if (windowFed % 64 !== 0) continue;
      if (this.#fault !== null) return;
      while (lanes.queued > QUEUED_MAX && this.#fault === null) await pause(2);
      if (!this.#isPaced) {
        if (windowFed % 1024 === 0) await pause(0);
        continue;
      }
      const aheadMs = (windowFed / PACE_PER_SECOND) * 1000 - (performance.now() - windowStartMs);
      if (aheadMs > 1) await pause(aheadMs);
      else if (aheadMs < -500) [windowStartMs, windowFed] = [performance.now(), 0];
    }
    this.#isFed = true;
    scene.count = ledger.input;
  }

  async #repaint(): Promise<void> {
    const { scene, view } = this.#parts;
    while (!this.#isOver) {
      view.update(scene);
      await pause(LOOK_MS);
    }
  }

  /** Chooses the broker that leads most, waits until enough requests are open at it, and kills it in that turn. */
  async #killLeader(): Promise<void> {
    const { cluster, tap, scene } = this.#parts;
    const ledBy = (broker: number): number[] =>
      (scene.state?.partitions ?? []).filter(({ leader }) => leader === broker).map(({ partition }) => partition);
    this.#victim = [...cluster.brokers].sort((a, b) => ledBy(b).length - ledBy(a).length)[0] ?? 0;
    const pid = cluster.pidOf(this.#victim);
    const port = cluster.kafkaPortOf(this.#victim);
    this.#victimPort = port;
    this.#victimPartitions = new Set(ledBy(this.#victim));
    this.#leaderless = new Set(this.#victimPartitions);
    this.#isPaced = false;
    const wishedAtMs = performance.now();
    await new Promise<void>((resolve) => {
      tap.onProduce = (at) => {
        const isLate = performance.now() - wishedAtMs > OPEN_WISH_MS;
        if (at !== port || tap.openAt(port) < (isLate ? OPEN_MIN : OPEN_WISH)) return;
        this.#openAtKill = tap.openAt(port);
        cluster.kill(pid);
        this.#killedAtMs = performance.now();
        tap.onProduce = () => {};
        resolve();
      };
      void this.#until(() => this.#isIdle() || this.#killedAtMs !== null).then(resolve, resolve);
    });
    if (this.#killedAtMs === null)
      throw new Error(`there were never ${OPEN_MIN} produce requests open at broker ${this.#victim}`);
    this.#isPaced = true;
    this.#unheard = new Set(this.#victimPartitions);
    scene.dead = this.#victim;
    scene.killedAtTenth = this.#tenth();
    const led = `leader of ${this.#victimPartitions.size} partitions`;
    this.#say(
      "bad",
      `kill -9 broker ${this.#victim} (pid ${pid}), ${led}, with ${this.#openAtKill} produce requests open`,
    );
  }

  async #untilLed(): Promise<void> {
    const isLate = (): boolean => performance.now() - (this.#killedAtMs ?? 0) > ELECTION_MS_MAX;
    await this.#until(() => this.#leaderless.size === 0 || isLate());
    if (this.#leaderless.size === 0) return;
    throw new Error(`${this.#leaderless.size} partitions have no leader ${ELECTION_MS_MAX / 1000} s after the kill`);
  }

  async #untilWhole(): Promise<void> {
    const { scene } = this.#parts;
    const sinceMs = performance.now();
    const isBack = (state: ClusterState | null): boolean => state?.brokersUp.includes(this.#victim) ?? false;
    const isWhole = (state: ClusterState | null): boolean =>
      isBack(state) && (state?.partitions.every(({ isr, replicas }) => isr.length === replicas.length) ?? false);
    const isLate = (): boolean => performance.now() - sinceMs > WHOLE_MS_MAX;
    await this.#until(() => isBack(scene.state) || isLate());
    scene.dead = null;
    if (isBack(scene.state)) this.#say("good", `broker ${this.#victim} is back and catches up`);
    await this.#until(() => isWhole(scene.state) || isLate());
    this.#isWhole = isWhole(scene.state);
    scene.wholeAtTenth = this.#tenth();
    if (this.#isWhole) this.#say("good", "every partition has all its replicas in sync again");
    else this.#say("bad", `after ${WHOLE_MS_MAX / 1000} s not every replica is in sync again`);
  }
}

/** Said of an input that ends too early. */
export const tooFew = (records: number): string =>
  `the input has only ${count(records)} records; the demo needs ${count(RECORDS_MIN)} to kill a leader in their middle`;

const count = (value: number): string => value.toLocaleString("en-US");

function reason(error: unknown): string {
  const inner: unknown = Error.isError(error) ? (error.cause ?? error) : error;
  return Error.isError(inner) ? inner.message : String(inner);
}
