import { type TopicId, topicId } from "../base/ids.ts";

/**
 * `partition.metadata`: which topic a folder's data belongs to. Kafka's format: "version: 0", "topic_id: " and the id
 * as URL-safe base64 of its 16 bytes.
 */
export function encodePartitionMetadata(id: TopicId): Uint8Array {
  return new TextEncoder().encode(`version: 0\ntopic_id: ${Buffer.from(id, "hex").toString("base64url")}\n`);
}

/** Null when the content is none. */
export function decodePartitionMetadata(content: Uint8Array): TopicId | null {
  const [, encoded] = /^version: 0\ntopic_id: ([\w-]{22})\n?$/.exec(new TextDecoder().decode(content)) ?? [];
  return encoded === undefined ? null : topicId(Buffer.from(encoded, "base64url").toString("hex"));
}
