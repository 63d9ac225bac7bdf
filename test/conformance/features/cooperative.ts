import { type Feature, valuesOf } from "./feature.ts";
import { areShared, hasAll, PARTITIONS, untilRead, untilShared, write } from "./groups.ts";

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
    await write(bench, "shared");
    await untilRead(valuesOf("shared", PARTITIONS * 10), first, other);
    await first.finish();
    await other.until("it owns all partitions", () => areShared(other));
    await write(bench, "last");
    await other.until("it has read all", () => hasAll(valuesOf("last", PARTITIONS * 10), other));
    await other.finish();
  },
};
