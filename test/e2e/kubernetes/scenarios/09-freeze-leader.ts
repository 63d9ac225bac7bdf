import { type Context, figuresOf } from "../context.ts";

export const name = "freeze a leader, then let it go on";

/** The session's timeout, a second for the rest, and one in which this client waits before it asks another. */
const GAP_MS_MAX = 6000;

/** A stopped process refuses nothing and answers nothing: only its silence tells. It wakes up as nobody's leader. */
export async function run(context: Context): Promise<string> {
  const { kube, faults, cluster } = context;
  const outcome = await context.underLoad(async (topic, load) => {
    const frozen = await kube.brokerPod(cluster, await context.leaderOf(topic));
    load.forgetGaps();
    const goOn = await faults.freezeContainer(frozen);
    try {
      await load.goesOn();
      if (load.gapMs() > GAP_MS_MAX) throw new Error(`a partition was silent for ${Math.round(load.gapMs())} ms`);
    } finally {
      goOn();
    }
    return "";
  });
  return figuresOf(outcome);
}
