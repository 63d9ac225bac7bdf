import { kafkaErrors } from "../wire/error-codes.ts";
import type { GroupPartition } from "../groups/group-partition.ts";
import type { BrokerContext } from "./context.ts";

/** Which coordinator answers for a group here, or Kafka's error. An empty name is one of consumers without a group. */
export type FoundGroup =
  | { readonly kind: "found"; readonly partition: GroupPartition }
  | { readonly kind: "refused"; readonly errorCode: number };

export function findGroup(broker: BrokerContext, groupId: string, options = { mayBeUnnamed: false }): FoundGroup {
  if (groupId === "" && !options.mayBeUnnamed) return { kind: "refused", errorCode: kafkaErrors.INVALID_GROUP_ID };
  return broker.groups.find(groupId);
}
