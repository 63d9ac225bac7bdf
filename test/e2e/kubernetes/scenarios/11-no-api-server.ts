import { setTimeout as sleep } from "node:timers/promises";
import { type Context, figuresOf } from "../context.ts";

export const name = "no API server for two minutes, and a leader killed meanwhile";

const BEFORE_MS = 30_000;
const AFTER_MS = 90_000;
/** From the API server being ready to acks from every partition: the election itself, and clients learning of it. */
const ELECTION_MS_MAX = 5000;

/** Nobody can be elected while nothing can be written down; as soon as it can, somebody is. */
export async function run(context: Context): Promise<string> {
  const { kube, faults, cluster } = context;
  const outcome = await context.underLoad(async (topic, load) => {
    const leader = await kube.brokerPod(cluster, await context.leaderOf(topic));
    await faults.stopApiServer();
    let returned: number;
    try {
      await sleep(BEFORE_MS);
      await load.goesOn();
      await faults.killContainer(leader);
      await sleep(AFTER_MS);
    } finally {
      await faults.startApiServer();
      returned = performance.now();
    }
    await load.goesOn();
    const electionMs = performance.now() - returned;
    if (electionMs > ELECTION_MS_MAX)
      throw new Error(`it took ${Math.round(electionMs)} ms until all partitions went on`);
    return `all partitions went on ${Math.round(electionMs)} ms after its return`;
  });
  return `${outcome.told}; ${figuresOf(outcome)}`;
}
