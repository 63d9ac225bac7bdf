import { sleep } from "../base/clock.ts";
import type { AdminRequest, AdminResponse } from "../contract/control.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import type { BrokerContext } from "./context.ts";

/** Longest that a decided change is waited for here, so that the client finds it when it asks this broker next. */
const ADOPTION_MS_MAX = 1000;
const ADOPTION_POLL_MS = 5;

type Failed = Extract<AdminResponse, { kind: "failed" }>;

/** An error that stands for every resource of a request, with one line for people. */
export interface GeneralError {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

/**
 * Has the controller decide, for at most the client's own time-out. Beyond it the answer is REQUEST_TIMED_OUT, though
 * the change may still come.
 */
export async function askController<const R extends AdminRequest>(
  broker: BrokerContext,
  request: R,
  timeoutMs: number,
): Promise<Extract<AdminResponse, { kind: R["kind"] }> | Failed> {
  const response = await within(broker, broker.controller.admin(request), Math.max(0, timeoutMs));
  if (response === null) {
    const errorMessage = "the controller did not answer in time; the change may still happen";
    return { kind: "failed", errorCode: kafkaErrors.REQUEST_TIMED_OUT, errorMessage };
  }
  if (response.kind === "failed" || response.kind === request.kind) {
    return response as Extract<AdminResponse, { kind: R["kind"] }> | Failed;
  }
  return {
    kind: "failed",
    errorCode: kafkaErrors.UNKNOWN_SERVER_ERROR,
    errorMessage: "the controller answered something else",
  };
}

/** Null when the promise took longer. */
function within<T>(broker: BrokerContext, promise: Promise<T>, timeoutMs: number): Promise<T | null> {
  return new Promise((resolve, reject) => {
    const deadline = broker.deadlines.after(timeoutMs, () => resolve(null));
    promise.then(
      (value) => {
        deadline.cancel();
        resolve(value);
      },
      (error: unknown) => {
        deadline.cancel();
        reject(Error.isError(error) ? error : new Error(String(error)));
      },
    );
  });
}

/** Waits until this broker's metadata shows what the controller has decided, or for a second. */
export async function adopted(broker: BrokerContext, isThere: () => boolean): Promise<void> {
  const untilMs = broker.clock.monotonic() + ADOPTION_MS_MAX;
  while (!isThere() && broker.clock.monotonic() < untilMs) await sleep(broker.clock, ADOPTION_POLL_MS);
}

/** Which of `names` stand there more than once. */
export function repeated<T>(names: readonly T[]): Set<T> {
  const seen = new Set<T>();
  const twice = new Set<T>();
  for (const name of names) {
    if (seen.has(name)) twice.add(name);
    seen.add(name);
  }
  return twice;
}
