import { fetch } from "../../../broker/wire/apis/01-fetch.ts";
import { listOffsets } from "../../../broker/wire/apis/02-list-offsets.ts";
import { isRetriableCode, kafkaErrorName, kafkaErrors } from "../../../broker/wire/error-codes.ts";
import type { ClusterClient, PartitionView } from "./cluster-client.ts";
import type { KafkaConnection } from "./connection.ts";
import { ReaderSession, type SessionTurn } from "./reader-session.ts";

/** What one answer to one fetch showed of one partition. */
export interface Reading {
  readonly reader: string;
  readonly topicId: string;
  readonly partition: number;
  /** The broker that answered, and the leader epoch that the request named: it was current there. */
  readonly broker: number;
  readonly isOfFollower: boolean;
  readonly leaderEpoch: number;
  readonly fetchOffset: number;
  readonly highWatermark: number;
  readonly bytes: Uint8Array;
}

export interface ConsumerObserver {
  /** @returns the offset to read next. */
  read(reading: Reading): number;
  /** The position is not in the log. @returns where to go on. */
  outOfRange(consumer: string, topicId: string, partition: number, position: number): "beginning" | "end";
  misbehaved(what: string): void;
}

export interface ConsumerOptions {
  readonly topic: string;
  readonly partition: number;
  readonly maxWaitMs: number;
  /** Fetches within a session, so that most requests name nothing. */
  readonly keepsSession: boolean;
  /** Reads from a follower there if the leader says so; "" = from leaders. */
  readonly rack: string;
  readonly observer: ConsumerObserver;
}

/** Versions that name topics by name and by id. */
const VERSIONS = [12, 17] as const;
const RETRY_MS = 60;
/** What a request says that names all that it fetches. */
const NO_SESSION: SessionTurn = { sessionId: 0, sessionEpoch: -1, isNamed: true };
/** As ListOffsets names them. */
const LATEST = -1;
const EARLIEST = -2;

/** Reads one partition from its start, without end. */
export class SimulatedConsumer {
  readonly name: string;
  position = 0;
  /** High watermark of the last answer. */
  highWatermark = -1;
  readonly #client: ClusterClient;
  readonly #options: ConsumerOptions;
  readonly #version: number;
  readonly #session: ReaderSession | null;
  /** The follower that the leader has sent this reader to; −1 = read from the leader. */
  #near = -1;
  #isBusy = false;
  #topicId = "";

  constructor(name: string, client: ClusterClient, options: ConsumerOptions) {
    this.name = name;
    this.#client = client;
    this.#options = options;
    this.#version = client.random.pick(VERSIONS);
    this.#session = options.keepsSession ? new ReaderSession() : null;
    client.onReady = () => this.#next();
  }

  start(): void {
    this.#client.refreshSoon();
    this.#tick();
  }

  #tick(): void {
    this.#next();
    this.#client.process.clock.after(250, () => this.#tick());
  }

  #next(): void {
    if (this.#isBusy) return;
    const view = this.#client.view(this.#options.topic, this.#options.partition);
    if (view === undefined || view.leader < 0) return this.#client.refreshSoon();
    if (view.topicId !== this.#topicId) {
      this.#topicId = view.topicId;
      this.position = 0;
    }
    const broker = this.#near < 0 ? view.leader : this.#near;
    const connection = this.#client.connection(broker);
    if (connection !== null) {
      this.#isBusy = true;
      this.#fetch(connection, view, broker);
    } else this.#near = -1;
  }

  #retry(): void {
    this.#near = -1;
    this.#client.refreshSoon();
    this.#client.process.clock.after(RETRY_MS, () => {
      this.#isBusy = false;
      this.#next();
    });
  }

  #fetch(connection: KafkaConnection, view: PartitionView, broker: number): void {
    const { topic, partition, maxWaitMs } = this.#options;
    const wish = {
      partition,
      currentLeaderEpoch: view.leaderEpoch,
      fetchOffset: this.position,
      partitionMaxBytes: this.#client.random.chance(0.2) ? 100 : 65_536,
    };
    const named = [{ topic, topicId: view.topicId, partitions: [wish] }];
    const turn = this.#session?.next(broker, JSON.stringify(named)) ?? NO_SESSION;
    const { sessionId, sessionEpoch } = turn;
    const body = {
      maxWaitMs,
      minBytes: 1,
      maxBytes: 1 << 20,
      sessionId,
      sessionEpoch,
      topics: turn.isNamed ? named : [],
      forgottenTopicsData: [],
      rackId: this.#options.rack,
    } as unknown as Parameters<typeof fetch.writeRequest>[2];
    connection.send(fetch, { version: this.#version, body }, (response) => {
      this.#session?.answered(response);
      const answer = response?.responses[0]?.partitions[0];
      if (response?.errorCode === 0 && answer === undefined && sessionEpoch > 0) return this.#nothingNew();
      if (answer === undefined) return this.#retry();
      if (answer.errorCode !== 0 && broker !== view.leader) return this.#retry();
      if (answer.errorCode !== 0) return this.#failed(connection, view, answer);
      if (answer.preferredReadReplica >= 0) return this.#readAt(answer.preferredReadReplica);
      this.#isBusy = false;
      this.highWatermark = answer.highWatermark;
      this.position = this.#options.observer.read({
        reader: this.name,
        topicId: view.topicId,
        partition,
        broker,
        isOfFollower: broker !== view.leader,
        leaderEpoch: view.leaderEpoch,
        fetchOffset: this.position,
        highWatermark: answer.highWatermark,
        bytes: answer.records ?? new Uint8Array(0),
      });
      this.#next();
    });
  }

  /** In a session: no records, and the high watermark stands where it stood. */
  #nothingNew(): void {
    this.#isBusy = false;
    this.#next();
  }

  #readAt(broker: number): void {
    this.#near = broker;
    this.#isBusy = false;
    this.#next();
  }

  #failed(
    connection: KafkaConnection,
    view: PartitionView,
    answer: { errorCode: number; currentLeader: { leaderId: number; leaderEpoch: number } },
  ): void {
    const { topic, partition, observer } = this.#options;
    if (answer.errorCode === kafkaErrors.OFFSET_OUT_OF_RANGE) {
      const place = observer.outOfRange(this.name, view.topicId, partition, this.position);
      return this.#seek(connection, place === "end" ? LATEST : EARLIEST);
    }
    if (!isRetriableCode(answer.errorCode)) {
      observer.misbehaved(`${this.name} was answered ${kafkaErrorName(answer.errorCode)}`);
    }
    this.#client.hint(topic, partition, answer.currentLeader);
    this.#retry();
  }

  #seek(connection: KafkaConnection, timestamp: number): void {
    const { topic, partition } = this.#options;
    const body = {
      replicaId: -1,
      isolationLevel: 0,
      topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp }] }],
    } as unknown as Parameters<typeof listOffsets.writeRequest>[2];
    connection.send(listOffsets, { version: 5, body }, (response) => {
      const answer = response?.topics[0]?.partitions[0];
      if (answer !== undefined && answer.errorCode === 0) this.position = answer.offset;
      this.#retry();
    });
  }
}
