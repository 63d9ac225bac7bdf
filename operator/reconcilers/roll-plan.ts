import {
  isHostedBy,
  isUnderReplicated,
  type NamedPartition,
  nameThem,
  settledReplicas,
  targetFactor,
} from "./partitions.ts";
import { type BrokerPod, isHopeless } from "./pods.ts";

export interface RollInput {
  /** Pods that exist, in any order. */
  readonly pods: readonly BrokerPod[];
  /** Brokers that there are to be. */
  readonly brokers: readonly number[];
  /** Of the StatefulSet, once it has seen its newest template; null before. */
  readonly updateRevision: string | null;
  /** Null while the controller does not decide: then nothing is known, and nobody is touched. */
  readonly partitions: readonly NamedPartition[] | null;
  /** Brokers that have a session. */
  readonly alive: ReadonlySet<number>;
  /** Partitions led, by broker. */
  readonly leads: ReadonlyMap<number, number>;
  /** There is a template to go back to. */
  readonly hasPreviousTemplate: boolean;
  /** Brokers that tell clients an address that is theirs no more: they read it at their start only. */
  readonly astray: ReadonlySet<number>;
  /** It was rolling when it was last looked at, and is until everybody is back. */
  readonly wasRolling: boolean;
  /** Wall clock, for what Kubernetes says since when it is. */
  readonly nowMs: number;
}

export type RollPlan =
  | { readonly kind: "upToDate" }
  /** Delete these pods: SIGTERM moves their leaders away. */
  | { readonly kind: "replace"; readonly pods: readonly BrokerPod[]; readonly message: string }
  | {
      readonly kind: "wait";
      readonly reason: "WaitingForISR" | "WaitingForBroker" | "Rolling";
      readonly message: string;
    }
  /** The first broker does not come back with this template: the one before must be put in force again. */
  | { readonly kind: "putBack"; readonly message: string };

/** The last broker of a roll that is away for longer is lost, not restarting. */
const RETURN_MS_MAX = 60_000;

const wait = (reason: "WaitingForISR" | "WaitingForBroker" | "Rolling", message: string): RollPlan => ({
  kind: "wait",
  reason,
  message,
});

/**
 * One broker at a time, and the next only when every partition it hosts, and every one that those before it host, is
 * whole. A pod is outdated when its revision is not the StatefulSet's newest. Level-based: nothing is remembered
 * between two calls.
 */
export function planRoll(input: RollInput): RollPlan {
  const { updateRevision } = input;
  if (updateRevision === null) return wait("Rolling", "The StatefulSet controller has yet to see the new template.");
  const old = input.pods.filter((pod) => pod.revision !== updateRevision);
  const renewed = input.pods.filter((pod) => pod.revision === updateRevision);
  const broken = renewed.find((pod) => isHopeless(pod, input.nowMs));
  const isProven = renewed.some((pod) => pod.isReady);
  if (broken !== undefined && !isProven && old.length > 0 && input.hasPreviousTemplate) {
    return { kind: "putBack", message: says(broken) };
  }
  const outdated = input.pods.filter((pod) => old.includes(pod) || input.astray.has(pod.broker));
  if (outdated.length === 0) return planOfRest(input, broken);
  const down = replaceDown(input, old);
  if (down !== null) return down;
  const away = outdated.find((pod) => pod.isTerminating);
  if (away !== undefined) return wait("Rolling", `Broker ${away.broker} is shutting down.`);
  return planNext(input, outdated);
}

/** Everybody has the newest template; a roll is over when the last of them is back in every ISR. */
function planOfRest(input: RollInput, broken: BrokerPod | undefined): RollPlan {
  if (broken !== undefined) return wait("WaitingForBroker", says(broken));
  const { pods, partitions } = input;
  if (!input.wasRolling) return { kind: "upToDate" };
  if (partitions === null) return wait("WaitingForISR", "The controller does not decide now.");
  const missing = missingBrokers(input);
  if (missing.length > 0) return wait("Rolling", `Broker ${missing.join(", ")} has no pod yet.`);
  const away = pods.find((pod) => !pod.isReady || !input.alive.has(pod.broker));
  if (away !== undefined && !away.isReady && !input.alive.has(away.broker)) {
    const isLost = input.nowMs - away.waitsSinceMs >= RETURN_MS_MAX;
    return wait(isLost ? "WaitingForBroker" : "Rolling", `Broker ${away.broker} is not ready yet.`);
  }
  const held = partitions.filter(({ row }) => isUnderReplicated(row));
  if (held.length > 0) return wait("Rolling", `Every broker is renewed; yet to be in sync: ${nameThem(held)}.`);
  return away === undefined ? { kind: "upToDate" } : wait("Rolling", `Broker ${away.broker} is not ready yet.`);
}

function missingBrokers({ pods, brokers }: RollInput): readonly number[] {
  const present = new Set(pods.map(({ broker }) => broker));
  return brokers.filter((broker) => !present.has(broker));
}

const says = (pod: BrokerPod): string =>
  `Broker ${pod.broker} (pod ${pod.name}) does not come back: ${pod.waitsFor}` +
  `${pod.waitsMessage === "" ? "" : ` (${pod.waitsMessage})`}.`;

/** Brokers that serve nobody and would start on an old template: nothing is lost by replacing them at once. */
function replaceDown(input: RollInput, outdated: readonly BrokerPod[]): RollPlan | null {
  const down = outdated.filter((pod) => !pod.isReady && !pod.isTerminating);
  const idle = down.filter((pod) => !input.alive.has(pod.broker));
  if (idle.length > 0) {
    const message = `Replacing ${listed(idle)}, not ready on an old template.`;
    return { kind: "replace", pods: idle, message };
  }
  const catchingUp = down.find((pod) => mayLeave(input, pod.broker) === null);
  if (catchingUp === undefined) return null;
  return {
    kind: "replace",
    pods: [catchingUp],
    message: `Replacing ${listed([catchingUp])}, not ready on an old template.`,
  };
}

const listed = (pods: readonly BrokerPod[]): string =>
  `broker${pods.length === 1 ? "" : "s"} ${pods.map(({ broker }) => broker).join(", ")}`;

/** Why this broker may not leave now; null when no partition would fall below its min ISR through it. */
function mayLeave({ partitions }: RollInput, broker: number): readonly NamedPartition[] | null {
  if (partitions === null) return [];
  const held = partitions.filter(({ row }) => {
    const isIn = row.isr.some((member) => member === broker);
    if (!isIn || row.isr.length - 1 >= row.minIsr) return false;
    // With no more replicas than it needs, a partition never affords a loss: whole is the best that it will be.
    return targetFactor(row) > row.minIsr || isUnderReplicated(row);
  });
  return held.length === 0 ? null : held;
}

function planNext(input: RollInput, outdated: readonly BrokerPod[]): RollPlan {
  if (input.partitions === null)
    return wait("WaitingForISR", "The controller does not decide now; nobody is restarted.");
  const missing = missingBrokers(input);
  if (missing.length > 0) return wait("WaitingForBroker", `Broker ${missing.join(", ")} has no pod yet.`);
  const notReady = input.pods.find((pod) => !pod.isReady);
  if (notReady !== undefined) return waitsForBroker(notReady, input.partitions);
  const silent = input.pods.find((pod) => !input.alive.has(pod.broker));
  if (silent !== undefined)
    return wait("WaitingForBroker", `Broker ${silent.broker} has no session with the controller.`);
  const next = [...outdated].sort(
    (a, b) => (input.leads.get(a.broker) ?? 0) - (input.leads.get(b.broker) ?? 0) || b.broker - a.broker,
  )[0]!;
  const renewed = input.pods.filter((pod) => !outdated.includes(pod)).map(({ broker }) => broker);
  const held = input.partitions.filter(
    ({ row }) => isUnderReplicated(row) && [next.broker, ...renewed].some((broker) => isHostedBy(row, broker)),
  );
  if (held.length > 0) {
    return wait("WaitingForISR", `Broker ${next.broker} waits until these are in sync: ${nameThem(held)}.`);
  }
  const short = mayLeave(input, next.broker);
  if (short !== null) {
    return wait(
      "WaitingForISR",
      `Without broker ${next.broker} these were below min.insync.replicas: ${nameThem(short)}.`,
    );
  }
  const why = next.revision === input.updateRevision ? ", whose address has changed" : "";
  const left = `${outdated.length} of ${input.pods.length} are left`;
  return { kind: "replace", pods: [next], message: `Replacing broker ${next.broker}${why}; ${left}.` };
}

function waitsForBroker(pod: BrokerPod, partitions: readonly NamedPartition[]): RollPlan {
  if (pod.waitsFor !== null && !pod.isRunning) return wait("WaitingForBroker", says(pod));
  const behind = partitions.filter(
    ({ row }) =>
      settledReplicas(row).some((replica) => replica === pod.broker) &&
      !row.isr.some((member) => member === pod.broker),
  );
  if (behind.length === 0) return wait("WaitingForBroker", `Broker ${pod.broker} is not ready yet.`);
  return wait("WaitingForISR", `Broker ${pod.broker} has yet to catch up with ${nameThem(behind)}.`);
}
