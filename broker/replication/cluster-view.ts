import type { BrokerEpoch, BrokerId, PartitionIndex, TopicId } from "../base/ids.ts";
import type { ToController } from "../contract/control.ts";
import type { BrokerRow, PartitionRow, TopicRow } from "../contract/rows.ts";

/** What decisions about replicas ask of the metadata. */
export interface BrokersView {
  broker(id: BrokerId): BrokerRow | undefined;
}

/** What the manager asks of it besides. `MetadataImage` is one. */
export interface ClusterView extends BrokersView {
  topic(id: TopicId): TopicRow | undefined;
  partition(topic: TopicId, index: PartitionIndex): PartitionRow | undefined;
  isDeleted(topic: TopicId): boolean;
}

/** How replication speaks to the controller. What is sent without a session is lost; it is said again in a new one. */
export interface ControllerLink {
  send(message: ToController): void;
}

/** Of the broker's process that the metadata knows; −1 when it knows none. */
export const brokerEpochOf = (cluster: BrokersView, id: BrokerId): BrokerEpoch =>
  cluster.broker(id)?.epoch ?? (-1 as BrokerEpoch);
