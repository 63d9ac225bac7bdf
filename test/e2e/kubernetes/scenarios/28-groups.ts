import { OFFSETS_TOPIC, partitionFor } from "../../../../broker/groups/coordinator.ts";
import { type Context, figuresOf } from "../context.ts";
import { GroupMembers } from "../group-members.ts";
import { roll } from "../roll.ts";

export const name = "a consumer group: its coordinator is killed, then every broker is rolled";

export async function run(context: Context): Promise<string> {
  const { kube, faults, cluster } = context;
  let verdict = "";
  const outcome = await context.underLoad(async (topic, load) => {
    const members = await GroupMembers.start(load.target, `group-of-${topic}`);
    try {
      const { length: partitions } = await context.partitions(OFFSETS_TOPIC);
      const coordinator = await context.leaderOf(OFFSETS_TOPIC, partitionFor(members.group, partitions));
      await faults.killContainer(await kube.brokerPod(cluster, coordinator));
      await members.goesOn();
      await context.whole(topic);
      await roll(context);
      await members.goesOn();
      verdict = await members.caughtUp(load.ackedOf());
    } finally {
      await members.stop();
    }
    return verdict;
  });
  return `${outcome.told}; ${figuresOf(outcome)}`;
}
