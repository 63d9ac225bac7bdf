import { MalformedError } from "../wire/malformed.ts";
import { Reader } from "../wire/reader.ts";

/** Protocol type of ordinary consumers: what their metadata says can be read here. */
export const CONSUMER = "consumer";

/**
 * Topics that a consumer has subscribed to, by the metadata it joined with; null when it cannot be told. Its first
 * fields are the same in every version: version, topics. Source: Kafka's ConsumerProtocolSubscription.
 */
export function subscribedTopics(metadata: Uint8Array): string[] | null {
  try {
    const reader = new Reader(metadata);
    reader.int16();
    const count = reader.int32();
    if (count < 0 || count > reader.remaining) return null;
    return Array.from({ length: count }, () => reader.string());
  } catch (error) {
    if (error instanceof MalformedError) return null;
    throw error;
  }
}
