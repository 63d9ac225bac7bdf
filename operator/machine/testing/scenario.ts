import {
  type BrokerId,
  brokerEpoch,
  brokerId,
  controllerEpoch,
  type Incarnation,
  leaderEpoch,
  offset,
  partitionEpoch,
  partitionIndex,
  type StorageId,
  topicId,
} from "#base/ids.ts";
import type { AdminRequest, PartitionName, Registration } from "#contract/control.ts";
import type { PartitionRow, TopicRow } from "#contract/rows.ts";
import { apply } from "../apply.ts";
import type { Change } from "../changes.ts";
import { decide } from "../decide.ts";
import type { Answer } from "../decision.ts";
import type { Event } from "../events.ts";
import { checkInvariants } from "../invariants.ts";
import { allPartitions, EMPTY_STORED_STATE, partitionOf, type State, stateOf, topicByName } from "../state.ts";
import { waitsFor } from "../waiting.ts";
import { registrationOf } from "./registration.ts";

const CLUSTER = "scenario";

/** A command's words: `name first second key=value flag`. */
class Words {
  readonly name: string;
  readonly plain: readonly string[];
  readonly #values: ReadonlyMap<string, string>;

  constructor(line: string) {
    const [name = "", ...rest] = line.trim().split(/\s+/);
    this.name = name;
    this.plain = rest.filter((word) => !word.includes("="));
    this.#values = new Map(rest.filter((word) => word.includes("=")).map((word) => split(word, "=")));
  }

  at(index: number): string {
    const word = this.plain[index];
    if (word === undefined) throw new Error(`"${this.name}" needs ${index + 1} words`);
    return word;
  }

  value(key: string): string | undefined {
    return this.#values.get(key);
  }

  has(flag: string): boolean {
    return this.plain.includes(flag);
  }

  /** Every `key=value` whose key is not one of `known`. */
  others(...known: readonly string[]): [string, string][] {
    return [...this.#values].filter(([key]) => !known.includes(key));
  }
}

function split(word: string, separator: string): [string, string] {
  const at = word.lastIndexOf(separator);
  return [word.slice(0, at), word.slice(at + 1)];
}

const list = (text: string): BrokerId[] => (text === "" ? [] : text.split(",").map((one) => brokerId(Number(one))));
const shown = (brokers: readonly BrokerId[]): string => (brokers.length === 0 ? "-" : brokers.join(","));

/** A cluster's control plane, driven by short lines: what scenarios are written in. */
export class Scenario {
  #state: State = stateOf(
    { ...EMPTY_STORED_STATE, clusterId: CLUSTER },
    { controllerEpoch: controllerEpoch(1), sequence: 0 },
    {},
  );
  #topics = 0;

  get state(): State {
    return this.#state;
  }

  /** Runs one command. @returns what it changed and answered, as lines. */
  run(line: string): string[] {
    const words = new Words(line);
    if (words.name === "show") return [...allPartitions(this.#state)].map(({ topic, row }) => this.#row(topic, row));
    const event = this.#eventOf(words);
    const { commits, answer } = decide(this.#state, event);
    const cut = words.value("commits");
    const kept = cut === undefined ? commits : commits.slice(0, Number(cut));
    const lines = kept.flatMap((changes) => this.#commit(changes));
    if (kept.length < commits.length) return [...lines, `cut off after ${kept.length} of ${commits.length} commits`];
    return [...lines, ...answered(answer)];
  }

  #commit(changes: readonly Change[]): string[] {
    checkInvariants(this.#state, changes);
    const lines = changes.flatMap((change) => this.#changed(change));
    const { version } = this.#state;
    this.#state = apply(this.#state, changes, { ...version, sequence: version.sequence + 1 });
    return lines;
  }

  #changed(change: Change): string[] {
    switch (change.kind) {
      case "partition": {
        const topic = this.#state.topics.get(change.row.topicId);
        return topic === undefined ? [] : [this.#row(topic, change.row)];
      }
      case "broker": {
        const { id, epoch, rack, isFenced, isShuttingDown, isDraining } = change.broker;
        const marks = `${isFenced ? " fenced" : ""}${isShuttingDown ? " leaving" : ""}${isDraining ? " draining" : ""}`;
        const isMoved = rack !== this.#state.brokers.get(id)?.rack && this.#state.brokers.has(id);
        return [`broker ${id} epoch ${epoch}${marks}${isMoved ? ` rack ${rack ?? "-"}` : ""}`];
      }
      case "brokerRemoved":
        return [`broker ${change.id} removed`];
      case "topic":
        return [
          `topic ${change.row.name} partitions ${change.row.partitionCount} ${JSON.stringify(change.row.config)}`,
        ];
      case "topicDeleted":
        return [`deleted ${change.row.name}, waits for ${shown(change.row.waitingFor)}`];
      case "deletion":
        return [`deletion of ${change.row.name} waits for ${shown(change.row.waitingFor)}`];
      default:
        return [];
    }
  }

  #row(topic: TopicRow, row: PartitionRow): string {
    const leader = row.leader < 0 ? "none" : `${row.leader}`;
    const waiting = row.leader < 0 ? ` waits ${shown(waitsFor(this.#state, row))}` : "";
    return (
      `${topic.name}-${row.partition} leader ${leader} epoch ${row.leaderEpoch}.${row.partitionEpoch} ` +
      `isr ${shown(row.isr)} elr ${shown(row.elr)} lost ${shown(row.lost)} min ${row.minIsr}` +
      `${row.synced ? " synced" : ""}${waiting}${moving(row)}`
    );
  }

  #eventOf(words: Words): Event {
    const admin = this.#adminOf(words);
    if (admin !== null) return admin;
    switch (words.name) {
      case "register":
        return { kind: "brokerRegistered", registration: this.#registration(words) };
      case "lost":
        return {
          kind: "brokersLost",
          brokers: words.plain.map((word) => {
            const broker = brokerId(Number(word));
            return { broker, incarnation: this.#state.brokers.get(broker)!.incarnation };
          }),
        };
      case "changed":
        return { kind: "circumstancesChanged" };
      case "isr":
        return this.#proposal(words);
      case "synced": {
        const row = this.#find(words.at(0));
        const seen = partitionEpoch(Number(words.value("rev") ?? row.partitionEpoch));
        const epochs = { leaderEpoch: row.leaderEpoch, partitionEpoch: seen };
        return { kind: "syncedReported", broker: row.leader, partition: row, ...epochs, synced: !words.has("no") };
      }
      case "ends":
        return this.#ends(words);
      case "handover": {
        const row = this.#find(words.at(0));
        const target = brokerId(Number(words.value("to")));
        return { kind: "handOverAnswered", broker: row.leader, partition: row, leaderEpoch: row.leaderEpoch, target };
      }
      case "shutdown":
        return { kind: "shutdownWished", broker: brokerId(Number(words.at(0))) };
      case "prepared":
        return { kind: "shutdownPrepared", broker: brokerId(Number(words.at(0))) };
      case "gone": {
        const row = this.#find(words.at(0));
        const epoch = leaderEpoch(Number(words.value("epoch") ?? row.leaderEpoch));
        const broker = brokerId(Number(words.value("by")));
        return { kind: "replicaRemoved", broker, partition: row, leaderEpoch: epoch };
      }
      case "copies": {
        const countMax = Number(words.value("max") ?? 10);
        return { kind: "copiesCalled", countMax, isRebalancing: words.has("rebalance") };
      }
      case "removed": {
        const deletion = [...this.#state.deletions.values()].find((row) => row.name === words.at(0))!;
        return { kind: "topicRemoved", broker: brokerId(Number(words.value("by"))), topicId: deletion.topicId };
      }
      default:
        throw new Error(`there is no command "${words.name}"`);
    }
  }

  #adminOf(words: Words): Event | null {
    switch (words.name) {
      case "create":
        return this.#create(words);
      case "delete": {
        const topics = words.plain.map((name) => ({ name, topicId: null }));
        return { kind: "topicsDeleteRequested", request: { kind: "deleteTopics", topics } };
      }
      case "grow": {
        const topics = [{ name: words.at(0), totalCount: Number(words.at(1)), assignments: null }];
        const request: Extract<AdminRequest, { kind: "createPartitions" }> = {
          kind: "createPartitions",
          topics,
          validateOnly: words.has("dry"),
        };
        return { kind: "partitionsCreateRequested", request, start: 0 };
      }
      case "config": {
        const isTopic = words.at(0) !== "cluster";
        const changes = words.others().map(([key, value]) => {
          const operation = value === "" ? ("delete" as const) : ("set" as const);
          return { key, operation, value: value === "" ? null : value };
        });
        const kind = isTopic ? ("topic" as const) : ("broker" as const);
        const resources = [{ kind, name: isTopic ? words.at(0) : "", changes }];
        return { kind: "configsAlterRequested", request: { kind: "alterConfigs", resources, validateOnly: false } };
      }
      case "reassign": {
        // `reassign t-0=4,2,3`, or `reassign t-0=` to cancel.
        const partitions = words.others().map(([name, brokers]) => {
          const [topic, partition] = split(name, "-");
          return { topic, partition: Number(partition), replicas: brokers === "" ? null : list(brokers) };
        });
        const mayChangeReplicationFactor = !words.has("sameSize");
        const request = { kind: "alterReassignments", partitions, mayChangeReplicationFactor } as const;
        return { kind: "reassignmentRequested", request };
      }
      case "drain": {
        const broker = brokerId(Number(words.at(0)));
        return { kind: "drainRequested", request: { kind: "drainBroker", broker, isDraining: !words.has("not") } };
      }
      case "factor": {
        const request = { kind: "setReplicationFactor", topic: words.at(0), replicationFactor: Number(words.at(1)) };
        return {
          kind: "replicationFactorRequested",
          request: { ...request, kind: "setReplicationFactor" },
          countMax: Number(words.value("max") ?? 10),
        };
      }
      case "racks": {
        // `racks 1=a 2=`: broker 2 is on none.
        const racks = words.others().map(([id, rack]) => ({ broker: brokerId(Number(id)), rack: rack || null }));
        return { kind: "racksSetRequested", request: { kind: "setRacks", racks } };
      }
      case "forget":
        return {
          kind: "brokerRemovalRequested",
          request: { kind: "removeBroker", broker: brokerId(Number(words.at(0))) },
        };
      case "unclean": {
        const partitions = words.plain.map((word) => {
          const [topic, partition] = split(word, "-");
          return { topic, partition: Number(partition) };
        });
        return { kind: "uncleanElectionRequested", partitions: partitions.length === 0 ? null : partitions, ends: [] };
      }
      default:
        return null;
    }
  }

  #create(words: Words): Event {
    const assignments = words.value("on");
    const topic = {
      name: words.at(0),
      partitionCount: Number(words.value("partitions") ?? -1),
      replicationFactor: Number(words.value("rf") ?? -1),
      assignments: assignments === undefined ? null : assignments.split("/").map(list),
      config: Object.fromEntries(words.others("on", "partitions", "rf")),
    };
    this.#topics++;
    const id = topicId(this.#topics.toString(16).padStart(32, "0"));
    const request: Extract<AdminRequest, { kind: "createTopics" }> = {
      kind: "createTopics",
      topics: [topic],
      validateOnly: words.has("dry"),
    };
    return { kind: "topicsCreateRequested", request, topicIds: [id], start: 0 };
  }

  #registration(words: Words): Registration {
    const id = Number(words.at(0));
    const damaged = words.value("damaged");
    return registrationOf(id, {
      clusterId: words.value("cluster") ?? CLUSTER,
      incarnation: `${id}${words.value("life") ?? "a"}` as Incarnation,
      storageId: `disk-${words.value("disk") ?? id}` as StorageId,
      rack: words.value("rack") ?? null,
      bootId: `boot-${words.value("boot") ?? "1"}`,
      cleanStopOf: words.value("clean") === undefined ? null : (`${id}${words.value("clean")}` as Incarnation),
      hasIoErrorMark: words.has("ioerror"),
      damaged: damaged === undefined ? [] : [this.#find(damaged)],
    });
  }

  #proposal(words: Words): Event {
    const row = this.#find(words.at(0));
    const members = list(words.value("to") ?? "");
    const epochs = new Map(words.others("to", "by", "epoch", "rev"));
    const isr = members.map((broker) => ({
      broker,
      brokerEpoch: brokerEpoch(Number(epochs.get(`${broker}`) ?? this.#state.brokers.get(broker)?.epoch ?? -1)),
    }));
    return {
      kind: "isrProposed",
      broker: brokerId(Number(words.value("by") ?? row.leader)),
      proposal: {
        type: "isrProposal",
        topicId: row.topicId,
        partition: row.partition,
        leaderEpoch: leaderEpoch(Number(words.value("epoch") ?? row.leaderEpoch)),
        partitionEpoch: partitionEpoch(Number(words.value("rev") ?? row.partitionEpoch)),
        isr,
        attempt: 1,
      },
    };
  }

  /** `ends t-0 1=3:100`: broker 1 has a last epoch of 3 and a log end of 100. */
  #ends(words: Words): Event {
    const name: PartitionName = this.#find(words.at(0));
    const ends = words.others().map(([broker, end]) => {
      const [epoch, logEnd] = split(end, ":");
      const id = brokerId(Number(broker));
      return {
        broker: id,
        brokerEpoch: this.#state.brokers.get(id)!.epoch,
        lastEpoch: leaderEpoch(Number(epoch)),
        logEnd: offset(Number(logEnd)),
      };
    });
    return { kind: "logEndsReported", partition: { ...name, ends }, isTimedOut: words.has("timedOut") };
  }

  #find(word: string): PartitionRow {
    const [name, partition] = split(word, "-");
    const topic = topicByName(this.#state, name);
    const row =
      topic === null
        ? null
        : partitionOf(this.#state, { topicId: topic.topicId, partition: partitionIndex(Number(partition)) });
    if (row === null) throw new Error(`there is no partition ${word}`);
    return row;
  }
}

function answered(answer: Answer): string[] {
  switch (answer.kind) {
    case "none":
      return [];
    case "registered":
      return [`registered under epoch ${answer.brokerEpoch}`];
    case "registrationRefused":
      return [`refused ${answer.code}: ${answer.reason}`];
    case "isrRefused":
      return [`refused: ${answer.reason}`];
    case "moved":
      return [answer.isMoved ? "moved" : "not moved"];
    case "moves":
      return answer.moves.map((move) => `move partition ${move.partition} from ${move.leader} to ${move.target}`);
    case "copies":
      return [`${answer.begun} begun, ${answer.remaining} remain`];
    case "admin":
      return outcomes(answer.response as unknown as Record<string, unknown>);
  }
}

function moving({ replicas, adding, removing, removed }: PartitionRow): string {
  const gone = removed.length === 0 ? "" : ` removed ${shown(removed)}`;
  if (adding.length + removing.length === 0) return gone;
  return ` on ${shown(replicas)} adding ${shown(adding)} removing ${shown(removing)}${gone}`;
}

/** Only what went wrong is worth a line. */
function outcomes(response: Record<string, unknown>): string[] {
  if (typeof response["errorCode"] === "number" && response["errorCode"] !== 0) {
    return [`error ${response["errorCode"]}: ${String(response["errorMessage"])}`];
  }
  if (response["kind"] === "setReplicationFactor") return [`${String(response["remaining"])} remain`];
  if (response["kind"] === "drainBroker") {
    return [`${String(response["assigned"])} assigned, ${String(response["unconfirmed"])} unconfirmed`];
  }
  const all = Object.values(response).filter((value) => Array.isArray(value)) as Record<string, unknown>[][];
  return all
    .flat()
    .flatMap(({ errorCode, errorMessage }) => (errorCode === 0 ? [] : [`error ${errorCode}: ${errorMessage}`]));
}

/** Runs a transcript: every command with what it says now. Comments and blank lines stay as they are. */
export function replay(transcript: string): string {
  const scenario = new Scenario();
  const written: string[] = [];
  let isInOutput = false;
  for (const line of transcript.split("\n")) {
    if (line.startsWith("> ")) {
      isInOutput = true;
      written.push(line, ...scenario.run(line.slice(2)).map((one) => `  ${one}`));
      continue;
    }
    // What an earlier run wrote: the run of now has said it already.
    if (isInOutput && line.startsWith("  ")) continue;
    isInOutput = false;
    written.push(line);
  }
  return written.join("\n");
}
