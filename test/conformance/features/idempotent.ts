import { producerIdOf } from "../../../broker/wire/record-batch.ts";
import { type Feature, mustBe, valuesOf } from "./feature.ts";

export const idempotent: Feature = {
  name: "idempotent",
  what: "500 records of an idempotent producer: every stored batch has its producer id, and each record is there once.",
  async run({ cluster, driver, topic }) {
    await cluster.makeTopic(topic, { partitions: 1 });
    await driver.run("write", { prefix: "value", count: 500, codec: "none", idempotent: true });
    mustBe("another client reads", await cluster.values(topic), valuesOf("value", 500));
    const ids = await cluster.batches(topic, producerIdOf);
    if (ids.length === 0 || !ids.every((id) => id >= 0)) throw new Error(`stored with producer ids ${ids.join()}`);
  },
};
