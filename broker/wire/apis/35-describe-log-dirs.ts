import { defineApi } from "../api.ts";
import type { Draft, Infer } from "../schema.ts";
import { array, boolean, int16, int32, int64, partitionIndex, string } from "../schema.ts";

/*
 * DescribeLogDirs: what a broker's disks hold (KIP-113). v2 is flexible; v3 has an error of its own; v4 tells how large
 * the disks are, v5 whether they take new replicas (KIP-1066).
 */

const request = {
  /** Null asks for all. */
  topics: array({
    topic: string,
    partitions: array(partitionIndex),
  }).nullable(),
};

const response = {
  throttleTimeMs: int32,
  errorCode: int16.since(3).ignorable(),
  results: array({
    errorCode: int16,
    logDir: string,
    topics: array({
      name: string,
      partitions: array({
        partitionIndex,
        partitionSize: int64,
        /** How far the log is behind the high watermark. */
        offsetLag: int64,
        /** Being moved from another disk of the same broker. */
        isFutureKey: boolean,
      }),
    }),
    /** −1: not told. */
    totalBytes: int64.since(4).default(-1).ignorable(),
    usableBytes: int64.since(4).default(-1).ignorable(),
    isCordoned: boolean.since(5).ignorable(),
  }),
};

export type DescribeLogDirsRequest = Infer<typeof request>;
export type DescribeLogDirsResponse = Draft<typeof response>;

export const describeLogDirs = defineApi({
  key: 35,
  name: "DescribeLogDirs",
  versions: { min: 1, max: 5 },
  flexibleFrom: 2,
  request,
  response,
});
