import { MalformedError } from "../wire/malformed.ts";
import { compileReader, compileWriter } from "../wire/codec.ts";
import { Reader } from "../wire/reader.ts";
import {
  array,
  bytes,
  type Infer,
  int32,
  int64,
  leaderEpoch,
  offset,
  type Shape,
  string,
  topicId,
} from "../wire/schema.ts";
import { Writer } from "../wire/writer.ts";
import type { GroupMetadata } from "./group-metadata.ts";

/*
 * Records of `__consumer_offsets`, as Kafka writes them: each key and value begins with its version. Keys of version 0
 * and 1 are of committed offsets, 2 of groups; a value of null takes back what the key says. What is written is what
 * Kafka 4 writes: what it reads, tools of Kafka read. Source: Kafka's message definitions (OffsetCommitKey and so on).
 */

const offsetKey = { group: string, topic: string, partition: int32 };
const groupKey = { group: string };

const offsetValue = {
  offset,
  leaderEpoch: leaderEpoch.since(3).default(-1).ignorable(),
  metadata: string,
  commitTimestamp: int64,
  expireTimestamp: int64.since(1).until(1).default(-1).ignorable(),
  topicId: topicId.since(4).tagged(0).ignorable(),
};

const groupValue = {
  protocolType: string,
  generation: int32,
  protocol: string.nullable(),
  leader: string.nullable(),
  currentStateTimestamp: int64.since(2).default(-1).ignorable(),
  members: array({
    memberId: string,
    groupInstanceId: string.since(3).nullable(3).default(null).ignorable(),
    clientId: string,
    clientHost: string,
    rebalanceTimeout: int32.since(1).ignorable(),
    sessionTimeout: int32,
    subscription: bytes,
    assignment: bytes,
  }),
};

/** What a consumer has committed for one partition. Values before version 4 do not tell of which topic of the name. */
export type CommittedOffset = Omit<Infer<typeof offsetValue>, "expireTimestamp">;
export type OffsetKey = Infer<typeof offsetKey>;

/** Key and value of one record. */
export interface StoredRecord {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

export type GroupRecord =
  | { readonly kind: "offset"; readonly key: OffsetKey; readonly value: CommittedOffset | null }
  | { readonly kind: "group"; readonly group: string; readonly value: GroupMetadata | null }
  /** Of a later Kafka: it is nothing that this broker has to know. */
  | { readonly kind: "unknown"; readonly keyVersion: number };

const OFFSET_KEY_VERSION = 1;
const GROUP_KEY_VERSION = 2;
const OFFSET_VALUE_VERSION = 4;
/** The last that is not flexible. */
const GROUP_VALUE_VERSION = 3;
const VALUE_VERSION_MAX = 4;
const VALUE_FLEXIBLE_FROM = 4;

export const offsetRecord = (key: OffsetKey, value: CommittedOffset | null): StoredRecord => ({
  key: written(writeOffsetKey, OFFSET_KEY_VERSION, key),
  value: value === null ? null : written(writeOffsetValue, OFFSET_VALUE_VERSION, value),
});

export const groupRecord = (group: string, value: GroupMetadata | null): StoredRecord => ({
  key: written(writeGroupKey, GROUP_KEY_VERSION, { group }),
  value: value === null ? null : written(writeGroupValue, GROUP_VALUE_VERSION, value),
});

/** @throws MalformedError where the bytes are no such record. */
export function readGroupRecord(key: Uint8Array, value: Uint8Array | null): GroupRecord {
  const reader = new Reader(key);
  const keyVersion = reader.int16();
  if (keyVersion === GROUP_KEY_VERSION) {
    const { group } = readGroupKey(reader) as Infer<typeof groupKey>;
    return { kind: "group", group, value: value === null ? null : (readValue(readGroupValue, value) as GroupMetadata) };
  }
  if (keyVersion !== 0 && keyVersion !== OFFSET_KEY_VERSION) return { kind: "unknown", keyVersion };
  const ofOffset = readOffsetKey(reader) as OffsetKey;
  return {
    kind: "offset",
    key: ofOffset,
    value: value === null ? null : (readValue(readOffsetValue, value) as CommittedOffset),
  };
}

function written(write: (writer: Writer, value: unknown) => void, version: number, value: unknown): Uint8Array {
  const writer = new Writer();
  writer.int16(version);
  write(writer, value);
  return Buffer.concat(writer.chunks());
}

function readValue(readers: ReturnType<typeof readersOf>, value: Uint8Array): unknown {
  const reader = new Reader(value);
  const version = reader.int16();
  const read = readers[version];
  if (read === undefined) throw new MalformedError(`value of version ${version}; known are 0 to ${VALUE_VERSION_MAX}`);
  return read(reader);
}

const readersOf = (name: string, shape: Shape) =>
  Array.from({ length: VALUE_VERSION_MAX + 1 }, (_, version) =>
    compileReader(shape, { name, version, isFlexible: version >= VALUE_FLEXIBLE_FROM }),
  );

const keyTarget = (name: string, version: number) => ({ name, version, isFlexible: false });
const readOffsetKey = compileReader(offsetKey, keyTarget("OffsetCommitKey", OFFSET_KEY_VERSION));
const writeOffsetKey = compileWriter(offsetKey, keyTarget("OffsetCommitKey", OFFSET_KEY_VERSION));
const readGroupKey = compileReader(groupKey, keyTarget("GroupMetadataKey", GROUP_KEY_VERSION));
const writeGroupKey = compileWriter(groupKey, keyTarget("GroupMetadataKey", GROUP_KEY_VERSION));
const readOffsetValue = readersOf("OffsetCommitValue", offsetValue);
const writeOffsetValue = compileWriter(offsetValue, {
  name: "OffsetCommitValue",
  version: OFFSET_VALUE_VERSION,
  isFlexible: true,
});
const readGroupValue = readersOf("GroupMetadataValue", groupValue);
const writeGroupValue = compileWriter(groupValue, keyTarget("GroupMetadataValue", GROUP_VALUE_VERSION));
