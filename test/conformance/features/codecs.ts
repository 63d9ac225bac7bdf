import {
  type CompressionName,
  compressionCodecs,
  compressionOf,
  hasValidCrc,
} from "../../../broker/wire/record-batch.ts";
import { type Feature, mustBe, valuesOf } from "./feature.ts";

const COUNT = 500;

const codec = (name: CompressionName): Feature => ({
  name,
  what: `500 records written with compression ${name}, and stored so; read back by the client itself and by another.`,
  async run({ cluster, driver, topic }) {
    await cluster.makeTopic(topic, { partitions: 1 });
    // Long enough to be worth compressing: some clients store as it is what compression makes no shorter.
    const prefix = "much the same again and again, ".repeat(4);
    await driver.run("write", { prefix, count: COUNT, codec: name, idempotent: false });
    const wanted = valuesOf(prefix, COUNT);
    mustBe("another client reads", await cluster.values(topic), wanted);
    mustBe("the client reads", (await driver.run("read", { count: COUNT })).values(), wanted);
    const stored = await cluster.batches(topic, (bytes, at) => [compressionOf(bytes, at), hasValidCrc(bytes, at)]);
    const isStored = stored.every(([found, isValid]) => found === compressionCodecs[name] && isValid);
    if (!isStored || stored.length === 0)
      throw new Error(`stored with codecs ${stored.map(([found]) => found).join()}`);
  },
});

export const codecs: readonly Feature[] = (["none", "gzip", "snappy", "lz4", "zstd"] as const).map(codec);
