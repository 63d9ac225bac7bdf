import type { ToBroker } from "../../../broker/contract/control.ts";
import type { MetadataRows, PartitionRow } from "../../../broker/contract/rows.ts";
import type { Facts } from "./facts.ts";
import type { Invariant } from "./invariant.ts";

const nameOf = (row: PartitionRow): string => `${row.topicId}/${row.partition}/${row.partitionEpoch}`;

/** A change is visible to no one before it is committed to the metadata store. */
export function committedBeforeSeen(facts: Facts): Invariant {
  const committedRows = new Map<string, string>();
  const committedSequence = new Map<number, number>();
  const checkRows = (broker: number, rows: MetadataRows): void => {
    for (const row of rows.partitions) {
      if (committedRows.get(nameOf(row)) === JSON.stringify(row)) continue;
      const partition = facts.partition(row.topicId, row.partition);
      facts.fail(
        8,
        `${partition.name}: broker ${broker} was sent partition epoch ${row.partitionEpoch}, not committed`,
      );
    }
    for (const topic of rows.topics) {
      if (!facts.topics.has(topic.topicId))
        facts.fail(8, `broker ${broker} was sent topic ${topic.name}, not committed`);
    }
    for (const row of rows.brokers) {
      if ((facts.registry.get(row.id)?.epoch ?? -1) < row.epoch) {
        facts.fail(8, `broker ${broker} was sent broker ${row.id} with epoch ${row.epoch}, not committed`);
      }
    }
  };
  return {
    rowCommitted({ after }) {
      committedRows.set(nameOf(after), JSON.stringify(after));
    },
    commitLanded(controllerEpoch, sequence) {
      committedSequence.set(controllerEpoch, sequence);
    },
    controllerSaid(broker: number, message: ToBroker) {
      if (message.type === "delta") checkRows(broker, message.rows);
      else if (message.type === "registered") checkRows(broker, message.snapshot);
      else return;
      const { controllerEpoch, sequence } = message.version;
      const known = committedSequence.get(controllerEpoch);
      if (known === undefined || sequence > known) {
        facts.fail(8, `broker ${broker} was sent version ${controllerEpoch}/${sequence}, not committed`);
      }
    },
  };
}
