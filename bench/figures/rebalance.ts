import { coordinatorOf, Member } from "../group-member.ts";
import { nowMs, sleep } from "../machine.ts";
import type { Row } from "../report.ts";
import { summarise } from "../statistics.ts";
import { makeTopic, type RunningBroker } from "../system.ts";
import type { Broker } from "../requests.ts";
import { type Context, type Figures, note, type Pair, row, say } from "./context.ts";

const topic = { name: "rebalance", partitions: 500 };
const MEMBERS = 50;
/** So often one member leaves and another comes, in a run and before the first. */
const CHANGES = 50;
const WARM_UP_CHANGES = 300;

/** A group of {@link MEMBERS} whose members come and go, everybody else staying awake. */
class Group {
  private readonly coordinator: Broker;
  private readonly name: string;
  private readonly members: Member[] = [];

  private constructor(coordinator: Broker, name: string) {
    this.coordinator = coordinator;
    this.name = name;
  }

  /** Answers when all members have the assignments of one generation. */
  static async form(pair: Pair, name: string): Promise<Group> {
    const group = new Group(await coordinatorOf(pair.running.brokers, name), name);
    for (let i = 0; i < MEMBERS; i++) group.members.push(await group.newcomer());
    const live = async (member: Member): Promise<void> => {
      let isIn = false;
      while (!group.isWhole()) {
        isIn = isIn ? await member.isCurrent() : await member.rejoin();
        await sleep(10);
      }
    };
    await Promise.all(group.members.map(live));
    return group;
  }

  /** One member leaves. Answers how long the others take from their first JoinGroup on, milliseconds. */
  async shrink(): Promise<number> {
    await this.members.shift()?.leave();
    return this.timed(() => this.allRejoin(this.members));
  }

  /**
   * One more comes, one of the others hears of it by its heartbeats, and all join again. Answers how long that takes
   * from the newcomer's JoinGroup on, milliseconds.
   */
  async grow(): Promise<number> {
    const newcomer = await this.newcomer();
    const others = [...this.members];
    this.members.push(newcomer);
    return this.timed(async () => {
      const joins = newcomer.rejoin();
      while (await others[0]?.isCurrent());
      await this.allRejoin(others);
      if (!(await joins)) throw new Error(`a newcomer to ${this.name} was overtaken by another generation`);
    });
  }

  close(): void {
    for (const member of this.members) member.close();
  }

  private async newcomer(): Promise<Member> {
    const member = new Member(this.coordinator, this.name, topic);
    await member.introduce();
    return member;
  }

  private async allRejoin(members: readonly Member[]): Promise<void> {
    const areIn = await Promise.all(members.map((member) => member.rejoin()));
    if (areIn.includes(false)) throw new Error(`a member of ${this.name} was overtaken by another generation`);
  }

  private async timed(change: () => Promise<void>): Promise<number> {
    const generation = this.members[0]?.generation ?? 0;
    const startMs = nowMs();
    await change();
    const tookMs = nowMs() - startMs;
    const isNext = this.members[0]?.generation === generation + 1;
    if (!isNext || !this.isWhole()) throw new Error(`${this.name} is not in one generation after a change`);
    return tookMs;
  }

  /** True if everybody is in one generation, and has a part of the topic that nobody else has. */
  private isWhole(): boolean {
    const generation = this.members[0]?.generation ?? -1;
    const owned = new Set(this.members.flatMap(({ partitions }) => partitions));
    const count = this.members.reduce((sum, { partitions }) => sum + partitions.length, 0);
    const isShared = count === topic.partitions && owned.size === topic.partitions;
    return generation > 0 && isShared && this.members.every((member) => member.generation === generation);
  }
}

async function change(group: Group, times: number): Promise<{ leaves: number[]; joins: number[] }> {
  const changes = { leaves: [] as number[], joins: [] as number[] };
  for (let i = 0; i < times; i++) {
    changes.leaves.push(await group.shrink());
    changes.joins.push(await group.grow());
  }
  return changes;
}

/** How long a group takes until everybody has the assignment of the next generation. */
export async function rebalanceFigures(context: Context, pairs: readonly Pair[]): Promise<Row[]> {
  const [left, joined]: [Figures, Figures] = [{}, {}];
  const groups: Group[] = [];
  for (const pair of pairs) {
    await makeTopic(pair.running.brokers[0] as RunningBroker, topic);
    const group = await Group.form(pair, topic.name);
    groups.push(group);
    await change(group, WARM_UP_CHANGES);
  }
  for (let run = 0; run < context.extent.runs; run++) {
    for (const [index, { system }] of pairs.entries()) {
      const { leaves, joins } = await change(groups[index] as Group, CHANGES);
      const [leaveMs, joinMs] = [summarise(leaves).median, summarise(joins).median];
      say(
        `${system.name}: everybody assigned ${leaveMs.toFixed(1)} ms after a leave, ${joinMs.toFixed(1)} after a join`,
      );
      note(left, system.name, leaveMs);
      note(joined, system.name, joinMs);
    }
  }
  for (const group of groups) group.close();
  const figure = `rebalance of ${MEMBERS} members over ${topic.partitions} partitions`;
  return [
    row(left, { figure: `${figure}, one has left`, unit: "ms", better: "less", target: 0.7 }),
    row(joined, { figure: `${figure}, one has come`, unit: "ms", better: "less", target: 0.7 }),
  ];
}
