import type { LeaderEpoch, Offset, PartitionIndex } from "../../broker/base/ids.ts";
import { offsetCommit } from "../../broker/wire/apis/08-offset-commit.ts";
import { offsetFetch } from "../../broker/wire/apis/09-offset-fetch.ts";
import { ask } from "../ask.ts";
import { coordinatorOf, Member } from "../group-member.ts";
import { cpuSeconds, nowMs, sleep } from "../machine.ts";
import type { Row } from "../report.ts";
import { makeTopic, type RunningBroker } from "../system.ts";
import { type Context, type Figures, note, type Pair, row } from "./context.ts";
import { warmTurns } from "./turns.ts";

const GROUPS = 20;
const topic = { name: "commits", partitions: 10 };
const partitions = Array.from({ length: topic.partitions }, (_, index) => index);

/** The only member of its group, which has all partitions and commits them all, again and again. */
class Committer {
  private readonly member: Member;
  /** Requests answered. */
  commits = 0;
  private offset = 0;

  private constructor(member: Member) {
    this.member = member;
  }

  static async join(pair: Pair, group: string): Promise<Committer> {
    const member = new Member(await coordinatorOf(pair.running.brokers, group), group, topic);
    await member.introduce();
    if (!(await member.rejoin())) throw new Error(`${group} has one member, and another generation began`);
    return new Committer(member);
  }

  /** Commits, one request after the other, as long as `goesOn`; then what is stored must be what it committed last. */
  async commitWhile(goesOn: () => boolean): Promise<void> {
    while (goesOn()) {
      await this.commit();
      this.commits++;
    }
    await this.check();
  }

  close(): void {
    this.member.close();
  }

  private async commit(): Promise<void> {
    const committedOffset = ++this.offset as Offset;
    const { connection, group, generation, memberId } = this.member;
    const { topics } = await ask(connection, offsetCommit, 7, {
      groupId: group,
      generationIdOrMemberEpoch: generation,
      memberId,
      topics: [
        {
          name: topic.name,
          partitions: partitions.map((partition) => ({
            partitionIndex: partition as PartitionIndex,
            committedOffset,
            committedLeaderEpoch: -1 as LeaderEpoch,
            committedMetadata: "",
          })),
        },
      ],
    });
    const bad = topics[0]?.partitions.find(({ errorCode }) => errorCode !== 0);
    if (bad !== undefined) throw new Error(`a commit of ${group} was refused with code ${bad.errorCode}`);
  }

  private async check(): Promise<void> {
    const { connection, group } = this.member;
    const asked = { groupId: group, topics: [{ name: topic.name, partitionIndexes: partitions }], groups: [] };
    const { topics } = await ask(connection, offsetFetch, 5, asked);
    const stored = topics[0]?.partitions.filter(({ committedOffset }) => committedOffset === this.offset);
    if (stored?.length !== topic.partitions)
      throw new Error(`${group} has committed ${this.offset}, and it is not there`);
  }
}

interface Commits {
  readonly commits: number;
  readonly seconds: number;
  readonly brokerCpuSeconds: number;
}

const perCpuSecond = ({ commits, brokerCpuSeconds }: Commits): number => commits / brokerCpuSeconds;

async function measure(pair: Pair, committers: readonly Committer[], windowMs: number): Promise<Commits> {
  const done = (): number => committers.reduce((sum, { commits }) => sum + commits, 0);
  let isOver = false;
  const all = Promise.all(committers.map((committer) => committer.commitWhile(() => !isOver)));
  // Whatever fails is thrown below, once the window is over.
  all.catch(() => {});
  await sleep(500);
  const [cpu, startMs, before] = [cpuSeconds(pair.running.pids), nowMs(), done()];
  await sleep(windowMs);
  const window = {
    commits: done() - before,
    seconds: (nowMs() - startMs) / 1000,
    brokerCpuSeconds: cpuSeconds(pair.running.pids) - cpu,
  };
  isOver = true;
  await all;
  return window;
}

/** Commits that one second of the brokers' processor time carries. */
export async function commitFigures(context: Context, pairs: readonly Pair[]): Promise<Row[]> {
  const [efficiency, rate]: [Figures, Figures] = [{}, {}];
  const committers = new Map<Pair, Committer[]>();
  for (const pair of pairs) {
    await makeTopic(pair.running.brokers[0] as RunningBroker, topic);
    const joins = Array.from({ length: GROUPS }, (_, index) => Committer.join(pair, `commits-${index}`));
    committers.set(pair, await Promise.all(joins));
  }
  await warmTurns<Commits>(context, pairs, {
    measure: (pair, windowMs) => measure(pair, committers.get(pair) ?? [], windowMs),
    figureOf: perCpuSecond,
    describe: ({ system }, window) =>
      `${system.name}: ${Math.round(window.commits / window.seconds)} commits/s, ` +
      `${Math.round(perCpuSecond(window))} per broker CPU-second`,
    seen({ system }, window) {
      note(efficiency, system.name, perCpuSecond(window));
      note(rate, system.name, window.commits / window.seconds);
    },
  });
  for (const committer of [...committers.values()].flat()) committer.close();
  const figure = `commits of ${topic.partitions} partitions by ${GROUPS} groups, one at a time each`;
  return [
    row(efficiency, { figure: `${figure}, per broker CPU-second`, unit: "commits", better: "more", target: 1.5 }),
    row(rate, { figure: `${figure}, as fast as it goes`, unit: "commits/s", better: "more" }),
  ];
}
