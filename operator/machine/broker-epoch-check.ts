import type { BrokerEpoch } from "#base/ids.ts";

/**
 * Whether a proposed ISR member is the process that the leader saw. Another epoch means that it registered anew in
 * between: it may have lost what the leader counted.
 * Source: KIP-903.
 */
export const isSameProcess = (epochs: { proposed: BrokerEpoch; registered: BrokerEpoch }): boolean =>
  epochs.proposed === epochs.registered;
