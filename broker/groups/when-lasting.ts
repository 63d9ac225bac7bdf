import type { Offset } from "../base/ids.ts";
import type { CoordinatorReplica } from "./group-log.ts";

/** Kafka's offsets.commit.timeout.ms. */
const COMMIT_MS_MAX = 5000;

/** Calls `done` with 0 once what was appended up to `lastOffset` can no longer be lost, else with an error. */
export const whenLasting = (replica: CoordinatorReplica, lastOffset: Offset, done: (errorCode: number) => void): void =>
  replica.whenCommitted(lastOffset, { timeoutMs: COMMIT_MS_MAX }, done);
