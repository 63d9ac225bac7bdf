import kafkajs from "kafkajs";
import { until } from "../cluster.ts";
import type { Feature } from "./feature.ts";

export const admin: Feature = {
  name: "admin",
  what:
    "Creates a topic with a config, lists it, adds partitions, alters the config, describes both, deletes the topic; " +
    "another client and the controller see the same.",
  async run({ cluster, driver, topic }) {
    const seen = (await driver.run("make", {})).seen();
    const told = JSON.stringify(seen);
    const wanted = JSON.stringify({ isListed: true, partitions: 4, retentionMs: "7200000" });
    if (told !== wanted) throw new Error(`the client sees ${told} where ${wanted} is`);
    if ((await cluster.partitionsOf(topic)) !== 4) throw new Error("the topic has not four partitions");
    const resources = [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }];
    const described = await cluster.admin.describeConfigs({ resources, includeSynonyms: false });
    const entry = described.resources[0]?.configEntries.find(({ configName }) => configName === "retention.ms");
    if (entry?.configValue !== "7200000") throw new Error(`another client sees retention.ms=${entry?.configValue}`);
    await driver.run("drop", {});
    await until("the topic is gone", async () => (await cluster.partitionsOf(topic)) === 0);
  },
};
