import type { BrokerId, LeaderEpoch, Offset, PartitionIndex, TopicId } from "../../base/ids.ts";
import { NO_EPOCH } from "../../base/ids.ts";
import type { BrokerContext } from "../../handlers/context.ts";
import type { Peers } from "../../peers/peers.ts";
import { fetch } from "../../wire/apis/01-fetch.ts";
import { isRetriableCode, kafkaErrorName, kafkaErrors } from "../../wire/error-codes.ts";
import type { BytesDraft } from "../../wire/writer.ts";
import { leaderOf } from "./leaders.ts";

/** What one partition gave from an offset on. */
export type Fetched =
  /** Whole batches of committed records, the first may begin before the offset; none after a wait in vain. */
  | { readonly kind: "records"; readonly chunks: readonly Uint8Array[] }
  | { readonly kind: "outOfRange" }
  | { readonly kind: "gone" }
  /** Nothing can be read just now: its leader moves, or cannot be reached. */
  | { readonly kind: "again" }
  | { readonly kind: "refused"; readonly why: string };

interface Want {
  readonly topic: TopicId;
  readonly partition: number;
  readonly offset: number;
  readonly resolve: (fetched: Fetched) => void;
}

const FETCH_VERSION = 17;
/** How long a fetch waits for records; whoever asks meanwhile for other ones of a peer waits no longer than that. */
const WAIT_MS = 500;
const ANSWER_MS_MAX = 5000;
const PARTITION_BYTES_MAX = 64 * 1024;
const ANSWER_BYTES_MAX = 1024 * 1024;
/** Fetches that may wait at one peer at the same time, each on a connection of its own. */
const LANES = 4;
const WANTS_MAX = 500;

/**
 * Reads partitions wherever they are led. What is wanted of a peer at the same time goes into one fetch; of this very
 * broker each partition is fetched by itself, which costs next to nothing and waits for nobody else.
 */
export class Fetches {
  readonly #broker: BrokerContext;
  readonly #peers: Peers;
  readonly #remote = new Map<BrokerId, PeerFetches>();

  constructor({ broker, peers }: { broker: BrokerContext; peers: Peers }) {
    this.#broker = broker;
    this.#peers = peers;
  }

  fetch(topic: TopicId, partition: number, offset: number): Promise<Fetched> {
    const leader = leaderOf(this.#broker, topic, partition);
    if (leader === "gone") return Promise.resolve({ kind: "gone" });
    if (leader === null) return Promise.resolve({ kind: "again" });
    return new Promise((resolve) => {
      const want = { topic, partition, offset, resolve };
      if (leader === this.#broker.brokerId) void fetchFrom(this.#peers, { leader, lane: "" }, [want]);
      else this.#fetchesOf(leader).add(want);
    });
  }

  #fetchesOf(leader: BrokerId): PeerFetches {
    let fetches = this.#remote.get(leader);
    if (fetches === undefined) {
      fetches = new PeerFetches(this.#peers, leader);
      this.#remote.set(leader, fetches);
    }
    return fetches;
  }
}

/** What is wanted of one peer: gathered while all its lanes are taken. */
class PeerFetches {
  readonly #peers: Peers;
  readonly #leader: BrokerId;
  readonly #idle = Array.from({ length: LANES }, (_, lane) => `fetch ${lane}`);
  #wants: Want[] = [];
  #isScheduled = false;

  constructor(peers: Peers, leader: BrokerId) {
    this.#peers = peers;
    this.#leader = leader;
  }

  add(want: Want): void {
    this.#wants.push(want);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#wants.length === 0 || this.#idle.length === 0) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#send();
    });
  }

  #send(): void {
    const lane = this.#idle.pop();
    if (lane === undefined) return;
    const wants = this.#wants.splice(0, WANTS_MAX);
    void fetchFrom(this.#peers, { leader: this.#leader, lane }, wants).then(() => {
      this.#idle.push(lane);
      this.#schedule();
    });
    this.#schedule();
  }
}

/** Answers every want, whatever happens. */
async function fetchFrom(
  peers: Peers,
  { leader, lane }: { leader: BrokerId; lane: string },
  wants: readonly Want[],
): Promise<void> {
  const asked = await peers.ask(leader, {
    api: fetch,
    version: FETCH_VERSION,
    timeoutMs: ANSWER_MS_MAX,
    lane,
    body: requestOf(wants),
  });
  // One for each want, in that order; neighbours of one topic come as one topic.
  const topics = asked.kind === "answered" ? asked.body.responses : [];
  const answers = topics.flatMap(({ topicId, partitions }) => partitions.map((answer) => ({ topicId, answer })));
  wants.forEach(({ topic, partition, resolve }, at) => {
    const found = answers[at];
    const isOurs = found?.topicId === topic && found.answer.partitionIndex === partition;
    resolve(isOurs ? fetchedOf(found.answer.errorCode, found.answer.records) : { kind: "again" });
  });
}

function fetchedOf(errorCode: number, records: BytesDraft | null): Fetched {
  if (errorCode === 0) return { kind: "records", chunks: chunksOf(records) };
  if (errorCode === kafkaErrors.OFFSET_OUT_OF_RANGE) return { kind: "outOfRange" };
  return isRetriableCode(errorCode) ? { kind: "again" } : { kind: "refused", why: kafkaErrorName(errorCode) };
}

function chunksOf(records: BytesDraft | null): readonly Uint8Array[] {
  if (records === null) return [];
  return records instanceof Uint8Array ? [records] : records;
}

type Request = Parameters<(typeof fetch)["writeRequest"]>[2];
type FullRequest = ReturnType<(typeof fetch)["readRequest"]>;

const requestOf = (wants: readonly Want[]): FullRequest & Request => ({
  clusterId: null,
  replicaId: -1 as BrokerId,
  replicaState: { replicaId: -1 as BrokerId, replicaEpoch: -1 },
  maxWaitMs: WAIT_MS,
  minBytes: 1,
  maxBytes: ANSWER_BYTES_MAX,
  isolationLevel: 1,
  sessionId: 0,
  sessionEpoch: -1,
  topics: wants.map(({ topic, partition, offset }) => ({
    topic: "",
    topicId: topic,
    partitions: [
      {
        partition: partition as PartitionIndex,
        currentLeaderEpoch: NO_EPOCH,
        fetchOffset: offset as Offset,
        lastFetchedEpoch: NO_EPOCH as LeaderEpoch,
        logStartOffset: -1 as Offset,
        partitionMaxBytes: PARTITION_BYTES_MAX,
        replicaDirectoryId: topic,
        highWatermark: Number.MAX_SAFE_INTEGER as Offset,
      },
    ],
  })),
  forgottenTopicsData: [],
  rackId: "",
});
