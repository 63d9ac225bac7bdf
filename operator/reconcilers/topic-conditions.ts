import type { TopicConditionType } from "../resources/conditions.ts";
import { type Finding, type Findings, conditionsOf, found } from "./conditions.ts";
import { isOffline, isReassigning, isUnderMinIsr, isUnderReplicated, targetFactor } from "./partitions.ts";
import { bytesLeft } from "./reassignment-requests.ts";
import { type TopicObserved, type TopicPlan, topicNameOf } from "./topic-plan.ts";

const numbers = (rows: readonly { partition: number }[]): string => {
  const named = rows.slice(0, 10).map(({ partition }) => partition);
  return rows.length > named.length ? `${named.join(", ")} and ${rows.length - named.length} more` : named.join(", ");
};

function readyOf(observed: TopicObserved, plan: TopicPlan): Finding {
  const { topic, refusals, status } = observed;
  const { bar, row, partitions, problems } = plan;
  if (bar !== null) {
    const isPassing = bar.reason === "ControllerNotReady" || bar.reason === "RacksPending";
    return found(isPassing ? "Unknown" : "False", bar.reason, bar.message);
  }
  const [refusal] = refusals.values();
  if (row === null) {
    if (refusal !== undefined) {
      return found("False", "NotCreated", `The controller refuses the topic: ${refusal} It is tried again.`);
    }
    return found("False", "Creating", "The topic is being made.");
  }
  const offline = partitions.filter(isOffline);
  if (offline.length > 0) {
    const waits = [
      ...new Set(
        (status?.partitions ?? [])
          .filter(({ topicId }) => topicId === row.topicId)
          .flatMap(({ waitingFor = [] }) => waitingFor),
      ),
    ];
    const whom = waits.length === 0 ? "" : ` Broker ${waits.join(", ")} must come back.`;
    return found("False", "PartitionsOffline", `No leader: partition ${numbers(offline)}.${whom}`);
  }
  const below = partitions.filter(isUnderMinIsr);
  if (below.length > 0) return found("False", "BelowMinIsr", `Below min ISR: partition ${numbers(below)}.`);
  if (problems.length > 0) {
    const message = `${problems.join("; ")}. Correct spec.config; everything else is in force.`;
    return found("False", "InvalidConfig", message);
  }
  const { partitions: wanted } = topic.spec;
  if (wanted !== undefined && wanted < row.partitionCount) {
    const has = row.partitionCount;
    const message = `The topic has ${has} partitions and cannot have fewer; set spec.partitions to that.`;
    return found("False", "PartitionsCannotShrink", message);
  }
  return unfulfilled(observed, plan) ?? found("True", "Serving", "Every partition has a leader and replicas enough.");
}

/** What was asked for and is not done; a lack of brokers explains why the controller refused to replicate. */
function unfulfilled({ topic, refusals, status }: TopicObserved, { partitions }: TopicPlan): Finding | null {
  const { replicationFactor } = topic.spec;
  const there = status?.brokers.length ?? 0;
  const isShort =
    replicationFactor !== undefined &&
    replicationFactor > there &&
    partitions.some((one) => targetFactor(one) !== replicationFactor);
  const refused = [...refusals].filter(([key]) => !isShort || key !== "replicate").map(([, message]) => message);
  const also = refused.length === 0 ? "" : `The controller refuses: ${refused.join("; ")}`;
  if (!isShort) return also === "" ? null : found("False", "ChangeRefused", also);
  const message =
    `A replication factor of ${replicationFactor} needs as many brokers; there are ${there}. ` +
    "Raise the Cluster's replicas, or lower it.";
  return found("False", "TooFewBrokers", also === "" ? message : `${message} ${also}`);
}

function replicatedOf({ bar, row, partitions }: TopicPlan): Finding {
  if (bar !== null || row === null) return found("Unknown", "NoTopic", "There is no topic yet; see Ready.");
  const short = partitions.filter((one) => isOffline(one) || isUnderReplicated(one));
  if (short.length > 0) return found("False", "UnderReplicated", `Not in sync: partition ${numbers(short)}.`);
  return found("True", "InSync", "Every replica is in sync.");
}

function reassigningOf({ bar, row, partitions }: TopicPlan, bytes: number | null): Finding {
  if (bar !== null || row === null) return found("False", "NoTopic", "There is no topic yet; see Ready.");
  const moving = partitions.filter(isReassigning);
  if (moving.length === 0) return found("False", "Settled", "No partition is being moved.");
  const left = bytes === null ? "" : `, ${bytes} bytes to copy`;
  return found("True", "Moving", `${moving.length} partitions are being moved${left}.`);
}

export function topicStatus(observed: TopicObserved, plan: TopicPlan, now: string): Record<string, unknown> {
  const { topic, status } = observed;
  const { row, partitions } = plan;
  const { generation = 0 } = topic.metadata;
  const bytes = row === null || status === null ? null : bytesLeft(status, row.name);
  const findings: Findings<TopicConditionType> = {
    Ready: readyOf(observed, plan),
    FullyReplicated: replicatedOf(plan),
    Reassigning: reassigningOf(plan, bytes),
  };
  const moving = partitions.filter(isReassigning).length;
  const counts =
    row === null
      ? keptCounts(observed)
      : {
          topicId: row.topicId,
          partitions: row.partitionCount,
          replicationFactor: Math.max(0, ...partitions.map(targetFactor)),
          underReplicatedPartitions: partitions.filter(isUnderReplicated).length,
          offlinePartitions: partitions.filter(isOffline).length,
          ...(moving === 0 ? {} : { reassigningPartitions: moving }),
          ...(bytes === null ? {} : { bytesLeft: bytes }),
        };
  return {
    observedGeneration: generation,
    topicName: topicNameOf(topic),
    ...counts,
    conditions: conditionsOf(findings, { previous: topic.status?.conditions ?? [], generation, now }),
  };
}

/** What was counted last, while the controller cannot be asked; of a topic that is not ours, nothing. */
function keptCounts({ topic, status }: TopicObserved): Record<string, unknown> {
  if (status !== null) return {};
  const names = ["topicId", "partitions", "replicationFactor", "underReplicatedPartitions", "offlinePartitions"];
  return Object.fromEntries(
    names.flatMap((name) => (topic.status?.[name] === undefined ? [] : [[name, topic.status[name]]])),
  );
}
