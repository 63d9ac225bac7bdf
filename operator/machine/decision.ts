import type { BrokerEpoch, BrokerId, LeaderEpoch } from "#base/ids.ts";
import type { AdminResponse, PartitionName, Refused } from "#contract/control.ts";
import type { Change } from "./changes.ts";

/** A leadership that is to go to another broker, without losing a record. */
export interface Move extends PartitionName {
  readonly leader: BrokerId;
  readonly leaderEpoch: LeaderEpoch;
  readonly target: BrokerId;
}

/** What is said to whom once the commits stand. */
export type Answer =
  | { readonly kind: "none" }
  | { readonly kind: "registered"; readonly brokerEpoch: BrokerEpoch }
  | { readonly kind: "registrationRefused"; readonly code: Refused["code"]; readonly reason: string }
  | { readonly kind: "isrRefused"; readonly reason: string }
  | { readonly kind: "moved"; readonly isMoved: boolean }
  | { readonly kind: "moves"; readonly moves: readonly Move[] }
  /** Reassignments that were begun, and partitions that still have to be. */
  | { readonly kind: "copies"; readonly begun: number; readonly remaining: number }
  | { readonly kind: "admin"; readonly response: AdminResponse };

/**
 * What follows from an event. Commits are made durable one after the other, each before anything of it is shown or
 * said; the answer goes out after the last.
 */
export interface Decision {
  readonly commits: readonly (readonly Change[])[];
  readonly answer: Answer;
}

export const NO_ANSWER: Answer = { kind: "none" };

/** A decision of at most one commit. */
export const decided = (changes: readonly Change[], answer: Answer = NO_ANSWER): Decision => ({
  commits: changes.length === 0 ? [] : [changes],
  answer,
});
