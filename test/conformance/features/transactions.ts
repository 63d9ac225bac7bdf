import { type Feature, mustBe } from "./feature.ts";

export const transactions: Feature = {
  name: "no transactions",
  what:
    "A transactional producer is told so by its client's error, and writes nothing; librdkafka asks for a " +
    "coordinator until the time that it was given is up.",
  async run({ cluster, driver, topic }) {
    await cluster.makeTopic(topic, { partitions: 1 });
    const refusal = (await driver.run("transact", {})).refusal();
    if (refusal === "") throw new Error("its transaction was not refused");
    // Of what a transaction needs and there is none of; not of something else that is wrong.
    if (!/transaction|coordinator|producer id|timed out/i.test(refusal))
      throw new Error(`it was refused with: ${refusal}`);
    mustBe("what is in the topic", await cluster.values(topic), []);
  },
};
