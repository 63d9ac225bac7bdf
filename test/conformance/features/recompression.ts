import {
  type CompressionName,
  compressionCodecs,
  compressionOf,
  hasValidCrc,
} from "../../../broker/wire/record-batch.ts";
import { type Bench, type Feature, mustBe, valuesOf } from "./feature.ts";

const COUNT = 200;

/** Written with one codec into a topic whose `compression.type` demands another. */
interface Change {
  readonly from: CompressionName;
  readonly to: CompressionName;
}

async function recompress(bench: Bench, { from, to }: Change): Promise<void> {
  const { cluster } = bench;
  const topic = `${bench.topic}.${to}`;
  const driver = bench.driver.on(topic);
  await cluster.makeTopic(topic, {
    partitions: 1,
    config: { "compression.type": to === "none" ? "uncompressed" : to },
  });
  const prefix = "much the same again and again, ".repeat(4);
  await driver.run("write", { prefix, count: COUNT, codec: from, idempotent: true });
  const stored = await cluster.batches(topic, (bytes, at) => [compressionOf(bytes, at), hasValidCrc(bytes, at)]);
  const isStored = stored.every(([codec, isValid]) => codec === compressionCodecs[to] && isValid);
  if (!isStored || stored.length === 0)
    throw new Error(`from ${from} to ${to}: stored with codecs ${stored.map(([codec]) => codec).join()}`);
  const wanted = valuesOf(prefix, COUNT);
  mustBe(`from ${from} to ${to}, another client reads`, await cluster.values(topic), wanted);
  mustBe(`from ${from} to ${to}, the client reads`, (await driver.run("read", { count: COUNT })).values(), wanted);
}

const recompression = (options: { name: string; changes: readonly Change[] }): Feature => ({
  name: options.name,
  what: `${options.changes
    .map(({ from, to }) => `${COUNT} records written with compression ${from} into a topic that stores ${to}`)
    .join(", ")}: stored so, and read back by the client and by another.`,
  async run(bench) {
    for (const change of options.changes) await recompress(bench, change);
  },
});

export const recompressions: readonly Feature[] = [
  recompression({
    name: "recompression",
    changes: [
      { from: "gzip", to: "none" },
      { from: "none", to: "gzip" },
    ],
  }),
  recompression({
    name: "recompression (all codecs)",
    changes: [
      { from: "snappy", to: "lz4" },
      { from: "lz4", to: "zstd" },
      { from: "zstd", to: "snappy" },
    ],
  }),
];
