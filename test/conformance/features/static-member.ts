import { type Feature, mustBe, valuesOf } from "./feature.ts";
import { PARTITIONS, untilRead, untilShared, write } from "./groups.ts";

export const staticMember: Feature = {
  name: "static member",
  what:
    "One of two static members is killed and started again with its group.instance.id: it has the partitions that it " +
    "had, and the other hears of nothing.",
  async run(bench) {
    const { driver, topic } = bench;
    await bench.cluster.makeTopic(topic, { partitions: PARTITIONS });
    const stays = driver.start("member", { group: topic, instance: "stays" });
    const killed = driver.start("member", { group: topic, instance: "killed" });
    await untilShared(stays, killed);
    const [owned, told] = [killed.owns() ?? [], stays.owned().length];
    killed.program.kill();
    await killed.program.end();
    await write(bench, "afterwards");
    const again = driver.start("member", { group: topic, instance: "killed" });
    await untilRead(valuesOf("afterwards", PARTITIONS * 10), stays, again);
    mustBe("the partitions of the member that was killed", sorted(again.owns()), sorted(owned));
    mustBe("how often the other was told of its partitions", [stays.owned().length], [told]);
    await Promise.all([stays.finish(), again.finish()]);
  },
};

const sorted = (partitions: readonly number[] | null): number[] => (partitions ?? []).toSorted((a, b) => a - b);
