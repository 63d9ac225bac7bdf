import { describe, expect, test } from "@jest/globals";
import { brokerConfigKeys, topicConfigKeys } from "./config-keys.ts";
import {
  changeConfig,
  configSources,
  describeBrokerConfig,
  describeTopicConfig,
  effectiveBrokerConfig,
  effectiveTopicConfig,
  NO_BROKER_CONFIG,
  validateDynamicBrokerConfig,
  validateStaticConfig,
  validateTopicConfig,
} from "./config-values.ts";

describe("the table", () => {
  test("every synonym names a broker key, and the last one has a default", () => {
    const all = [...topicConfigKeys.values(), ...brokerConfigKeys.values()];
    expect(all.length).toBeGreaterThan(40);
    for (const { synonyms, name } of all) {
      for (const { key } of synonyms) expect([name, brokerConfigKeys.has(key)]).toEqual([name, true]);
      const last = synonyms.at(-1);
      if (last !== undefined) expect(brokerConfigKeys.get(last.key)?.defaultValue).not.toBeNull();
    }
  });

  test("every default is valid", () => {
    for (const { name, defaultValue } of topicConfigKeys.values()) {
      expect(validateTopicConfig({ [name]: defaultValue! })).toBeNull();
    }
    for (const { name, defaultValue } of brokerConfigKeys.values()) {
      if (defaultValue !== null) expect(validateStaticConfig({ [name]: defaultValue })).toBeNull();
    }
  });
});

describe("values in force", () => {
  test("without settings they are Kafka's defaults", () => {
    const topic = effectiveTopicConfig({}, NO_BROKER_CONFIG);
    expect(topic.retentionMs).toBe(7 * 24 * 3_600_000);
    expect(topic.segmentBytes).toBe(2 ** 30);
    expect(topic.maxMessageBytes).toBe(1_048_588);
    expect(topic.flushMessages).toBe(Number.MAX_SAFE_INTEGER);
    expect(topic.timestampType).toBe("CreateTime");
    expect(effectiveBrokerConfig(NO_BROKER_CONFIG).socketRequestMaxBytes).toBe(104_857_600);
  });

  test("a topic's own value wins, then one broker's, then all brokers', then what they were started with", () => {
    const layers = {
      broker: { "message.max.bytes": "4" },
      cluster: { "message.max.bytes": "3", "log.segment.bytes": "3333" },
      static: { "message.max.bytes": "2", "log.segment.bytes": "2222", "log.index.interval.bytes": "22" },
    };
    const topic = effectiveTopicConfig({ "max.message.bytes": "5" }, layers);
    expect(topic).toMatchObject({ maxMessageBytes: 5, segmentBytes: 3333, indexIntervalBytes: 22 });
    expect(effectiveTopicConfig({}, layers).maxMessageBytes).toBe(4);
  });

  test("retention in hours and minutes counts only while the finer unit is silent", () => {
    const of = (config: Record<string, string>) =>
      effectiveTopicConfig({}, { ...NO_BROKER_CONFIG, static: config }).retentionMs;
    expect(of({ "log.retention.hours": "2" })).toBe(7_200_000);
    expect(of({ "log.retention.hours": "2", "log.retention.minutes": "3" })).toBe(180_000);
    expect(of({ "log.retention.hours": "2", "log.retention.minutes": "3", "log.retention.ms": "4" })).toBe(4);
    expect(of({ "log.retention.hours": "-1" })).toBe(-1);
  });
});

describe("validation", () => {
  test.each([
    [{ "retention.ms": "-2" }, 'invalid value "-2" for retention.ms: it is at least -1'],
    [{ "retention.ms": "soon" }, 'invalid value "soon" for retention.ms: it is a whole number'],
    [{ "segment.bytes": "99999999999" }, "it is at most 2147483647"],
    [{ "cleanup.policy": "compact,squash" }, "each element is one of delete, compact"],
    [{ "min.cleanable.dirty.ratio": "1.5" }, "at most 1"],
    [{ "min.cleanable.dirty.ratio": "half" }, "it is a number"],
    [{ "min.compaction.lag.ms": "10", "max.compaction.lag.ms": "9" }, "it is at most max.compaction.lag.ms"],
    [{ "cleanup.policy": "" }, "at least one"],
    [{ "compression.type": "brotli" }, "it is one of producer, uncompressed, gzip, snappy, lz4, zstd"],
    [{ "compression.gzip.level": "0" }, 'invalid value "0" for compression.gzip.level: it is not 0'],
    [{ "compression.lz4.level": "9" }, "unknown topic config compression.lz4.level"],
    [{ "unclean.leader.election.enable": "perhaps" }, "it is true or false"],
    [{ "segment.jitter.ms": "1" }, "unknown topic config segment.jitter.ms"],
    [{ "flush.messages": "9223372036854775808" }, "it is at most 9223372036854775807"],
  ])("%j is refused with one line", (config, line) => {
    expect(validateTopicConfig(config as Record<string, string>)).toContain(line);
  });

  test("a read-only key cannot be set on running brokers, and a cluster-wide one not on a single broker", () => {
    expect(validateDynamicBrokerConfig({ "socket.request.max.bytes": "2048" }, "")).toContain("while brokers run");
    expect(validateDynamicBrokerConfig({ "min.insync.replicas": "2" }, "1")).toContain("all brokers at once");
    expect(validateDynamicBrokerConfig({ "min.insync.replicas": "2" }, "")).toBeNull();
    expect(validateDynamicBrokerConfig({ "max.connections": "10" }, "1")).toBeNull();
  });
});

describe("incremental changes", () => {
  const topic = { kind: "topic", name: "t" } as const;

  test("set, delete, and what was not named stays", () => {
    const outcome = changeConfig(
      { "retention.ms": "1", "segment.ms": "2" },
      [
        { key: "retention.ms", operation: "delete", value: null },
        { key: "retention.bytes", operation: "set", value: " +7 " },
      ],
      topic,
    );
    expect(outcome).toEqual({ kind: "changed", config: { "segment.ms": "2", "retention.bytes": "7" } });
  });

  test("append and subtract work on lists only", () => {
    const append = changeConfig({}, [{ key: "cleanup.policy", operation: "append", value: "delete" }], topic);
    expect(append).toEqual({ kind: "changed", config: { "cleanup.policy": "delete" } });
    const emptied = changeConfig({}, [{ key: "cleanup.policy", operation: "subtract", value: "delete" }], topic);
    expect(emptied.kind).toBe("refused");
    const number = changeConfig({}, [{ key: "retention.ms", operation: "append", value: "1" }], topic);
    expect(number).toMatchObject({ kind: "refused", reason: expect.stringContaining("no list") as unknown });
  });

  test("the offsets of groups are not compacted: their coordinators rewrite them", () => {
    const compact = [{ key: "cleanup.policy", operation: "set", value: "compact" }] as const;
    const refused = changeConfig({}, compact, { kind: "topic", name: "__consumer_offsets" });
    expect(refused).toMatchObject({ kind: "refused", reason: expect.stringContaining("rewrite it") as unknown });
    expect(changeConfig({}, compact, topic)).toEqual({ kind: "changed", config: { "cleanup.policy": "compact" } });
  });

  test("the lags of compaction are compared with what is set already", () => {
    const change = [{ key: "min.compaction.lag.ms", operation: "set", value: "10" }] as const;
    expect(changeConfig({ "max.compaction.lag.ms": "9" }, change, topic).kind).toBe("refused");
    expect(changeConfig({ "max.compaction.lag.ms": "10" }, change, topic).kind).toBe("changed");
  });

  test("a key named twice, an unknown key and a missing value are refused", () => {
    const set = { key: "retention.ms", operation: "set", value: "1" } as const;
    expect(changeConfig({}, [set, set], topic).kind).toBe("refused");
    expect(changeConfig({}, [{ ...set, key: "nope" }], topic).kind).toBe("refused");
    expect(changeConfig({}, [{ ...set, value: null }], topic).kind).toBe("refused");
  });
});

describe("description", () => {
  test("a topic shows every key with its source and the chain behind it", () => {
    const layers = { ...NO_BROKER_CONFIG, static: { "log.retention.hours": "1" } };
    const all = describeTopicConfig({ "segment.bytes": "2048" }, layers);
    expect(all.length).toBe(topicConfigKeys.size);
    const segment = all.find(({ name }) => name === "segment.bytes");
    expect(segment).toMatchObject({ value: "2048", source: configSources.topic });
    expect(segment?.synonyms.map(({ name, value }) => [name, value])).toEqual([
      ["segment.bytes", "2048"],
      ["log.segment.bytes", "1073741824"],
    ]);
    const retention = all.find(({ name }) => name === "retention.ms");
    expect(retention).toMatchObject({ value: "3600000", source: configSources.staticBroker });
  });

  test("a broker shows every key; the cluster default shows only what was set there", () => {
    const layers = { ...NO_BROKER_CONFIG, cluster: { "max.connections": "9" } };
    expect(describeBrokerConfig("1", layers).length).toBe(brokerConfigKeys.size);
    expect(describeBrokerConfig("", layers).map(({ name, value, source }) => [name, value, source])).toEqual([
      ["max.connections", "9", configSources.dynamicDefaultBroker],
    ]);
  });
});
