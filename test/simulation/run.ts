import type { SimulatedConsumer } from "./clients/consumer.ts";
import { Faults } from "./faults.ts";
import { SimulatedGroups } from "./groups.ts";
import { type Counters, Facts, type Loss, type Violation } from "./oracle/facts.ts";
import { checkAtEnd, notHealed } from "./oracle/at-end.ts";
import { Oracle } from "./oracle/oracle.ts";
import { planOf, type RunPlan } from "./plan.ts";
import { Reassignments } from "./reassignments.ts";
import { TopicChanges } from "./topic-changes.ts";
import { SimulatedClient, type TopicPlan } from "./workload.ts";
import { type Bug, SimulatedCluster } from "./world/cluster.ts";
import { SimulatedNetwork } from "./world/network.ts";
import { SeededRandom } from "./world/random.ts";
import { Scheduler } from "./world/scheduler.ts";

const FAULTS_FROM_MS = 3_000;
const FAULTS_UNTIL_MS = 44_000;
/** Faults go on until there were so many, though not for ever. */
const FAULTS_MIN = 10;
const FAULTS_UNTIL_MS_MAX = 90_000;
/** A run is at least so long, and its producers have at least so many acked records. */
const RUN_MS_MIN = 60_000;
const ACKED_MIN = 2_000;
/** After the last fault everything must be whole again within this time. */
const HEALED_WITHIN_MS = 40_000;
/** What keeps a broken run from never ending. */
const EVENTS_MAX = 1_500_000;

export interface RunResult {
  readonly seed: number;
  readonly digest: string;
  readonly events: number;
  readonly virtualMs: number;
  readonly counters: Counters;
  readonly losses: readonly Loss[];
  readonly violation: Violation | null;
  readonly bugs: readonly Bug[];
  readonly misbehaviours: readonly string[];
}

/** One seed: a cluster, its clients, its faults, and the oracle that watches them. */
export class Run {
  readonly #seed: number;
  readonly #scheduler: Scheduler;
  readonly #facts: Facts;
  readonly #oracle: Oracle;
  readonly #cluster: SimulatedCluster;
  readonly #client: SimulatedClient;
  readonly #faults: Faults;
  readonly #topicChanges: TopicChanges;
  readonly #reassignments: Reassignments;
  readonly #groups: SimulatedGroups;
  readonly #plan: RunPlan;
  #auditors: SimulatedConsumer[] = [];

  constructor(seed: number, options: { trace: ((line: string) => void) | null }) {
    this.#seed = seed;
    const random = new SeededRandom(seed, "run");
    this.#plan = planOf(random.split("plan"));
    const scheduler = new Scheduler(random.split("scheduler"));
    this.#scheduler = scheduler;
    this.#facts = new Facts(() => Math.round(scheduler.nowUs / 1000));
    this.#oracle = new Oracle(this.#facts, () => scheduler.nowUs);
    const network = new SimulatedNetwork(scheduler, random.split("network"));
    const world = { scheduler, network, oracle: this.#oracle, random: random.split("cluster") };
    this.#cluster = new SimulatedCluster(world, this.#plan.cluster);
    const { trace } = options;
    if (trace !== null) {
      const say = (text: string): void => trace(`${(scheduler.nowUs / 1000).toFixed(3).padStart(10)} ${text}`);
      this.#cluster.trace = say;
      this.#oracle.trace = say;
    }
    this.#client = new SimulatedClient(this.#cluster, this.#plan.workload, random.split("clients"));
    this.#topicChanges = new TopicChanges(
      this.#cluster,
      { client: this.#client, deletes: this.#plan.workload.hasDeletions },
      random.split("topics"),
    );
    this.#reassignments = new Reassignments(this.#cluster, this.#client, random.split("reassignments"));
    const [topic] = this.#plan.workload.topics as [TopicPlan];
    this.#groups = new SimulatedGroups(this.#cluster, { client: this.#client, topic }, random.split("groups"));
    this.#faults = new Faults(this.#cluster, this.#client, random.split("faults"));
  }

  get #nowMs(): number {
    return this.#scheduler.nowUs / 1000;
  }

  /** An error came up that no event of a process threw: a promise was rejected and nobody looked. */
  onUnhandled(error: unknown): void {
    const owner = this.#scheduler.current;
    if (owner === null) this.#cluster.bugs.push({ process: "the world", error, atMs: this.#nowMs });
    else owner.onThrow(error);
  }

  /** Stops at the first broken invariant. With `toleratesBugs` a process that throws ends and starts again. */
  execute(options: { toleratesBugs: boolean }): RunResult {
    this.#cluster.startController(0);
    for (const slot of this.#cluster.brokers) this.#cluster.startBroker(slot);
    this.#client.start();
    this.#groups.start();
    this.#scheduler.after(FAULTS_FROM_MS * 1000, null, () => {
      this.#faults.start();
      this.#topicChanges.start();
      this.#reassignments.start();
    });
    const goOn = (): boolean => this.#isSound(options.toleratesBugs);
    const areEnough = (): boolean =>
      this.#nowMs >= FAULTS_UNTIL_MS &&
      (this.#facts.counters.faults >= FAULTS_MIN || this.#nowMs >= FAULTS_UNTIL_MS_MAX);
    this.#until(areEnough, goOn);
    if (goOn()) this.#finish(goOn);
    return this.#result();
  }

  #isSound(toleratesBugs: boolean): boolean {
    if (this.#facts.violation !== null || this.#oracle.misbehaviours.length > 0) return false;
    if (this.#cluster.bugs.length > 0 && toleratesBugs) this.#restartTheFallen();
    return toleratesBugs || this.#cluster.bugs.length === 0;
  }

  /** What a supervisor does with processes that ended by a bug. */
  #restartTheFallen(): void {
    this.#cluster.bugs.length = 0;
    this.#scheduler.after(300_000, null, () => {
      for (const slot of this.#cluster.brokers) this.#cluster.startBroker(slot);
      const { activeController, controllers } = this.#cluster;
      if (!activeController.isUp) this.#cluster.startController(controllers.indexOf(activeController));
    });
  }

  #until(isDone: () => boolean, goOn: () => boolean): void {
    while (!isDone() && goOn() && this.#scheduler.executed < EVENTS_MAX) {
      if (!this.#scheduler.step()) return;
    }
    if (this.#scheduler.executed >= EVENTS_MAX) this.#facts.fail(0, `over ${EVENTS_MAX} events: something spins`);
  }

  /** Everything is repaired: the cluster must become whole, and everything acked must be read. */
  #finish(goOn: () => boolean): void {
    this.#faults.stop();
    this.#topicChanges.stop();
    this.#reassignments.stop();
    this.#groups.stopChanges();
    const healedMs = this.#nowMs;
    const isLongEnough = (): boolean =>
      this.#nowMs >= RUN_MS_MIN - 5000 && this.#facts.counters.ackedRecords >= ACKED_MIN;
    this.#until(() => isLongEnough() || this.#nowMs > healedMs + HEALED_WITHIN_MS, goOn);
    this.#client.stopProducing();
    this.#until(() => this.#groups.notStable() === null || this.#nowMs > healedMs + HEALED_WITHIN_MS, goOn);
    this.#groups.stopCommits();
    this.#auditors = this.#plan.workload.topics.flatMap((topic) => this.#client.addConsumers(topic, "auditor"));
    this.#auditors.push(...this.#groups.addAuditors());
    let checkedMs = 0;
    let why: string | null = "nothing was looked at";
    const isWhole = (): boolean => {
      if (this.#nowMs < checkedMs + 250) return false;
      checkedMs = this.#nowMs;
      const clients = { unacked: this.#client.unacked, auditors: this.#auditors };
      why = notHealed(this.#facts, clients) ?? this.#groups.notStable();
      return why === null && this.#nowMs >= RUN_MS_MIN;
    };
    const untilMs = Math.max(this.#nowMs, healedMs) + HEALED_WITHIN_MS;
    this.#until(() => isWhole() || this.#nowMs > untilMs, goOn);
    if (!goOn()) return;
    if (why !== null)
      this.#facts.fail(0, `not whole ${Math.round(this.#nowMs - healedMs)} ms after the last fault: ${why}`);
    else checkAtEnd(this.#facts);
  }

  #result(): RunResult {
    return {
      seed: this.#seed,
      digest: this.#scheduler.digest.toString(16).padStart(8, "0"),
      events: this.#scheduler.executed,
      virtualMs: Math.round(this.#nowMs),
      counters: this.#facts.counters,
      losses: this.#facts.losses,
      violation: this.#facts.violation,
      bugs: this.#cluster.bugs,
      misbehaviours: this.#oracle.misbehaviours,
    };
  }
}
