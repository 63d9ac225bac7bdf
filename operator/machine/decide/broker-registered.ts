import { type BrokerEpoch, brokerEpoch } from "#base/ids.ts";
import { CONTRACT_VERSION, type Registration } from "#contract/control.ts";
import type { PartitionRow } from "#contract/rows.ts";
import type { Change } from "../changes.ts";
import { circumstancesOf } from "../circumstances.ts";
import { type Decision, decided } from "../decision.ts";
import { settleMembership } from "../elr.ts";
import type { Event } from "../events.ts";
import { type Circumstances, elect, revised } from "../partition-election.ts";
import { registrationCommits } from "../registration-order.ts";
import { leaderEpochAfterRestart } from "../restart-epoch.ts";
import { allPartitions, type BrokerRecord, type State, UNKNOWN_STORAGE } from "../state.ts";
import { remainderOf } from "../wholeness.ts";

/**
 * A broker dialled and said who it is. The same process again changes nothing, except that it is no longer fenced, and
 * that an entry which was rebuilt from what others knew is completed. A
 * new process: what it lost is taken out of the rows first; then it gets its epoch and its entry.
 */
export function decideBrokerRegistered(state: State, event: Extract<Event, { kind: "brokerRegistered" }>): Decision {
  const { registration } = event;
  const refusal = refusalOf(state, registration);
  if (refusal !== null) return decided([], refusal);
  const known = state.brokers.get(registration.brokerId) ?? null;
  if (known !== null && known.incarnation === registration.incarnation) {
    const isRebuilt = known.storageId === UNKNOWN_STORAGE;
    const broker = isRebuilt ? recordOf(registration, known.epoch, known) : { ...known, isFenced: false };
    const changes: Change[] = known.isFenced || isRebuilt ? [{ kind: "broker", broker }] : [];
    return decided(changes, { kind: "registered", brokerEpoch: known.epoch });
  }
  const epoch = brokerEpoch(state.nextBrokerEpoch);
  const entry: Change[] = [
    { kind: "nextBrokerEpoch", value: epoch + 1 },
    { kind: "broker", broker: recordOf(registration, epoch, known) },
  ];
  const consequences = known === null ? [] : consequencesOf(state, known, registration);
  const commits = registrationCommits({ consequences, entry });
  return { commits, answer: { kind: "registered", brokerEpoch: epoch } };
}

function refusalOf(state: State, registration: Registration) {
  const refuse = (code: "WRONG_VERSION" | "WRONG_CLUSTER", reason: string) =>
    ({ kind: "registrationRefused", code, reason }) as const;
  if (registration.contractVersion !== CONTRACT_VERSION) {
    const versions = `${registration.contractVersion}, the controller ${CONTRACT_VERSION}`;
    return refuse("WRONG_VERSION", `broker ${registration.brokerId} speaks contract version ${versions}`);
  }
  if (registration.clusterId !== "" && registration.clusterId !== state.clusterId) {
    const belongs = `belongs to cluster ${registration.clusterId}, this is cluster ${state.clusterId}`;
    return refuse("WRONG_CLUSTER", `the data folder of broker ${registration.brokerId} ${belongs}`);
  }
  return null;
}

/** What others said of a broker outlives its process: that it is drained, and where it stands if it does not know. */
function recordOf(registration: Registration, epoch: BrokerEpoch, known: BrokerRecord | null): BrokerRecord {
  return {
    id: registration.brokerId,
    incarnation: registration.incarnation,
    epoch,
    endpoints: registration.endpoints,
    http: registration.http,
    rack: registration.rack ?? known?.rack ?? null,
    isFenced: false,
    isShuttingDown: false,
    storageId: registration.storageId,
    bootId: registration.bootId,
    device: registration.device,
    mountId: registration.mountId,
    isDraining: known?.isDraining ?? false,
  };
}

function consequencesOf(state: State, known: BrokerRecord, registration: Registration): Change[] {
  const changes: Change[] = [];
  for (const { topic, row } of allPartitions(state)) {
    if (!row.replicas.includes(known.id)) continue;
    const next = rowAfterRestart({ row, known, registration }, circumstancesOf(state, topic));
    if (next !== row) changes.push({ kind: "partition", row: next });
  }
  return changes;
}

function rowAfterRestart(
  { row, known, registration }: { row: PartitionRow; known: BrokerRecord; registration: Registration },
  circumstances: Circumstances,
): PartitionRow {
  const broker = known.id;
  const isConcerned = row.isr.includes(broker) || row.elr.includes(broker) || row.lost.includes(broker);
  if (!isConcerned) return row;
  const remainder = remainderOf(known, registration, row);
  if (remainder === "whole") {
    if (row.leader !== broker) return row;
    return revised(row, { leaderEpoch: leaderEpochAfterRestart(row) });
  }
  const out = remainder === "gone" ? { gone: [broker] } : { notWhole: [broker] };
  return elect(row, settleMembership(row, { isr: row.isr, ...out }), circumstances);
}
