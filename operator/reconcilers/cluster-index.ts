import type { TopicId } from "#base/ids.ts";
import type { PartitionRow, TopicRow } from "#contract/rows.ts";
import type { ClusterControls, ControllerStatus } from "../ports/cluster-control.ts";
import type { ObjectName } from "../ports/kubernetes.ts";

type Partition = ControllerStatus["partitions"][number];

export interface ClusterIndex {
  /** Null while the controller does not decide. */
  readonly status: ControllerStatus | null;
  readonly topics: ReadonlyMap<string, TopicRow>;
  readonly partitions: ReadonlyMap<TopicId, readonly (PartitionRow & Partition)[]>;
}

const NOTHING: ClusterIndex = { status: null, topics: new Map(), partitions: new Map() };

/** What each cluster's controller shows, by topic; read once for all its Topics until something is committed. */
export class ClusterIndexes {
  readonly #controls: ClusterControls;
  readonly #indexes = new Map<string, ClusterIndex>();

  constructor(controls: ClusterControls) {
    this.#controls = controls;
  }

  of(name: ObjectName): ClusterIndex {
    const key = `${name.namespace}/${name.name}`;
    const known = this.#indexes.get(key);
    if (known !== undefined) return known;
    const status = this.#controls.get(name)?.status() ?? null;
    // Not kept while it does not decide: nothing tells when it begins to.
    if (status === null || status.condition !== "active") return NOTHING;
    const index = indexOf(status);
    this.#indexes.set(key, index);
    return index;
  }

  /** Something was committed there, or its controller changed. */
  drop(name: ObjectName): void {
    this.#indexes.delete(`${name.namespace}/${name.name}`);
  }

  /** The status as one topic needs it. */
  narrowed(name: ObjectName, topic: string): ControllerStatus | null {
    const { status, topics, partitions } = this.of(name);
    if (status === null) return null;
    const row = topics.get(topic);
    if (row === undefined) return { ...status, topics: [], partitions: [] };
    return { ...status, topics: [row], partitions: partitions.get(row.topicId) ?? [] };
  }
}

function indexOf(status: ControllerStatus): ClusterIndex {
  const partitions = new Map<TopicId, Partition[]>();
  for (const row of status.partitions) {
    const rows = partitions.get(row.topicId);
    if (rows === undefined) partitions.set(row.topicId, [row]);
    else rows.push(row);
  }
  return { status, topics: new Map(status.topics.map((row) => [row.name, row])), partitions };
}
