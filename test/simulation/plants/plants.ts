export interface Plant {
  /** Also the name of the file beside this one. */
  readonly name: string;
  readonly replaces: string;
  /** What goes wrong with it, in a sentence. */
  readonly story: string;
}

/** Bugs that the oracle must find, each by an invariant. */
export const plants: readonly Plant[] = [
  {
    name: "mark-over-committed-isr",
    replaces: "broker/replication/high-watermark-members.ts",
    story: "the high watermark is taken over the committed instead of the maximal ISR",
  },
  {
    name: "truncate-to-high-watermark",
    replaces: "broker/replication/truncation.ts",
    story: "a follower truncates to its high watermark instead of by leader epoch",
  },
  {
    name: "ack-on-append",
    replaces: "broker/replication/counted-end.ts",
    story: "a log end counts as soon as it is in memory",
  },
  {
    name: "accept-stale-leader-epoch",
    replaces: "broker/replication/leader-epoch-check.ts",
    story: "a stale leader epoch is taken for the current one",
  },
  {
    name: "isr-without-broker-epoch",
    replaces: "operator/machine/broker-epoch-check.ts",
    story: "an ISR change is committed without looking at the broker epoch",
  },
  {
    name: "join-at-high-watermark",
    replaces: "broker/replication/may-join-isr.ts",
    story: "a follower may join the ISR once it has reached the high watermark alone",
  },
  {
    name: "same-epoch-after-restart",
    replaces: "operator/machine/restart-epoch.ts",
    story: "a leader that was restarted leads on in its old epoch",
  },
  {
    name: "count-older-epoch",
    replaces: "broker/replication/count-log-end.ts",
    story: "an ack of an older leader epoch is counted",
  },
  {
    name: "producers-kept-over-truncation",
    replaces: "broker/storage/producer-rebuild.ts",
    story: "producer state survives the truncation of what it remembers",
  },
  {
    name: "proposal-dropped-on-timeout",
    replaces: "broker/replication/unanswered-proposal.ts",
    story: "a proposal that was not answered in time no longer counts",
  },
  {
    name: "registry-before-rows",
    replaces: "operator/machine/registration-order.ts",
    story: "a registration's entry is written before what follows from it",
  },
  {
    name: "elr-kept-when-min-isr-falls",
    replaces: "operator/machine/min-isr-change.ts",
    story: "eligible leader replicas stay eligible when min.insync.replicas falls",
  },
  {
    name: "groups-read-too-early",
    replaces: "broker/groups/ready-to-read.ts",
    story: "a coordinator answers before it can know all that was committed",
  },
  {
    name: "commit-told-on-append",
    replaces: "broker/groups/when-lasting.ts",
    story: "a consumer has the word for a commit that its coordinator's log alone has",
  },
  {
    name: "rewrite-forgets-pending",
    replaces: "broker/groups/pending-offsets.ts",
    story: "a log of groups is rewritten without the commits that are on their way",
  },
  {
    name: "compacts-above-the-mark",
    replaces: "broker/storage/compaction-plan.ts",
    story: "a record is compacted away for one that is not committed",
  },
  {
    name: "compacts-the-young",
    replaces: "broker/storage/compaction-plan.ts",
    story: "a record is compacted away before min.compaction.lag.ms",
  },
  {
    name: "keys-taken-for-one",
    replaces: "broker/storage/key-map.ts",
    story: "the last record of a key goes, since another key is taken for it",
  },
  {
    name: "tombstones-go-at-once",
    replaces: "broker/wire/record-filter.ts",
    story: "a tombstone goes at its second compaction, whatever delete.retention.ms says",
  },
];
