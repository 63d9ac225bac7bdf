import { until } from "../cluster.ts";
import { type Feature, mustBe, valuesOf } from "./feature.ts";

export const seek: Feature = {
  name: "seek by time",
  what: "Records are written at two times; read from the later one on, exactly those of the second time come.",
  async run({ cluster, driver, topic }) {
    // The broker's time, the same clock as here: what a client writes into its records is its own affair.
    await cluster.makeTopic(topic, { partitions: 1, config: { "message.timestamp.type": "LogAppendTime" } });
    await driver.run("write", { prefix: "before", count: 50, codec: "none", idempotent: false });
    const lastMs = Date.now();
    await until("the clock has gone on", () => Date.now() > lastMs);
    const sinceMs = Date.now();
    await driver.run("write", { prefix: "after", count: 50, codec: "none", idempotent: false });
    const read = await driver.run("read", { count: 50, sinceMs });
    mustBe("the client reads", read.values(), valuesOf("after", 50));
  },
};
