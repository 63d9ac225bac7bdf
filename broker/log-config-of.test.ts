import { expect, test } from "@jest/globals";
import type { TopicId } from "./base/ids.ts";
import type { MetadataRows } from "./contract/rows.ts";
import { earlierLogConfigOf } from "./log-config-of.ts";

const rows: MetadataRows = {
  brokers: [],
  topics: [{ topicId: "a".repeat(32) as TopicId, name: "t", config: { "flush.messages": "1" }, partitionCount: 1 }],
  partitions: [],
  deletions: [],
  brokerConfigs: [{ broker: "", config: { "log.segment.bytes": "1048576" } }],
};

test("before the first session a log is opened with what an earlier process was told", () => {
  const config = earlierLogConfigOf(rows, { topic: "t", broker: "1", static: {} });
  expect(config).toMatchObject({ flushMessages: 1, segmentBytes: 1_048_576 });
});

test("a topic that no earlier process knew has what the brokers were started with", () => {
  const config = earlierLogConfigOf(null, { topic: "t", broker: "1", static: { "log.flush.interval.messages": "7" } });
  expect(config.flushMessages).toBe(7);
});
