import type { BrokerId, Offset, PartitionIndex } from "../base/ids.ts";
import type { TopicRow } from "../contract/rows.ts";
import type { BrokerContext } from "./context.ts";
import { endpointOf } from "./leaders.ts";
import type { HostedReplica } from "./replicas.ts";

/** Where a consumer stands: its rack ("" when it names none), and the listener that it came in by. */
export interface ConsumerPlace {
  readonly rack: string;
  readonly listener: string;
}

/** Whether the brokers send consumers to followers in their rack, and this one serves as such (KIP-392). */
export type ReadRole = "leaderOnly" | "sendsAway" | "servesAsFollower";

/**
 * What `replica.selector.class` makes of a consumer here: one in this broker's own rack is served by followers, too,
 * and one of another rack is sent to a follower there if there is one. Whoever names no rack reads from leaders.
 */
export function readRoleFor(broker: BrokerContext, rack: string): ReadRole {
  if (rack === "" || broker.config().replicaSelector !== "rackAware") return "leaderOnly";
  return broker.image.broker(broker.brokerId)?.rack === rack ? "servesAsFollower" : "sendsAway";
}

/**
 * The follower that a consumer of another rack than the leader's had better read from: in sync, alive and staying, on
 * the consumer's listener and in its rack, with a log that holds `from`. Of several the one that has got furthest, then
 * the one with the lowest id; null when there is none. Source: KIP-392, RackAwareReplicaSelector.
 */
export function preferredReplica(
  broker: BrokerContext,
  of: { readonly topic: TopicRow; readonly index: PartitionIndex; readonly replica: HostedReplica },
  at: ConsumerPlace & { readonly from: Offset },
): BrokerId | null {
  const row = broker.image.partition(of.topic.topicId, of.index);
  const isNear = (id: BrokerId): boolean => {
    const candidate = broker.image.broker(id);
    if (candidate?.rack !== at.rack || candidate.isFenced || candidate.isShuttingDown) return false;
    return endpointOf(candidate, at.listener) !== undefined;
  };
  if (row?.isr.some(isNear) !== true) return null;
  const near = of.replica.followersAt(at.from).filter((follower) => isNear(follower.broker));
  near.sort((a, b) => b.logEnd - a.logEnd || a.broker - b.broker);
  return near[0]?.broker ?? null;
}
