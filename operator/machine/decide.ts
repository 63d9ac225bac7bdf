import { decideBrokerRegistered } from "./decide/broker-registered.ts";
import { decideBrokerRemovalRequested } from "./decide/broker-removal-requested.ts";
import { decideBrokersLost } from "./decide/brokers-lost.ts";
import { decideCircumstancesChanged } from "./decide/circumstances-changed.ts";
import { decideConfigsAlterRequested } from "./decide/configs-alter-requested.ts";
import { decideCopiesCalled } from "./decide/copies-called.ts";
import { decideDrainRequested } from "./decide/drain-requested.ts";
import { decideHandOverAnswered } from "./decide/hand-over-answered.ts";
import { decideIsrProposed } from "./decide/isr-proposed.ts";
import { decideLogEndsReported } from "./decide/log-ends-reported.ts";
import { decidePartitionsCreateRequested } from "./decide/partitions-create-requested.ts";
import { decideProducerIdsRequested } from "./decide/producer-ids-requested.ts";
import { decideRacksSetRequested } from "./decide/racks-set-requested.ts";
import { decideReassignmentRequested } from "./decide/reassignment-requested.ts";
import { decideReplicaRemoved } from "./decide/replica-removed.ts";
import { decideReplicationFactorRequested } from "./decide/replication-factor-requested.ts";
import { decideShutdownPrepared } from "./decide/shutdown-prepared.ts";
import { decideShutdownWished } from "./decide/shutdown-wished.ts";
import { decideSyncedReported } from "./decide/synced-reported.ts";
import { decideTopicRemoved } from "./decide/topic-removed.ts";
import { decideTopicsCreateRequested } from "./decide/topics-create-requested.ts";
import { decideTopicsDeleteRequested } from "./decide/topics-delete-requested.ts";
import { decideTopicsOwnRequested } from "./decide/topics-own-requested.ts";
import { decideUncleanElectionRequested } from "./decide/unclean-election-requested.ts";
import type { Decision } from "./decision.ts";
import type { Event } from "./events.ts";
import type { State } from "./state.ts";

/** Every decision of the control plane: what was committed and what happened in, what to commit and say out. */
export function decide(state: State, event: Event): Decision {
  switch (event.kind) {
    case "brokerRegistered":
      return decideBrokerRegistered(state, event);
    case "brokersLost":
      return decideBrokersLost(state, event);
    case "circumstancesChanged":
      return decideCircumstancesChanged(state);
    case "isrProposed":
      return decideIsrProposed(state, event);
    case "syncedReported":
      return decideSyncedReported(state, event);
    case "logEndsReported":
      return decideLogEndsReported(state, event);
    case "handOverAnswered":
      return decideHandOverAnswered(state, event);
    case "shutdownWished":
      return decideShutdownWished(state, event);
    case "shutdownPrepared":
      return decideShutdownPrepared(state, event);
    case "replicaRemoved":
      return decideReplicaRemoved(state, event);
    case "reassignmentRequested":
      return decideReassignmentRequested(state, event);
    case "drainRequested":
      return decideDrainRequested(state, event);
    case "copiesCalled":
      return decideCopiesCalled(state, event);
    case "replicationFactorRequested":
      return decideReplicationFactorRequested(state, event);
    case "brokerRemovalRequested":
      return decideBrokerRemovalRequested(state, event);
    case "racksSetRequested":
      return decideRacksSetRequested(state, event);
    case "topicRemoved":
      return decideTopicRemoved(state, event);
    case "topicsCreateRequested":
      return decideTopicsCreateRequested(state, event);
    case "topicsOwnRequested":
      return decideTopicsOwnRequested(state, event);
    case "topicsDeleteRequested":
      return decideTopicsDeleteRequested(state, event);
    case "partitionsCreateRequested":
      return decidePartitionsCreateRequested(state, event);
    case "configsAlterRequested":
      return decideConfigsAlterRequested(state, event);
    case "uncleanElectionRequested":
      return decideUncleanElectionRequested(state, event);
    case "producerIdsRequested":
      return decideProducerIdsRequested(state);
  }
}
