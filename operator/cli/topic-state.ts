interface PartitionState {
  /** −1 without one. */
  readonly leader: number;
  readonly isr: readonly number[];
  readonly replicas: readonly number[];
}

/** What of a topic's partitions is not as it should be, in a word or two. */
export function topicState(partitions: readonly PartitionState[]): string {
  const offline = partitions.filter(({ leader }) => leader < 0).length;
  if (offline > 0) return `${offline} offline`;
  const behind = partitions.filter(({ isr, replicas }) => isr.length < replicas.length).length;
  return behind > 0 ? `${behind} under-replicated` : "healthy";
}
