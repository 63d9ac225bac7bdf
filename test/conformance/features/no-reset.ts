import { type Feature, mustBe, valuesOf } from "./feature.ts";
import { hasAll, PARTITIONS, write } from "./groups.ts";

export const noReset: Feature = {
  name: "no offset to reset",
  what:
    "With auto.offset.reset none a member of a group without commits ends with its client's error; a member of a " +
    "group for which another client has committed the ends reads what is written afterwards, and nothing of before.",
  async run(bench) {
    const { cluster, driver, topic } = bench;
    await cluster.makeTopic(topic, { partitions: PARTITIONS });
    await write(bench, "before");
    const refused = driver.start("member", { group: topic, reset: "none" });
    await refused.program.end();
    const complaint = refused.program.complaint();
    if (refused.program.code === 0 || !/offset/i.test(complaint)) throw new Error(`it went on: ${complaint}`);
    mustBe("what it read", refused.values(), []);
    // Another group: the first waits for its member, which has not left it.
    const group = `${topic}.committed`;
    await cluster.commitEnds(topic, group);
    await write(bench, "after");
    const wanted = valuesOf("after", PARTITIONS * 10);
    const member = driver.start("member", { group, reset: "none" });
    await member.until("it has read all", () => hasAll(wanted, member));
    await member.finish();
    mustBe("what it read, sorted,", member.values().sort(), wanted.sort());
  },
};
