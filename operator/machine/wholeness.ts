import type { Registration } from "#contract/control.ts";
import type { PartitionRow } from "#contract/rows.ts";
import { type BrokerRecord, UNKNOWN_STORAGE } from "./state.ts";

/** What a new process of a broker still has of what the earlier one had acknowledged. */
export type Remainder = "whole" | "notWhole" | "gone";

/**
 * Judges one partition of a broker that registers with a new incarnation. Whole: it was stopped cleanly, or the page
 * cache survived (same kernel, same mount, no failed write). Where `synced` stands, losing the page cache loses
 * nothing. What recovery found damaged is not whole in any case.
 */
export function remainderOf(record: BrokerRecord, registration: Registration, row: PartitionRow): Remainder {
  const hasKnownStorage = record.storageId !== UNKNOWN_STORAGE;
  if (hasKnownStorage && registration.storageId !== record.storageId) return "gone";
  const isDamaged = registration.damaged.some(
    ({ topicId, partition }) => topicId === row.topicId && partition === row.partition,
  );
  if (isDamaged) return "notWhole";
  if (registration.cleanStopOf === record.incarnation) return "whole";
  if (registration.hasIoErrorMark) return "notWhole";
  return hasPageCache(record, registration) || row.synced ? "whole" : "notWhole";
}

const hasPageCache = (record: BrokerRecord, registration: Registration): boolean =>
  registration.bootId === record.bootId &&
  registration.device === record.device &&
  registration.mountId === record.mountId;
