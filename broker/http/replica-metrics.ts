import type { Metrics, Sample } from "../base/metrics.ts";
import type { Replica, ReplicaRole } from "../replication/replica.ts";

/** What the metrics look at of a partition. */
export type MeasuredReplica = Pick<Replica, "role" | "rowOrNull" | "highWatermark"> & {
  readonly log: { readonly logEnd: number; readonly sizeBytes: number };
};

const ROLES: readonly ReplicaRole[] = ["leader", "follower", "opening", "offline"];

/** Gauges of the partitions on this broker, read when somebody asks. `replicas` are those hosted now. */
export function addReplicaMetrics(metrics: Metrics, replicas: () => Iterable<MeasuredReplica>): void {
  const sum = (measure: (replica: MeasuredReplica) => number): Sample[] => {
    let total = 0;
    for (const replica of replicas()) total += measure(replica);
    return [{ labels: {}, value: total }];
  };
  const led = (replica: MeasuredReplica, isCounted: boolean): number =>
    replica.role === "leader" && isCounted ? 1 : 0;

  metrics.gauge("tidemark_partitions", "Partitions on this broker, by what it is to them.", () => {
    const counts = new Map<ReplicaRole, number>();
    for (const { role } of replicas()) counts.set(role, (counts.get(role) ?? 0) + 1);
    return ROLES.map((role) => ({ labels: { role }, value: counts.get(role) ?? 0 }));
  });
  metrics.gauge("tidemark_partitions_under_replicated", "Led here, with replicas that are not in sync.", () =>
    sum((replica) => {
      const row = replica.rowOrNull;
      return led(replica, row !== null && row.isr.length < row.replicas.length);
    }),
  );
  metrics.gauge("tidemark_partitions_under_min_isr", "Led here, and refusing acks=all.", () =>
    sum((replica) => {
      const row = replica.rowOrNull;
      return led(replica, row !== null && row.isr.length < row.minIsr);
    }),
  );
  metrics.gauge("tidemark_uncommitted_records", "Appended on partitions led here and not committed yet.", () =>
    sum((replica) => (replica.role === "leader" ? replica.log.logEnd - replica.highWatermark : 0)),
  );
  metrics.gauge("tidemark_log_bytes", "Bytes of records on this broker.", () => sum(({ log }) => log.sizeBytes));
}
