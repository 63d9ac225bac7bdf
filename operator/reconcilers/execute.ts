import type { ClusterControl } from "../ports/cluster-control.ts";
import type { Failed, Kubernetes, KubernetesObject, Outcome } from "../ports/kubernetes.ts";
import { problemOf } from "./admin-outcome.ts";
import type { Action } from "./cluster-plan.ts";
import { type ApplyMemory, stamped } from "./apply-memory.ts";
import { askToMove } from "./reassignment-requests.ts";

export interface Executor {
  readonly kubernetes: Kubernetes;
  readonly applied: ApplyMemory;
  /** The object as it was last seen; null when it is not there. */
  readonly observed: (object: KubernetesObject) => KubernetesObject | null;
  readonly control: ClusterControl;
}

/** What came of one action. `nothing`: it was as asked already. */
export type Done =
  | { readonly kind: "nothing" }
  /** `says`: for people, of what was applied or deleted; null: conditions tell of it. */
  | { readonly kind: "done"; readonly says: string | null; readonly remaining?: number | null }
  | { readonly kind: "failed"; readonly message: string; readonly isRefused: boolean };

const failed = ({ kind, message }: Failed): Done => ({
  kind: "failed",
  message,
  isRefused: kind === "refused" || kind === "notFound",
});

function outcomeOf(outcome: Outcome<unknown>, says: string | null): Done {
  return outcome.kind === "done" ? { kind: "done", says } : failed(outcome);
}

/** Does one thing; of what need not be done nothing is written. */
export async function execute(action: Action, executor: Executor): Promise<Done> {
  const { kubernetes, control } = executor;
  switch (action.kind) {
    case "apply":
      return applyObject(action.object, executor);
    case "patch":
      return outcomeOf(await kubernetes.patch(action.object, action.patch), null);
    case "delete": {
      const propagation = action.isOrphaning === true ? ({ propagation: "orphan" } as const) : undefined;
      const outcome = await kubernetes.delete(action.object, propagation);
      // Gone already, or another one by now: what was to go is gone.
      if (outcome.kind === "notFound" || outcome.kind === "conflict") return { kind: "nothing" };
      return outcomeOf(outcome, action.says);
    }
    case "ask": {
      const response = await control.admin(action.request);
      const problem = problemOf(response);
      if (problem === null) return { kind: "done", says: null };
      return { kind: "failed", message: problem, isRefused: response.kind !== "failed" };
    }
    case "move": {
      const { problem, remaining } = await askToMove(control, action.request);
      if (problem !== null) return { kind: "failed", message: problem, isRefused: true };
      return { kind: "done", says: null, remaining };
    }
  }
}

async function applyObject(object: KubernetesObject, executor: Executor): Promise<Done> {
  const wanted = stamped(object);
  const observed = executor.observed(object);
  if (!executor.applied.needsApply(wanted, observed)) return { kind: "nothing" };
  const outcome = await executor.kubernetes.apply(wanted);
  if (outcome.kind !== "done") return failed(outcome);
  executor.applied.applied(wanted, outcome.value);
  const verb = observed === null ? "Made" : "Changed";
  return { kind: "done", says: `${verb} ${object.kind} ${object.metadata.name}.` };
}
