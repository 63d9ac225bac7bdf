import type { Feature } from "./feature.ts";
import { areShared, PARTITIONS, readOn, untilShared } from "./groups.ts";

export const cooperative: Feature = {
  name: "cooperative group",
  what:
    "The group of two with the assignor cooperative-sticky: while the second member comes, the first never gives up " +
    "the partitions that it keeps.",
  async run(bench) {
    const options = { group: bench.topic, assignor: "cooperative-sticky" } as const;
    await bench.cluster.makeTopic(bench.topic, { partitions: PARTITIONS });
    const first = bench.driver.start("member", options);
    await first.until("it owns all partitions", () => areShared(first));
    const before = first.owned().length;
    const other = bench.driver.start("member", options);
    await untilShared(first, other);
    const kept = first.owns() ?? [];
    const lost = first
      .owned()
      .slice(before)
      .find((owned) => !kept.every((partition) => owned.includes(partition)));
    if (lost !== undefined) throw new Error(`it owned only ${lost.join()} on its way to ${kept.join()}`);
    await readOn(bench, first, other);
  },
};
