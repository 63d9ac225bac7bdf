import type { PartitionRow } from "../../broker/contract/rows.ts";
import type { SimulatedClient } from "./workload.ts";
import type { SimulatedCluster } from "./world/cluster.ts";
import type { BrokerSlot } from "./world/hosts.ts";
import type { Way } from "./world/network.ts";
import type { Machine } from "./world/process.ts";
import type { SeededRandom } from "./world/random.ts";

/** What a run's faults are like; drawn once a seed. */
interface Climate {
  /** Mean time between two faults. */
  readonly intervalMs: number;
  /** Probability that one fault brings another with it. */
  readonly stormShare: number;
  /** How often each kind comes, relative to the others. */
  readonly weights: ReadonlyMap<FaultName, number>;
}

type FaultName =
  | "killBroker"
  | "killSeveral"
  | "cleanRestart"
  | "pauseBroker"
  | "powerOne"
  | "powerAll"
  | "cutPair"
  | "isolate"
  | "cutController"
  | "cutClients"
  | "slowNetwork"
  | "killController"
  | "takeover"
  | "storeUnknown"
  | "storeUnreachable"
  | "stallDisk"
  | "slowDisk"
  | "failDisk"
  | "minIsr"
  | "recreateTopic"
  | "preferredElection"
  | "delayedAck";

const baseWeights: readonly (readonly [FaultName, number])[] = [
  ["killBroker", 6],
  ["killSeveral", 2],
  ["cleanRestart", 1.5],
  ["pauseBroker", 3],
  ["powerOne", 2],
  ["powerAll", 0.8],
  ["cutPair", 3],
  ["isolate", 2],
  ["cutController", 2],
  ["cutClients", 1.5],
  ["slowNetwork", 1],
  ["killController", 2],
  ["takeover", 1.5],
  ["storeUnknown", 2],
  ["storeUnreachable", 1],
  ["stallDisk", 1.5],
  ["slowDisk", 1.5],
  ["failDisk", 0.5],
  ["minIsr", 2],
  ["recreateTopic", 0.7],
  ["preferredElection", 1.5],
  ["delayedAck", 3],
];
/** Probability that a proposal to enlarge an ISR meets a deaf controller and a broken link to the one proposed. */
const DEAF_SHARE = 0.04;
/** Probability that a rewritten segment takes the place of others in the very moment of a crash. */
const INTERRUPTED_SHARE = 0.02;
/** As long as that takes on a healthy disk. */
const SWAP_MS = 12;

/** Causes faults at random times, and undoes each after a while. */
export class Faults {
  readonly #cluster: SimulatedCluster;
  readonly #client: SimulatedClient;
  readonly #random: SeededRandom;
  readonly #climate: Climate;
  #isOver = false;

  constructor(cluster: SimulatedCluster, client: SimulatedClient, random: SeededRandom) {
    this.#cluster = cluster;
    this.#client = client;
    this.#random = random;
    // Each seed leaves some kinds out and loves others, so that rare combinations meet.
    const weights = baseWeights.map(([name, weight]): [FaultName, number] => {
      const mood = random.below(4);
      return [name, mood === 0 ? 0 : mood === 3 ? weight * 3 : weight];
    });
    this.#climate = {
      intervalMs: random.pick([900, 1500, 2200, 3000]),
      stormShare: random.pick([0, 0.2, 0.4]),
      weights: new Map(weights),
    };
  }

  start(): void {
    this.#next();
    this.#cluster.oracle.onGrowthProposed = (leader, added) => {
      if (!this.#isOver && this.#random.chance(DEAF_SHARE)) this.#beDeafTo(leader, added);
    };
    this.#cluster.oracle.onSwapBegun = (broker) => {
      if (!this.#isOver && this.#random.chance(INTERRUPTED_SHARE)) this.#interrupt(broker);
    };
  }

  /** No more faults; all that is broken is repaired. */
  stop(): void {
    this.#isOver = true;
    const cluster = this.#cluster;
    cluster.store.mood.unknownShare = 0;
    cluster.store.mood.unreachableUntilUs = 0;
    cluster.network.healAll();
    cluster.network.slownessUs = 0;
    for (const machine of cluster.machines) cluster.powerOn(machine);
    for (const slot of cluster.brokers) {
      slot.isHeldDown = false;
      slot.device.stalledUntilUs = 0;
      slot.device.slowness = 1;
      slot.device.isFull = false;
      slot.device.failsNextSync = false;
      slot.life?.process.resume();
      cluster.startBroker(slot);
    }
    for (const slot of cluster.controllers) slot.life?.process.resume();
    this.#client.ensureVolatileTopic();
    if (!cluster.activeController.isUp) cluster.startController(cluster.controllers.indexOf(cluster.activeController));
  }

  #next(): void {
    const delayMs = this.#climate.intervalMs * (0.1 - Math.log(1 - this.#random.next() * 0.999));
    this.#later(delayMs, () => {
      if (this.#isOver) return;
      this.#cause(this.#draw());
      // Misfortunes seldom come alone, and it takes several at once to meet what is rare.
      while (this.#random.chance(this.#climate.stormShare)) this.#cause(this.#draw());
      this.#next();
    });
  }

  #later(delayMs: number, run: () => void): void {
    this.#cluster.scheduler.after(delayMs * 1000, null, run);
  }

  /** Undoes a fault later, unless everything has been repaired by then. */
  #undoAfter(leastMs: number, mostMs: number, undo: () => void): void {
    this.#later(this.#random.between(leastMs, mostMs), () => {
      if (!this.#isOver) undo();
    });
  }

  #draw(): FaultName {
    const { weights } = this.#climate;
    let left = [...weights.values()].reduce((sum, weight) => sum + weight, 0) * this.#random.next();
    for (const [name, weight] of weights) {
      left -= weight;
      if (left < 0) return name;
    }
    return "killBroker";
  }

  #cause(name: FaultName): void {
    this.#cluster.oracle.facts.counters.faults++;
    this.#cluster.say(`fault ${name}`);
    this[name]();
  }

  #anyBroker(): BrokerSlot {
    return this.#random.pick(this.#cluster.brokers);
  }

  /** A broker that leads something, mostly: its end is the more interesting. */
  #leaderMostly(): BrokerSlot {
    const { facts } = this.#cluster.oracle;
    const leaders = [...facts.partitions.values()]
      .map(({ row }) => this.#cluster.brokers[row?.leader ?? -1])
      .filter((slot) => slot !== undefined);
    return leaders.length > 0 && this.#random.chance(0.7) ? this.#random.pick(leaders) : this.#anyBroker();
  }

  #kill(slot: BrokerSlot, downMs: readonly [number, number]): void {
    this.#cluster.crashBroker(slot);
    this.#undoAfter(downMs[0], downMs[1], () => this.#cluster.startBroker(slot));
  }

  protected killBroker(): void {
    const isQuick = this.#random.chance(0.5);
    this.#kill(this.#leaderMostly(), isQuick ? [20, 400] : [500, 7000]);
  }

  protected killSeveral(): void {
    const count = this.#random.between(2, this.#cluster.brokers.length);
    let afterMs = 0;
    for (const slot of this.#random.shuffled(this.#cluster.brokers).slice(0, count)) {
      this.#later(afterMs, () => {
        if (!this.#isOver) this.#kill(slot, [100, 6000]);
      });
      afterMs += this.#random.pick([0, 1, 50, 800]);
    }
  }

  protected cleanRestart(): void {
    const slot = this.#leaderMostly();
    this.#cluster.stopBroker(slot, () => {
      this.#later(this.#random.between(50, 1500), () => this.#cluster.startBroker(slot));
    });
    // Whoever does not stop in time is killed, as a supervisor does.
    const life = slot.life;
    this.#later(14_000, () => {
      if (life === null || slot.life !== life) return;
      this.#cluster.crashBroker(slot);
      this.#later(this.#random.between(50, 500), () => this.#cluster.startBroker(slot));
    });
  }

  protected pauseBroker(): void {
    const { life } = this.#leaderMostly();
    if (life === null) return;
    life.process.pause();
    this.#undoAfter(50, 9000, () => life.process.resume());
  }

  #power(machines: readonly Machine[]): void {
    this.#cluster.powerOff(machines);
    for (const machine of machines) this.#undoAfter(200, 6000, () => this.#cluster.powerOn(machine));
  }

  protected powerOne(): void {
    this.#power([this.#leaderMostly().machine]);
  }

  /** All at once, or all but one. */
  protected powerAll(): void {
    const machines = [...new Set(this.#cluster.brokers.map(({ machine }) => machine))];
    const spared = this.#random.chance(0.3) ? this.#random.pick(machines) : null;
    this.#power(machines.filter((machine) => machine !== spared));
  }

  /** Cuts for a while; both ways, or one only: then words still go out, and no answer comes. */
  #cutForAWhile(pairs: readonly (readonly [number, number])[]): void {
    const kind = this.#random.below(4);
    const ways: Way[] = pairs.flatMap(([a, b]) => [
      ...(kind === 1 ? [] : [{ from: a, to: b }]),
      ...(kind === 2 ? [] : [{ from: b, to: a }]),
    ]);
    for (const way of ways) this.#cluster.network.cut(way);
    this.#undoAfter(100, 8000, () => this.#cluster.network.heal(ways));
  }

  protected cutPair(): void {
    const leader = this.#leaderMostly();
    const other = this.#random.pick(this.#cluster.brokers.filter((slot) => slot !== leader));
    this.#cutForAWhile([[leader.host, other.host]]);
  }

  /** From all other brokers and from the controllers; clients may still reach it, or not. */
  protected isolate(): void {
    const { host } = this.#leaderMostly();
    const others = [...this.#cluster.brokers, ...this.#cluster.controllers].map((other) => other.host);
    const clients = this.#random.chance(0.3) ? this.#client.hosts : [];
    const all = [...others, ...clients].filter((other) => other !== host);
    this.#cutForAWhile(all.map((other) => [host, other] as const));
  }

  protected cutController(): void {
    const controller = this.#cluster.activeController;
    const brokers = this.#random.shuffled(this.#cluster.brokers);
    const some = brokers.slice(0, this.#random.between(1, brokers.length));
    this.#cutForAWhile(some.map(({ host }) => [host, controller.host] as const));
  }

  /** Some clients from one broker. */
  protected cutClients(): void {
    const { host } = this.#leaderMostly();
    const clients = this.#client.hosts.filter(() => this.#random.chance(0.6));
    this.#cutForAWhile(clients.map((client) => [client, host] as const));
  }

  protected slowNetwork(): void {
    this.#cluster.network.slownessUs = this.#random.between(2_000, 60_000);
    this.#undoAfter(200, 3000, () => {
      this.#cluster.network.slownessUs = 0;
    });
  }

  protected killController(): void {
    const cluster = this.#cluster;
    const place = cluster.controllers.indexOf(cluster.activeController);
    cluster.crashController(cluster.activeController);
    this.#undoAfter(20, 5000, () => {
      if (cluster.activeController.isUp) return;
      cluster.startController(this.#random.chance(0.5) ? place : 1 - place);
    });
  }

  /** The controller stands still, another takes over, and then the first one goes on as if nothing had been. */
  protected takeover(): void {
    const cluster = this.#cluster;
    const old = cluster.activeController;
    const { life } = old;
    life?.process.pause();
    const place = cluster.controllers.indexOf(old);
    this.#undoAfter(10, 3000, () => {
      if (cluster.activeController === old) cluster.startController(1 - place);
    });
    this.#undoAfter(20, 8000, () => life?.process.resume());
  }

  protected storeUnknown(): void {
    this.#cluster.store.mood.unknownShare = this.#random.pick([0.2, 0.5, 0.9]);
    this.#undoAfter(500, 4000, () => {
      this.#cluster.store.mood.unknownShare = 0;
    });
  }

  protected storeUnreachable(): void {
    const { scheduler, store } = this.#cluster;
    store.mood.unreachableUntilUs = scheduler.nowUs + this.#random.between(100, 7000) * 1000;
  }

  protected stallDisk(): void {
    const { device } = this.#anyBroker();
    device.stalledUntilUs = this.#cluster.scheduler.nowUs + this.#random.between(50, 4000) * 1000;
  }

  protected slowDisk(): void {
    const { device } = this.#anyBroker();
    device.slowness = this.#random.pick([10, 40, 150]);
    this.#undoAfter(300, 10_000, () => {
      device.slowness = 1;
    });
  }

  protected failDisk(): void {
    const { device } = this.#anyBroker();
    if (this.#random.chance(0.5)) {
      device.failsNextSync = true;
      return;
    }
    device.isFull = true;
    this.#undoAfter(200, 3000, () => {
      device.isFull = false;
    });
  }

  protected minIsr(): void {
    this.#client.setMinIsr(this.#random.pick([1, 2, 2, 3]));
    this.#undoAfter(500, 5000, () => this.#client.setMinIsr(2));
  }

  protected recreateTopic(): void {
    this.#client.recreateVolatileTopic();
  }

  /**
   * A follower's ack is on its way for so long that its leader has lost the lead, and won it again, before it arrives.
   * Of what it acks nothing is left by then.
   */
  protected delayedAck(): void {
    const { network, brokers, controllers, oracle } = this.#cluster;
    const partitions = [...oracle.facts.partitions.values()].filter(({ isDeleted, row: now }) => {
      return !isDeleted && now !== null && now.isr.length > 2 && now.leader !== now.replicas.at(-1);
    });
    if (partitions.length === 0) return;
    const partition = this.#random.pick(partitions);
    const { row } = partition;
    const last = row?.replicas.at(-1);
    const heir = row?.isr.find((id) => id !== row.leader && id !== last);
    const [leading, late, next] = [row?.leader, last, heir].map((id) => brokers[id ?? -1]);
    if (leading === undefined || late === undefined || next === undefined || leading === late) return;
    const ack = [{ from: late.host, to: leading.host }];
    const others = [...controllers.map(({ host }) => host), next.host];
    const apart = others.flatMap((host) => [
      { from: leading.host, to: host },
      { from: host, to: leading.host },
    ]);
    // Sometimes the clients hear neither it nor its successor: what they retry goes to the leader that has lost it.
    if (this.#random.chance(0.6)) {
      ack.push(...this.#client.hosts.flatMap((to) => [leading, next].map(({ host: from }) => ({ from, to }))));
      ack.push(...this.#client.hosts.map((from) => ({ from, to: next.host })));
    }
    for (const way of [...ack, ...apart]) network.cut(way);
    const now = (): PartitionRow | null | undefined => partition.row;
    this.#when(
      () => now()?.leader === next.id,
      () => {
        network.heal(apart);
        this.#when(
          () => now()?.isr.some((id) => id === leading.id) === true,
          () => {
            this.#kill(next, [1000, 4000]);
            this.#when(
              () => now()?.leader === leading.id,
              () => {
                this.#undoAfter(150, 900, () => network.heal(ack));
              },
            );
          },
        );
      },
    );
    this.#undoAfter(9000, 9000, () => network.heal([...apart, ...ack]));
  }

  /** Once `isSo`, if that comes soon enough. */
  #when(isSo: () => boolean, then: () => void, untilMs = this.#cluster.scheduler.nowUs / 1000 + 6000): void {
    if (this.#isOver || this.#cluster.scheduler.nowUs / 1000 > untilMs) return;
    if (isSo()) then();
    else this.#later(20, () => this.#when(isSo, then, untilMs));
  }

  /** The store hears what is proposed but nobody learns of it for long, and the one proposed hears nothing either. */
  #beDeafTo(leader: number, added: readonly number[]): void {
    const { brokers, network, oracle, scheduler, store } = this.#cluster;
    oracle.facts.counters.faults++;
    this.#cluster.say(`fault deaf to broker ${leader}, which proposes ${added.join(", ")}`);
    store.mood.unreachableUntilUs = scheduler.nowUs + this.#random.between(3500, 7000) * 1000;
    const from = brokers[leader]?.host ?? 0;
    const ways: Way[] = added.flatMap((id) => {
      const to = brokers[id]?.host ?? 0;
      return [
        { from, to },
        { from: to, to: from },
      ];
    });
    for (const way of ways) network.cut(way);
    this.#undoAfter(4000, 9000, () => network.heal(ways));
  }

  /** A broker dies, or its machine does, while it swaps segments. */
  #interrupt(broker: number): void {
    const slot = this.#cluster.brokers[broker] as BrokerSlot;
    const isPower = this.#random.chance(0.5);
    this.#later(this.#random.next() * SWAP_MS, () => {
      if (this.#isOver || !slot.isUp) return;
      this.#cluster.oracle.facts.counters.faults++;
      this.#cluster.say(`fault ${isPower ? "power" : "kill"} in a swap of broker ${broker}`);
      if (isPower) this.#power([slot.machine]);
      else this.#kill(slot, [20, 3000]);
    });
  }

  protected preferredElection(): void {
    this.#client.electPreferred();
  }
}
