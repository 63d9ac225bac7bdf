import type { BrokerId, TopicId } from "#base/ids.ts";
import type { BrokerConfigRow, DeletionRow, PartitionRow, TopicRow } from "#contract/rows.ts";
import type { History } from "./history.ts";
import type { BrokerRecord } from "./state.ts";

/** Version of the stored form of changes and snapshots. Raised when one of them changes its meaning. */
export const CHANGES_VERSION = 1;

/**
 * What one commit changes. Changes are stored, so each must stay readable. They are applied in order, and a store that
 * cannot write all of a commit at once keeps that order: rows come before the topic that makes them count, and a
 * deleted topic goes before its rows.
 */
export type Change =
  | { readonly kind: "cluster"; readonly clusterId: string }
  /** Part of each claim: what the store had before. */
  | { readonly kind: "history"; readonly history: History }
  | { readonly kind: "broker"; readonly broker: BrokerRecord }
  /** It left the cluster: nothing is assigned to it and nothing is expected of it. */
  | { readonly kind: "brokerRemoved"; readonly id: BrokerId }
  | { readonly kind: "partition"; readonly row: PartitionRow }
  | { readonly kind: "topic"; readonly row: TopicRow }
  /** The topic and its partitions are gone; the row stays until every replica has confirmed. */
  | { readonly kind: "topicDeleted"; readonly row: DeletionRow }
  /** Fewer brokers to wait for; nobody left = the row goes. */
  | { readonly kind: "deletion"; readonly row: DeletionRow }
  /** Rows of a topic that was never completed: its creation, or deletion, was cut off. */
  | { readonly kind: "rowsSwept"; readonly topicId: TopicId }
  | { readonly kind: "brokerConfig"; readonly row: BrokerConfigRow }
  | { readonly kind: "nextBrokerEpoch"; readonly value: number }
  | { readonly kind: "nextProducerId"; readonly value: number };
