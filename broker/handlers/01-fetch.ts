import type { BrokerId, LeaderEpoch, Offset, PartitionIndex } from "../base/ids.ts";
import type { Deadline } from "../replication/deadlines.ts";
import type { ReadResult } from "../replication/replica-answers.ts";
import { fetch, type FetchRequest, type FetchResponse } from "../wire/apis/01-fetch.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import { recordsCountOf } from "../wire/record-batch.ts";
import type { BrokerContext } from "./context.ts";
import { type Call, handler } from "./handler.ts";
import { findLeader, LeaderHints, type TargetTopic, topicById, topicByName } from "./leaders.ts";
import type { HostedReplica } from "./replicas.ts";

/*
 * Fetch: 4–17.
 *
 * Behaviour: whole batches from the one that holds the offset on, up to the high watermark; the first partition that
 * has something returns at least one batch however big, later ones obey what is left. Waits for min.bytes or max.wait,
 * unless a partition has an error, a divergence, or had to be read from disk (there is more where that came from).
 * Batches that compaction has emptied are left out in front of a record; where none follows they count for nothing, and
 * go along when the wait is over: clients that can step over them do, and the others do not ask without a pause.
 * Record bytes go from the log's memory to the socket without a copy. Topic ids from v13, leaders' addresses in v16
 * and later (KIP-951).
 *
 * Left out: fetch sessions (the session id is always 0, as of a broker whose cache of sessions is full; naming one is
 * refused), reads from followers (KIP-392), transactions (the last stable offset is the high watermark). Followers do
 * not come this way: a replica id is ignored.
 */

type Topic = FetchRequest["topics"][number];
type Partition = Topic["partitions"][number];

/** Most bytes one request reads from disk; more follows with the next request. Bounds what slow readers keep here. */
const DISK_BYTES_MAX = 1024 * 1024;
/** A request that was woken in vain looks again at the earliest so much later. */
const WAKE_PAUSE_MS = 5;
const TOPIC_IDS_SINCE = 13;
const HINTS_SINCE = 16;
const NO_OFFSET = -1 as Offset;
const NO_RECORDS: readonly Uint8Array[] = [];

interface Wanted {
  readonly target: TargetTopic;
  readonly topicIndex: number;
  readonly partition: Partition;
}

interface PartitionAnswer {
  readonly partitionIndex: PartitionIndex;
  readonly errorCode: number;
  readonly highWatermark: Offset;
  readonly lastStableOffset: Offset;
  readonly logStartOffset: Offset;
  readonly divergingEpoch?: { readonly epoch: LeaderEpoch; readonly endOffset: Offset };
  currentLeader?: { leaderId: BrokerId; leaderEpoch: LeaderEpoch } | undefined;
  readonly abortedTransactions: readonly never[] | null;
  readonly records: readonly Uint8Array[];
}

/** One fetch request under way: looks at its partitions, and again whenever one of them has moved. */
class Fetching {
  readonly #request: FetchRequest;
  readonly #call: Call<FetchResponse>;
  readonly #broker: BrokerContext;
  readonly #wanted: Wanted[] = [];
  readonly #bytesMax: number;
  #answers: PartitionAnswer[] = [];
  /** Replicas seen in this look, to wait for. */
  #seen = new Set<HostedReplica>();
  #bytes = 0;
  #diskBytes = 0;
  #isImmediate = false;
  #isLooking = false;
  #isWaiting = false;
  #isWoken = false;
  #isOver = false;
  #deadline: Deadline | null = null;
  #pause: Deadline | null = null;

  constructor(request: FetchRequest, call: Call<FetchResponse>, broker: BrokerContext) {
    this.#request = request;
    this.#call = call;
    this.#broker = broker;
    this.#bytesMax = Math.max(0, Math.min(request.maxBytes, broker.config().fetchMaxBytes));
    const hasIds = call.header.apiVersion >= TOPIC_IDS_SINCE;
    request.topics.forEach(({ topic, topicId, partitions }, topicIndex) => {
      const target = hasIds ? topicById(broker, topicId) : topicByName(broker, topic);
      for (const partition of partitions) this.#wanted.push({ target, topicIndex, partition });
    });
  }

  start(): void {
    if (this.#request.sessionId !== 0 && this.#request.sessionEpoch > 0) {
      const errorCode = kafkaErrors.FETCH_SESSION_ID_NOT_FOUND;
      return this.#call.answer({ throttleTimeMs: 0, errorCode, sessionId: 0, responses: [] });
    }
    this.#call.onGone = () => this.#end();
    this.#look();
  }

  /** A replica that is waited for has moved. */
  onReplicaChange(): void {
    if (this.#isWoken || !this.#isWaiting) return;
    this.#isWoken = true;
    if (this.#pause === null) queueMicrotask(() => this.#lookAgain());
  }

  #lookAgain(): void {
    if (this.#isOver || this.#isLooking || !this.#isWoken) return;
    this.#isWoken = false;
    try {
      this.#look();
    } catch (error) {
      this.#fail(error);
    }
  }

  #look(): void {
    this.#isLooking = true;
    this.#answers = [];
    this.#bytes = 0;
    this.#diskBytes = 0;
    this.#isImmediate = this.#request.maxWaitMs <= 0 || this.#wanted.length === 0;
    this.#lookFrom(0);
  }

  /** Looks at the partitions from `at` on; one that must be read from disk holds it up until the disk has answered. */
  #lookFrom(at: number): void {
    for (let next = at; next < this.#wanted.length; next++) {
      const result = this.#lookAt(this.#wanted[next]!);
      if (result === null) continue;
      result
        .then(
          (answer) => this.#accept(answer),
          (error: unknown) => this.#acceptFailure(this.#wanted[next]!, error),
        )
        .then(() => this.#lookFrom(next + 1))
        .catch((error: unknown) => this.#fail(error));
      return;
    }
    this.#decide();
  }

  /** Answers one partition; a promise when its records have to come from disk. */
  #lookAt(wanted: Wanted): Promise<PartitionAnswer> | null {
    const { partition, target } = wanted;
    const { partition: index, currentLeaderEpoch: leaderEpoch, fetchOffset } = partition;
    const found = findLeader(this.#broker, target, { partition: index, leaderEpoch });
    if (found.kind === "refused") return this.#accept(this.#refusal(index, found.errorCode));
    const { replica } = found;
    this.#seen.add(replica);
    const divergence = this.#divergence(replica, partition);
    if (divergence !== null) return this.#accept(divergence);
    const room = Math.min(partition.partitionMaxBytes, this.#bytesMax - this.#bytes);
    const isFirst = this.#bytes === 0;
    if (!isFirst && (room <= 0 || this.#diskBytes >= DISK_BYTES_MAX)) {
      return this.#accept(this.#boundsOnly(replica, partition));
    }
    const result = replica.read(fetchOffset, {
      maxBytes: Math.max(1, room),
      diskBytesMax: DISK_BYTES_MAX,
      upTo: "highWatermark",
    });
    const limits = { room, isFirst };
    if (!isPromise(result)) return this.#accept(this.#answerOf(partition, result, limits));
    return result.then((read) => {
      const answer = this.#answerOf(partition, read, limits);
      this.#diskBytes += sizeOf(answer.records);
      if (!isWithoutRecord(answer.records)) this.#isImmediate = true;
      return answer;
    });
  }

  #accept(answer: PartitionAnswer): null {
    this.#answers.push(answer);
    if (!isWithoutRecord(answer.records)) this.#bytes += sizeOf(answer.records);
    if (answer.errorCode !== 0 || answer.divergingEpoch !== undefined) this.#isImmediate = true;
    return null;
  }

  #acceptFailure({ partition, target }: Wanted, error: unknown): void {
    const fields = { topic: target.topic?.name, partition: partition.partition, error: String(error) };
    this.#broker.logger.error("records could not be read", fields);
    this.#accept(this.#refusal(partition.partition, kafkaErrors.KAFKA_STORAGE_ERROR));
  }

  /** KIP-320: the client's last epoch ends here before the offset that it asks for, so its log has other records. */
  #divergence(replica: HostedReplica, partition: Partition): PartitionAnswer | null {
    const { lastFetchedEpoch, fetchOffset, partition: index } = partition;
    if (lastFetchedEpoch < 0) return null;
    const end = replica.log.endOffsetFor(lastFetchedEpoch);
    if (end.epoch < 0 || end.endOffset < 0) return this.#refusal(index, kafkaErrors.OFFSET_OUT_OF_RANGE);
    if (end.epoch >= lastFetchedEpoch && end.endOffset >= fetchOffset) return null;
    return { ...this.#marks(replica, index), divergingEpoch: end, records: NO_RECORDS };
  }

  #answerOf(
    partition: Partition,
    read: ReadResult,
    { room, isFirst }: { room: number; isFirst: boolean },
  ): PartitionAnswer {
    if (read.kind === "refused") return this.#refusal(partition.partition, read.errorCode);
    // Only the first partition may return more than there is room for.
    const fits = isFirst || sizeOf(read.chunks) <= room;
    return { ...this.#marks({ ...read, log: read }, partition.partition), records: fits ? read.chunks : NO_RECORDS };
  }

  /** There is no room for records of this partition, but its bounds are checked and told. */
  #boundsOnly(replica: HostedReplica, { partition: index, fetchOffset }: Partition): PartitionAnswer {
    const { log } = replica;
    if (fetchOffset < log.logStart || fetchOffset > log.logEnd) {
      return this.#refusal(index, kafkaErrors.OFFSET_OUT_OF_RANGE);
    }
    return { ...this.#marks(replica, index), records: NO_RECORDS };
  }

  #marks(
    of: { readonly highWatermark: Offset; readonly log: { readonly logStart: Offset } },
    partitionIndex: PartitionIndex,
  ): Omit<PartitionAnswer, "records"> {
    return {
      partitionIndex,
      errorCode: 0,
      highWatermark: of.highWatermark,
      lastStableOffset: of.highWatermark,
      logStartOffset: of.log.logStart,
      abortedTransactions: this.#request.isolationLevel === 1 ? [] : null,
    };
  }

  #refusal(partitionIndex: PartitionIndex, errorCode: number): PartitionAnswer {
    return {
      partitionIndex,
      errorCode,
      highWatermark: NO_OFFSET,
      lastStableOffset: NO_OFFSET,
      logStartOffset: NO_OFFSET,
      abortedTransactions: this.#request.isolationLevel === 1 ? [] : null,
      records: NO_RECORDS,
    };
  }

  #decide(): void {
    this.#isLooking = false;
    if (this.#isOver) return;
    const isDue = this.#isWaiting && this.#deadline === null;
    if (this.#isImmediate || isDue || this.#bytes >= this.#request.minBytes) return this.#answer();
    if (this.#isWaiting) {
      this.#pause ??= this.#broker.deadlines.after(WAKE_PAUSE_MS, () => {
        this.#pause = null;
        this.#lookAgain();
      });
      return;
    }
    this.#isWaiting = true;
    this.#deadline = this.#broker.deadlines.after(this.#request.maxWaitMs, () => {
      this.#deadline = null;
      this.#isWoken = true;
      this.#lookAgain();
    });
    for (const replica of this.#seen) replica.listen(this);
  }

  #answer(): void {
    this.#end();
    const { topics } = this.#request;
    const responses = topics.map(({ topic, topicId }) => ({ topic, topicId, partitions: [] as PartitionAnswer[] }));
    this.#answers.forEach((answer, at) => responses[this.#wanted[at]!.topicIndex]!.partitions.push(answer));
    this.#call.answer({ throttleTimeMs: 0, errorCode: 0, sessionId: 0, responses, nodeEndpoints: this.#hints() });
  }

  #hints(): ReturnType<LeaderHints["endpoints"]> {
    if (this.#call.header.apiVersion < HINTS_SINCE || this.#answers.every(({ errorCode }) => errorCode === 0))
      return [];
    const hints = new LeaderHints(this.#broker, this.#call.listener);
    this.#answers.forEach((answer, at) => {
      const { target, partition } = this.#wanted[at]!;
      answer.currentLeader = hints.leaderFor(answer.errorCode, target.topic, partition.partition);
    });
    return hints.endpoints();
  }

  #fail(error: unknown): void {
    this.#end();
    this.#call.fail(error);
  }

  #end(): void {
    this.#isOver = true;
    this.#deadline?.cancel();
    this.#pause?.cancel();
    for (const replica of this.#seen) replica.unlisten(this);
  }
}

/** Compaction has left nothing of what is there. */
const isWithoutRecord = (records: readonly Uint8Array[]): boolean =>
  records[0] !== undefined && recordsCountOf(records[0], 0) === 0;

function sizeOf(chunks: readonly Uint8Array[]): number {
  let size = 0;
  for (const chunk of chunks) size += chunk.length;
  return size;
}

const isPromise = (result: ReadResult | Promise<ReadResult>): result is Promise<ReadResult> => "then" in result;

export const fetchHandler = handler(fetch, { served: { min: 4, max: 17 } }, (request, call, broker) =>
  new Fetching(request, call, broker).start(),
);
