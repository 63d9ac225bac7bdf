import type { BrokerEpoch, BrokerId } from "../base/ids.ts";
import type { ToController } from "../contract/control.ts";
import type { BrokerRow } from "../contract/rows.ts";

/** What replication asks of the metadata. `MetadataImage` is one. */
export interface ClusterView {
  broker(id: BrokerId): BrokerRow | undefined;
}

/** How replication speaks to the controller. What is sent without a session is lost; it is said again in a new one. */
export interface ControllerLink {
  send(message: ToController): void;
}

/** Of the broker's process that the metadata knows; −1 when it knows none. */
export const brokerEpochOf = (cluster: ClusterView, id: BrokerId): BrokerEpoch =>
  cluster.broker(id)?.epoch ?? (-1 as BrokerEpoch);
