import { type Context, figuresOf } from "../context.ts";

export const name = "kill the leader's container";

/** SIGKILL to the process of partition 0's leader, a few times over, every replica in sync before each. */
const TIMES = 10;

export async function run(context: Context): Promise<string> {
  const { kube, faults, cluster } = context;
  const gaps: number[] = [];
  const outcome = await context.underLoad(
    async (topic, load) => {
      for (let time = 0; time < TIMES; time++) {
        const leader = await kube.brokerPod(cluster, await context.leaderOf(topic));
        load.forgetGaps();
        await faults.killContainer(leader);
        await load.goesOn();
        gaps.push(Math.round(load.gapMs()));
        await context.whole(topic);
      }
      return "";
    },
    { client: "java" },
  );
  const sorted = gaps.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)];
  const gapMsMax = sorted.at(-1) ?? 0;
  const told = `${outcome.client}, ${TIMES} kills: gaps ${gaps.join(", ")} ms, median ${median} ms`;
  return `${told}; ${figuresOf({ ...outcome, gapMsMax })}`;
}
