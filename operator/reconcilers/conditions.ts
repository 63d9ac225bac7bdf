import type { Condition } from "../resources/conditions.ts";

/** A condition before it is known since when it holds. */
export interface Finding {
  readonly status: "True" | "False" | "Unknown";
  /** CamelCase. */
  readonly reason: string;
  readonly message: string;
}

export type Findings<Type extends string> = Readonly<Record<Type, Finding>>;

interface Conditioned {
  readonly status?: { readonly conditions?: readonly Condition[] };
}

/** What was said last of one thing. */
export const conditionOf = <Type extends string>({ status }: Conditioned, type: Type): Condition | undefined =>
  status?.conditions?.find((condition) => condition.type === type);

/** Kubernetes refuses longer ones. */
const MESSAGE_LENGTH_MAX = 1024;

const cut = (message: string): string =>
  message.length <= MESSAGE_LENGTH_MAX ? message : `${message.slice(0, MESSAGE_LENGTH_MAX - 1)}…`;

/** Conditions as they are written; one that keeps its status keeps the time at which it came about. */
export function conditionsOf<Type extends string>(
  findings: Findings<Type>,
  at: { readonly previous: readonly Condition[]; readonly generation: number; readonly now: string },
): Condition[] {
  const before = new Map(at.previous.map((condition) => [condition.type, condition]));
  return (Object.entries(findings) as [Type, Finding][]).map(([type, { status, reason, message }]) => {
    const old = before.get(type);
    return {
      type,
      status,
      reason,
      message: cut(message),
      observedGeneration: at.generation,
      lastTransitionTime: old?.status === status ? old.lastTransitionTime : at.now,
    };
  });
}

/** Reasons that say that all is as it was meant to be, or that nothing is known yet: no news to anybody. */
const NO_NEWS = new Set([
  "Creating",
  "Starting",
  "NotDeciding",
  "UpToDate",
  "Paused",
  "Applying",
  "Rolling",
  "NoTopic",
]);

/** Of these every turn is news, for better or worse; of all others only what is wrong, or is over. */
const ALWAYS_NEWS = new Set(["Ready", "Degraded", "ReconciliationPaused"]);

/** What became of conditions and is worth an Event: that they turned, or now hold for another reason. */
export function changedConditions(before: readonly Condition[], after: readonly Condition[]): Condition[] {
  const old = new Map(before.map((condition) => [condition.type, condition]));
  return after.filter(({ type, status, reason }) => {
    const was = old.get(type);
    if (was === undefined || NO_NEWS.has(reason)) return false;
    if (ALWAYS_NEWS.has(type)) return was.status !== status || was.reason !== reason;
    if (was.reason === reason || status === "Unknown") return false;
    return status === "False" || type === "Progressing";
  });
}

export const found = (status: Finding["status"], reason: string, message: string): Finding => ({
  status,
  reason,
  message,
});
