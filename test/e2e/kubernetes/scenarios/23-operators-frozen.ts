import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../cluster/shell.ts";
import { type Context, figuresOf } from "../context.ts";

export const name = "freeze both operators, and kill a leader meanwhile";

/** Twice the length of the Lease before the kill, and as long after it; less than the kubelet's patience. */
const BEFORE_MS = 10_000;
const AFTER_MS = 8000;
/** Frozen operators can do nothing to brokers that go on. */
const SERVING_GAP_MS_MAX = 1000;
/** From their waking up to acks from every partition: who wakes with a Lease that ended has to get it first. */
const ELECTION_MS_MAX = 8000;

/** Stopped processes keep their connections and their belief that they hold the Lease: they wake up long after it. */
export async function run(context: Context): Promise<string> {
  const { kube, faults, cluster, operatorNamespace } = context;
  const outcome = await context.underLoad(async (topic, load) => {
    const before = await context.partitions(topic);
    const leader = await kube.brokerPod(cluster, await context.leaderOf(topic));
    const operators = await kube.operatorPods(operatorNamespace);
    const wakers: (() => void)[] = [];
    let wokenAt: number;
    try {
      for (const operator of operators) wakers.push(await faults.freezeContainer(operator));
      load.forgetGaps();
      await sleep(BEFORE_MS);
      await load.goesOn();
      const gapMs = load.gapMs();
      if (gapMs > SERVING_GAP_MS_MAX) throw new Error(`without operators a partition waited ${Math.round(gapMs)} ms`);
      const leadersOf = (states: typeof before): string => states.map((state) => state.leader).join();
      const meanwhile = await context.partitions(topic);
      if (leadersOf(meanwhile) !== leadersOf(before)) throw new Error("somebody elected while nobody could");
      await faults.killContainer(leader);
      await sleep(AFTER_MS);
    } finally {
      wokenAt = performance.now();
      for (const wake of wakers) wake();
    }
    await load.goesOn();
    const electionMs = Math.round(performance.now() - wokenAt);
    if (electionMs > ELECTION_MS_MAX) throw new Error(`all partitions went on only after ${electionMs} ms`);
    await singleHolder(context);
    return `all partitions went on ${electionMs} ms after they woke, one of them holds the Lease`;
  });
  return `${outcome.told}; ${figuresOf(outcome)}`;
}

/** One operator holds the Lease, every other one says so too. */
async function singleHolder({ kube, operatorNamespace }: Context): Promise<void> {
  const isSingle = async (): Promise<boolean> => {
    const active = await kube.activeOperator(operatorNamespace);
    const pods = await kube.operatorPods(operatorNamespace);
    const believing: string[] = [];
    for (const { metadata, status } of pods) {
      const answer = await fetch(`http://${status?.podIP}:8080/metrics`, { signal: AbortSignal.timeout(3000) });
      if (/^leader_election_master_status(?:\{[^}]*\})? 1$/m.test(await answer.text()))
        believing.push(metadata?.name ?? "");
    }
    if (believing.join() === active.metadata?.name) return true;
    throw new Error(`the Lease names ${active.metadata?.name}, and ${believing.join(", ") || "nobody"} acts`);
  };
  await until("exactly one operator holds the Lease and acts", isSingle, { limitMs: 30_000, stepMs: 250 });
}
