/*
 * What the protocol costs on one core: decoding and encoding a Metadata response, the produce path from frame to
 * validated batch, and the fetch path from body to chunks.
 *
 *   node test/protocol/cost.ts
 */
import type { BrokerId, LeaderEpoch, Offset, PartitionIndex } from "../../broker/base/ids.ts";
import { fetch } from "../../broker/wire/apis/01-fetch.ts";
import { metadata } from "../../broker/wire/apis/03-metadata.ts";
import { produce } from "../../broker/wire/apis/00-produce.ts";
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse, joined } from "../../broker/wire/frame.ts";
import { buildBatch } from "../../broker/wire/record-batch-builder.ts";
import type { BatchLimits } from "../../broker/wire/record-batch-validation.ts";
import { validateBatch } from "../../broker/wire/record-batch-validation.ts";
import { RecordWalk } from "../../broker/wire/record-walk.ts";

const ROUNDS = 5;
const ROUND_MS = 400;

/** Prints the best of some rounds: the one that the machine's other work disturbed least. */
function measure(what: string, { unit, units }: { unit: string; units: number }, once: () => unknown): void {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    let calls = 0;
    while (performance.now() - started < ROUND_MS) {
      for (let i = 0; i < 50; i++) once();
      calls += 50;
    }
    best = Math.min(best, ((performance.now() - started) * 1e6) / (calls * units));
  }
  const cost = best >= 1_000 ? `${(best / 1_000).toFixed(2)} us` : `${best.toFixed(1)} ns`;
  console.log(`${what.padEnd(64)} ${cost.padStart(10)} per ${unit}`);
}

const topics = Array.from({ length: 50 }, (_, index) => ({
  errorCode: 0,
  name: `topic-${index}`,
  partitions: Array.from({ length: 12 }, (_unused, partition) => ({
    errorCode: 0,
    partitionIndex: partition as PartitionIndex,
    leaderId: (partition % 3) as BrokerId,
    leaderEpoch: 5 as LeaderEpoch,
    replicaNodes: [0, 1, 2] as BrokerId[],
    isrNodes: [0, 1, 2] as BrokerId[],
  })),
}));
const brokers = [0, 1, 2].map((id) => ({ nodeId: id as BrokerId, host: "127.0.0.1", port: 9092 + id }));
const metadataFrame = joined(encodeResponse(metadata, { version: 12, correlationId: 1 }, { brokers, topics }));

const records = (sizeBytes: number, count: number): Buffer =>
  buildBatch(
    Array.from({ length: count }, (_, i) => ({ key: null, value: "v".repeat(sizeBytes - 12), timestamp: 1e12 + i })),
  );
const limits: BatchLimits = { maxBatchBytes: 2e6, requiresKeys: false, timestampMin: 0, timestampMax: 1e15 };

const produceFrame = (batch: Buffer): Buffer =>
  joined(
    encodeRequest(
      produce,
      { version: 11, correlationId: 1, clientId: "bench" },
      {
        acks: -1,
        timeoutMs: 30_000,
        topicData: [{ name: "bench-topic", partitionData: [{ index: 0 as PartitionIndex, records: batch }] }],
      },
    ),
  ).subarray(4);

const single = records(1_000, 1);
const small = records(100, 1_000);
const singleFrame = produceFrame(single);
const partition = { partitionIndex: 0 as PartitionIndex, errorCode: 0, highWatermark: 10 as Offset, records: small };
const produced = { index: 0 as PartitionIndex, errorCode: 0, baseOffset: 9 as Offset };

const message = { unit: "message", units: 1 };
measure("decode Metadata v12, 50 topics of 12 partitions", message, () =>
  decodeResponse(metadata, 12, metadataFrame.subarray(4)),
);
measure("encode it", message, () => encodeResponse(metadata, { version: 12, correlationId: 1 }, { brokers, topics }));
measure("decode Produce v11, one record of 1 KB", message, () => decodeRequest(produce, singleFrame));
measure("encode its response", message, () =>
  encodeResponse(
    produce,
    { version: 11, correlationId: 1 },
    { responses: [{ name: "bench-topic", partitionResponses: [produced] }] },
  ),
);
measure("encode Fetch v16 with 100 KB of records, not copied", message, () =>
  encodeResponse(
    fetch,
    { version: 16, correlationId: 1 },
    { responses: [{ partitions: [partition], topicId: undefined }] },
  ),
);
measure("validate a batch of one record of 1 KB, CRC included", message, () => validateBatch(single, limits));
measure("validate a batch of 1,000 records of 100 B, CRC included", { unit: "record", units: 1_000 }, () =>
  validateBatch(small, limits),
);
measure("of which walking the records", { unit: "record", units: 1_000 }, () =>
  new RecordWalk(small, 61, small.length).run(1_000),
);
