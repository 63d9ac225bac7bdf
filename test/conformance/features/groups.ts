import { until } from "../cluster.ts";
import type { Driven, Verbs } from "../driver.ts";
import { type Bench, type Feature, mustBe, valuesOf } from "./feature.ts";

/** Of the topics that groups read. */
export const PARTITIONS = 4;

/** Whether the members own everything: each some partitions, and each partition once. */
export function areShared(...members: readonly Driven[]): boolean {
  const owned = members.flatMap((member) => member.owns() ?? []);
  const hasSome = members.every((member) => (member.owns()?.length ?? 0) > 0);
  return hasSome && owned.length === PARTITIONS && new Set(owned).size === PARTITIONS;
}

/** Resolves when both share the partitions, or throws once one of them has ended. */
export async function untilShared(first: Driven, second: Driven): Promise<void> {
  const isSo = (): boolean => areShared(first, second);
  await Promise.race([first.until("both own partitions", isSo), second.until("both own partitions", isSo)]);
}

/** Writes to every partition: values `PREFIX-N`, N from 0 on. */
export const write = ({ cluster, topic }: Bench, prefix: string): Promise<void> =>
  cluster.write(topic, { values: valuesOf(prefix, PARTITIONS * 10), partitions: PARTITIONS });

/** Whether the members have read every value, be it more than once. */
export const hasAll = (wanted: readonly string[], ...members: readonly Driven[]): boolean => {
  const read = new Set(members.flatMap((member) => member.values()));
  return wanted.every((value) => read.has(value));
};

/** Resolves when both together have read every value, or throws once one of them has ended. */
export async function untilRead(wanted: readonly string[], first: Driven, second: Driven): Promise<void> {
  const isSo = (): boolean => hasAll(wanted, first, second);
  await Promise.race([first.until("all is read", isSo), second.until("all is read", isSo)]);
}

/** Both read what is written while they share the partitions; the first leaves, and the second reads the rest. */
export async function readOn(bench: Bench, first: Driven, other: Driven): Promise<void> {
  await write(bench, "shared");
  await untilRead(valuesOf("shared", PARTITIONS * 10), first, other);
  await first.finish();
  await other.until("it owns all partitions", () => areShared(other));
  await write(bench, "last");
  await other.until("it has read all", () => hasAll(valuesOf("last", PARTITIONS * 10), other));
  await other.finish();
}

/** A partition whose commit is not its end, in words. */
async function uncommitted({ cluster, topic }: Bench): Promise<string | null> {
  const [ends, [committed]] = await Promise.all([
    cluster.admin.fetchTopicOffsets(topic),
    cluster.admin.fetchOffsets({ groupId: topic, topics: [topic] }),
  ]);
  for (const { partition, high } of ends) {
    const found = committed?.partitions.find((row) => row.partition === partition)?.offset;
    if (found !== high) return `partition ${partition} ends at ${high}, its commit is ${found}`;
  }
  return null;
}

export const group: Feature = {
  name: "group of two",
  what:
    "A member owns four partitions; a second joins and they share them, each partition owned once; the first leaves, " +
    "and the second owns all. Every record written meanwhile is read.",
  async run(bench) {
    await bench.cluster.makeTopic(bench.topic, { partitions: PARTITIONS });
    const first = bench.driver.start("member", { group: bench.topic });
    await first.until("it owns all partitions", () => areShared(first));
    await write(bench, "first");
    await first.until("it has read all", () => hasAll(valuesOf("first", PARTITIONS * 10), first));
    const other = bench.driver.start("member", { group: bench.topic });
    await untilShared(first, other);
    await readOn(bench, first, other);
  },
};

/** One member after the other reads what was written before it came, nothing else, and ends as `leave` says. */
async function oneAfterTheOther(
  bench: Bench,
  options: Pick<Verbs["member"], "commits">,
  leave: (member: Driven) => Promise<void>,
): Promise<void> {
  await bench.cluster.makeTopic(bench.topic, { partitions: PARTITIONS });
  const there: string[] = [];
  for (const prefix of ["first", "second"]) {
    await write(bench, prefix);
    const wanted = valuesOf(prefix, PARTITIONS * 10);
    there.push(...wanted);
    mustBe("what is there, sorted", (await bench.cluster.values(bench.topic)).sort(), there.sort());
    const member = bench.driver.start("member", { group: bench.topic, ...options });
    await member.until("it has read all", () => hasAll(wanted, member));
    await leave(member);
    mustBe(`of those written as ${prefix} it reads, sorted,`, member.values().sort(), wanted.sort());
  }
}

export const resume: Feature = {
  name: "commits",
  what:
    "A member reads, commits and leaves: the commits are the ends of the partitions. The next member of the group " +
    "reads what is written afterwards, and nothing of what was read before.",
  run: (bench) =>
    oneAfterTheOther(bench, {}, async (member) => {
      await member.finish();
      const found = await uncommitted(bench);
      if (found !== null) throw new Error(found);
    }),
};

export const automaticCommits: Feature = {
  name: "automatic commits",
  what:
    "A member whose client commits by itself, every five seconds, reads: while it is still there the commits become " +
    "the ends of the partitions. The next member of the group reads what is written afterwards, and nothing else.",
  run: (bench) =>
    oneAfterTheOther(bench, { commits: "automatic" }, async (member) => {
      await until("all that it has read is committed", async () => (await uncommitted(bench)) === null);
      await member.finish();
    }),
};
