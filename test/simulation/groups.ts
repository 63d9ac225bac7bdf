import { OFFSETS_TOPIC } from "../../broker/groups/coordinator.ts";
import type { SimulatedConsumer } from "./clients/consumer.ts";
import { SimulatedMember } from "./clients/group-member.ts";
import type { SimulatedClient, TopicPlan } from "./workload.ts";
import type { SimulatedCluster } from "./world/cluster.ts";
import type { SeededRandom } from "./world/random.ts";

interface GroupPlan {
  readonly name: string;
  readonly memberCount: number;
  readonly isStatic: boolean;
  /** In how many of the seeds. */
  readonly share: number;
}

const GROUPS: readonly GroupPlan[] = [
  { name: "readers", memberCount: 3, isStatic: false, share: 0.8 },
  { name: "fixed", memberCount: 2, isStatic: true, share: 0.4 },
];
/** Mean time between two comings and goings in one group. */
const CHANGE_MS = 6000;
/** `__consumer_offsets` of a simulated cluster is small, so that much happens to each of its partitions. */
const OFFSETS_PARTITIONS = 1;

/** Consumer groups of a run, whose members come and go beside all faults. */
export class SimulatedGroups {
  readonly #cluster: SimulatedCluster;
  readonly #client: SimulatedClient;
  readonly #topic: TopicPlan;
  readonly #random: SeededRandom;
  readonly #members = new Map<GroupPlan, SimulatedMember[]>();
  #serial = 0;
  #isOver = false;
  #commits = true;

  constructor(cluster: SimulatedCluster, what: { client: SimulatedClient; topic: TopicPlan }, random: SeededRandom) {
    this.#cluster = cluster;
    this.#client = what.client;
    this.#topic = what.topic;
    this.#random = random;
  }

  start(): void {
    for (const group of GROUPS) {
      if (!this.#random.chance(group.share)) continue;
      const members = Array.from({ length: group.memberCount }, (_, place) => this.#member(group, place));
      this.#members.set(group, members);
      this.#nextChange(group);
    }
  }

  /** Nobody comes or goes any more. */
  stopChanges(): void {
    this.#isOver = true;
  }

  /** Members stay, but write nothing down any more. */
  stopCommits(): void {
    this.#commits = false;
    for (const member of this.#all()) member.stopCommitting();
  }

  /** Readers of everything that coordinators wrote down. */
  addAuditors(): SimulatedConsumer[] {
    if (this.#members.size === 0) return [];
    return this.#client.addConsumers({ name: OFFSETS_TOPIC, partitionCount: OFFSETS_PARTITIONS }, "auditor");
  }

  /** Which group is not as it should be, once all faults are over; null when all are. */
  notStable(): string | null {
    for (const [{ name }, members] of this.#members) {
      const present = members.filter(({ isOver }) => !isOver);
      const generation = this.#cluster.oracle.groups.generationOf(name);
      const apart = present.find((member) => !member.isStable || member.generation !== generation);
      if (apart !== undefined) return `${apart.name} is in generation ${apart.generation} of ${generation} of ${name}`;
      const owned = new Set(present.flatMap(({ positions }) => [...positions.keys()]));
      if (owned.size !== this.#topic.partitionCount) return `of group ${name} only ${owned.size} partitions are owned`;
    }
    return null;
  }

  #all(): SimulatedMember[] {
    return [...this.#members.values()].flat();
  }

  #member(group: GroupPlan, place: number): SimulatedMember {
    const name = `member-${group.name}-${place}-${this.#serial++}`;
    const member = new SimulatedMember(name, this.#client.newClient(name, []), {
      group: group.name,
      instanceId: group.isStatic ? `${group.name}-${place}` : null,
      topic: this.#topic.name,
      partitionCount: this.#topic.partitionCount,
      observer: this.#cluster.oracle.groups,
    });
    if (!this.#commits) member.stopCommitting();
    member.start();
    return member;
  }

  #nextChange(group: GroupPlan): void {
    const delayMs = CHANGE_MS * (0.1 - Math.log(1 - this.#random.next() * 0.999));
    this.#cluster.scheduler.after(delayMs * 1000, null, () => {
      if (this.#isOver) return;
      this.#change(group);
      this.#nextChange(group);
    });
  }

  /** One member goes, by itself or by a crash, and another takes its place: at once, or when its session is over. */
  #change(group: GroupPlan): void {
    const members = this.#members.get(group) ?? [];
    const place = this.#random.below(members.length);
    const old = members[place];
    const isCrash = this.#random.chance(0.5);
    this.#cluster.say(`${old?.name} ${isCrash ? "is killed" : "leaves"}`);
    if (isCrash) old?.kill();
    else old?.leave();
    const delayMs = this.#random.pick([20, 500, 3500]);
    this.#cluster.scheduler.after(delayMs * 1000, null, () => {
      if (members[place] === old) members[place] = this.#member(group, place);
    });
  }
}
