import type { ControllerStatus } from "../ports/cluster-control.ts";
import type { ClusterResource } from "../specs/custom-resources.ts";
import { namesOf, REPLACE_ANNOTATION } from "../specs/naming.ts";
import { isHostedBy, namedPartitions, nameThem } from "./partitions.ts";
import type { BrokerPod } from "./pods.ts";
import type { Claim } from "./storage-plan.ts";

export interface ReplaceInput {
  readonly cluster: ClusterResource;
  readonly status: ControllerStatus | null;
  readonly claims: readonly Claim[];
  readonly pods: readonly BrokerPod[];
  /** What was noted of the last replacement, on the StatefulSet. */
  readonly noted: string | null;
}

export type ReplacePlan =
  | { readonly kind: "nothing" }
  /** What was asked for cannot be done, and why. */
  | { readonly kind: "refused"; readonly message: string }
  /** Note which claim is given up before it goes, so that its successor never is. */
  | { readonly kind: "note"; readonly note: string }
  /** Give up this claim, and the pod that holds it; either may be gone already. */
  | {
      readonly kind: "replace";
      readonly claim: Claim | null;
      readonly pod: BrokerPod | null;
      readonly message: string;
    };

/**
 * A person gives a disk up, naming broker and storage id: after that the broker comes back empty. Only for a broker
 * without a session, and never if nobody else is known to have all of a partition.
 */
export function planReplace({ cluster, status, claims, pods, noted }: ReplaceInput): ReplacePlan {
  const wish = cluster.metadata.annotations?.[REPLACE_ANNOTATION];
  if (wish === undefined || status === null) return { kind: "nothing" };
  const [, digits, storageId] = /^(\d{1,9})@([0-9A-Za-z-]+)$/.exec(wish) ?? [];
  if (digits === undefined) return refused(`"${wish}" is not <broker id>@<storage id>`);
  const broker = status.brokers.find(({ id }) => id === Number(digits));
  if (broker === undefined) return refused(`there is no broker ${digits}`);
  // Done already, or meant for a disk that is gone.
  if (broker.storageId !== storageId) return { kind: "nothing" };
  if (!broker.isFenced) return refused(`broker ${digits} has a session, so its disk is there`);
  const last = namedPartitions(status).filter(
    ({ row }) => isHostedBy(row, broker.id) && ![...row.isr, ...row.elr].some((member) => member !== broker.id),
  );
  if (last.length > 0) return refused(`broker ${digits} may be the last with all records of ${nameThem(last)}`);
  const claim = claims.find(({ name }) => name === namesOf(cluster.metadata.name).claim(broker.id)) ?? null;
  const pod = pods.find((one) => one.broker === broker.id) ?? null;
  const [notedWish, notedUid] = (noted ?? "").split(" ");
  if (notedWish !== wish) return { kind: "note", note: `${wish} ${claim?.uid ?? ""}` };
  const old = claim?.uid === notedUid ? claim : null;
  if (old === null) return { kind: "nothing" };
  const message = `Broker ${digits} gives its disk ${storageId} up and comes back empty.`;
  return { kind: "replace", claim: old, pod: pod?.isTerminating === true ? null : pod, message };
}

const refused = (why: string): ReplacePlan => ({
  kind: "refused",
  message: `The annotation ${REPLACE_ANNOTATION} is not followed: ${why}. Correct or remove it.`,
});
