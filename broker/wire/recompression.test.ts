import { describe, expect, test } from "@jest/globals";
import type { TimestampMs } from "../base/ids.ts";
import { decompress } from "./compression.ts";
import { compressInThread, decompressInThread } from "./compression-in-threads.ts";
import { kafkaErrors } from "./error-codes.ts";
import * as batch from "./record-batch.ts";
import { buildBatch } from "./record-batch-builder.ts";
import type { BatchLimits } from "./record-batch-validation.ts";
import { type Recompressed, recompress } from "./recompression.ts";

const limits: BatchLimits = { maxBatchBytes: 1_000_000, requiresKeys: false, timestampMin: 0, timestampMax: 1e14 };
const names = ["none", "gzip", "snappy", "lz4", "zstd"] as const;
const pairs = names.flatMap((from) => names.filter((to) => to !== from).map((to) => [from, to] as const));

/** Enough for several blocks of snappy, little of it alike. */
const records = Array.from({ length: 300 }, (_, index) => ({
  key: index % 7 === 0 ? null : `key ${index * 7919}`,
  value: index % 11 === 0 ? null : `value ${index ** 5} of many, ${"x".repeat(3 * (index % 150))}`,
  timestamp: 1_700_000_000_000 + ((index * 37) % 1000),
  headers: index % 5 === 0 ? [{ key: "h", value: `${index}` }] : [],
}));
const producer = { id: 2 ** 40, epoch: 7, baseSequence: 2 ** 31 - 2 };

const build = (compression: (typeof names)[number]): Buffer => buildBatch(records, { compression, producer });

function bytesOf(result: Recompressed): Uint8Array {
  if (result.kind !== "batch") throw new Error(result.fault.message);
  return result.bytes;
}

const faultOf = (result: Recompressed) => (result.kind === "fault" ? result.fault : null);

/** A compressed batch with another body, its CRC right. */
const withBody = (source: Uint8Array, body: Uint8Array): Uint8Array => batch.withBody(source, 0, { body });

const opened = (bytes: Uint8Array): Buffer =>
  Buffer.from(decompress(batch.compressionOf(bytes, 0), bytes.subarray(batch.BATCH_HEADER_BYTES)));
const bodyOf = (bytes: Uint8Array): Uint8Array => bytes.subarray(batch.BATCH_HEADER_BYTES);

describe("a batch compressed otherwise", () => {
  test.each(pairs)("from %s to %s holds the same records under the same header", async (from, to) => {
    const source = build(from);
    const codec = batch.compressionCodecs[to];
    const bytes = bytesOf(await recompress(Uint8Array.from(source), { codec }, limits));
    expect([batch.compressionOf(bytes, 0), batch.hasValidCrc(bytes, 0)]).toEqual([codec, true]);
    expect(batch.sizeBytesOf(bytes, 0)).toBe(bytes.length);
    expect(opened(bytes).equals(bodyOf(build("none")))).toBe(true);
    // All but length, CRC and codec: offsets, times, the producer's session, the count.
    const fixed = [...bytes.subarray(23, batch.BATCH_HEADER_BYTES)];
    expect(fixed).toEqual([...source.subarray(23, batch.BATCH_HEADER_BYTES)]);
    expect(batch.attributesOf(bytes, 0) & ~7).toBe(batch.attributesOf(source, 0) & ~7);
    if (to !== "none") expect(bytes.length).toBeLessThan(build("none").length);
  });

  test("to nothing and back to a codec is what it was", async () => {
    const plain = bytesOf(await recompress(build("zstd"), { codec: 0 }, limits));
    expect(Buffer.from(plain).equals(build("none"))).toBe(true);
  });

  test("is smaller the higher the level", async () => {
    for (const [codec, fast, small] of [
      [batch.compressionCodecs.gzip, 1, 9],
      [batch.compressionCodecs.zstd, -50, 19],
    ] as const) {
      const sizes = await Promise.all(
        [fast, small].map(async (level) => bytesOf(await recompress(build("none"), { codec, level }, limits)).length),
      );
      expect(sizes[0]).toBeGreaterThan(sizes[1]!);
    }
  });

  test("that says a wrong greatest timestamp is put right, whatever it came as", async () => {
    const source = build("lz4");
    batch.stampMaxTimestamp(source, 0, 1_800_000_000_000 as TimestampMs);
    const bytes = bytesOf(await recompress(source, { codec: batch.compressionCodecs.gzip }, limits));
    expect(batch.maxTimestampOf(bytes, 0)).toBe(Math.max(...records.map(({ timestamp }) => timestamp)));
    expect(batch.hasValidCrc(bytes, 0)).toBe(true);
  });

  test("by snappy has the frame of Java's library, in blocks", async () => {
    const codec = batch.compressionCodecs.snappy;
    const body = bodyOf(bytesOf(await recompress(build("none"), { codec }, limits)));
    expect(Buffer.from(body.subarray(0, 16)).toString("hex")).toBe("82534e415050590000000001" + "00000001");
    expect(body.length).toBeGreaterThan(16 + 2 * 4);
    expect(Buffer.from(await decompressInThread(codec, body)).equals(bodyOf(build("none")))).toBe(true);
  });
});

describe("a batch that cannot be compressed otherwise", () => {
  test.each(names.filter((name) => name !== "none"))("as it is no %s is CORRUPT_MESSAGE", async (name) => {
    const source = build(name);
    for (const body of [Buffer.from("no such format at all"), Buffer.alloc(0), bodyOf(source).subarray(0, -9)]) {
      const fault = faultOf(await recompress(withBody(source, body), { codec: 0 }, limits));
      expect(fault?.code).toBe(kafkaErrors.CORRUPT_MESSAGE);
    }
  });

  test("as its records are malformed is INVALID_RECORD, and the record is named", async () => {
    const source = build("gzip");
    const wrong = opened(source);
    wrong[0] = 3;
    const body = await compressInThread({ codec: batch.compressionCodecs.gzip }, wrong);
    const fault = faultOf(await recompress(withBody(source, body), { codec: 0 }, limits));
    expect(fault).toMatchObject({ code: kafkaErrors.INVALID_RECORD, recordIndex: 0 });
  });

  test("as it has another number of records than it says is INVALID_RECORD", async () => {
    const source = build("zstd");
    new DataView(source.buffer, source.byteOffset).setInt32(57, 299);
    const fault = faultOf(await recompress(withBody(source, bodyOf(source)), { codec: 3 }, limits));
    expect(fault?.code).toBe(kafkaErrors.INVALID_RECORD);
  });

  test("as it would be larger than is taken is MESSAGE_TOO_LARGE, though it came small enough", async () => {
    const source = build("zstd");
    const small = { ...limits, maxBatchBytes: source.length };
    const fault = faultOf(await recompress(source, { codec: 0 }, small));
    expect(fault?.code).toBe(kafkaErrors.MESSAGE_TOO_LARGE);
  });

  test("as times come to light that are out of bounds is INVALID_TIMESTAMP", async () => {
    const early = { ...limits, timestampMin: 1_700_000_000_001 };
    const fault = faultOf(await recompress(build("gzip"), { codec: 0 }, early));
    expect(fault?.code).toBe(kafkaErrors.INVALID_TIMESTAMP);
  });

  test.each(["gzip", "snappy", "lz4", "zstd"] as const)(
    "as %s opens to more than is allowed is refused",
    async (name) => {
      const codec = batch.compressionCodecs[name];
      const body = await compressInThread({ codec }, Buffer.alloc(300_000, "again "));
      await expect(decompressInThread(codec, body, 299_999)).rejects.toThrow(/open to|larger than/u);
      expect((await decompressInThread(codec, body, 300_000)).length).toBe(300_000);
    },
  );
});
