import type { Offset, PartitionIndex } from "../base/ids.ts";
import type { TopicRow } from "../contract/rows.ts";
import type { Deadline } from "../replication/deadlines.ts";
import type { ReadResult } from "../replication/replica-answers.ts";
import { fetch, type FetchRequest, type FetchResponse } from "../wire/apis/01-fetch.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import { recordsCountOf } from "../wire/record-batch.ts";
import type { BrokerContext } from "./context.ts";
import type { FetchSession, SessionUser } from "./fetch-session.ts";
import { FetchedPartition, isObstacle, type PartitionAnswer, type PartitionOwner } from "./fetched-partition.ts";
import { type Call, handler } from "./handler.ts";
import { findReplica, LeaderHints, type TargetTopic, topicById, topicByName } from "./leaders.ts";
import { preferredReplica, type ReadRole, readRoleFor } from "./read-replica.ts";
import type { HostedReplica } from "./replicas.ts";

/*
 * Fetch: 4–17.
 *
 * Behaviour: whole batches from the one that holds the offset on, up to the high watermark; the first partition that
 * has something returns at least one batch however big, later ones obey what is left. Waits for min.bytes or max.wait,
 * unless a partition has an error, a divergence, or had to be read from disk (there is more where that came from).
 * Batches that compaction has emptied are left out in front of a record; where none follows they count for nothing, and
 * go along when the wait is over: clients that can step over them do, and the others do not ask without a pause.
 * Record bytes go from the log's memory to the socket without a copy. Fetch sessions from v7 (KIP-227), topic ids from
 * v13, leaders' addresses in v16 and later (KIP-951).
 *
 * Requests of one session are worked on one after the other, in whatever connections they come: a later one ends the
 * wait of an earlier one.
 *
 * Where `replica.selector.class` says so, a consumer that names its rack (v11) is sent to an in-sync follower there,
 * and that one serves it up to its own high watermark (KIP-392).
 *
 * Left out: transactions (the last stable offset is the high watermark). Followers do not come this way: a replica id
 * is ignored.
 */

/** Most bytes one request reads from disk; more follows with the next request. Bounds what slow readers keep here. */
const DISK_BYTES_MAX = 1024 * 1024;
/** A request that was woken in vain looks again at the earliest so much later. */
const WAKE_PAUSE_MS = 5;
const SESSIONS_SINCE = 7;
/** First version whose clients can read zstd. */
const ZSTD_SINCE = 10;
const TOPIC_IDS_SINCE = 13;
const HINTS_SINCE = 16;
/** Session epochs of requests that name all that they fetch: to begin a session with it, or to end one. */
const OPENING_EPOCH = 0;
const CLOSING_EPOCH = -1;
const NO_SESSION = 0;
const NO_OFFSET = -1 as Offset;
const NO_RECORDS: readonly Uint8Array[] = [];
const NO_ENDPOINTS: readonly never[] = [];

type TopicAnswer = Pick<FetchedPartition, "topic" | "topicId"> & { readonly partitions: PartitionAnswer[] };

/** One fetch request under way: looks at its partitions, and again at whichever has moved. */
class Fetching implements PartitionOwner, SessionUser {
  readonly #request: FetchRequest;
  readonly #call: Call<FetchResponse>;
  readonly #broker: BrokerContext;
  readonly #bytesMax: number;
  readonly #readRole: ReadRole;
  #session: FetchSession | null;
  /** What to look at; of a session it grows by what moves meanwhile. */
  #wanted: readonly FetchedPartition[];
  /** Of each one wanted, in that order; undefined before its look, and where there was no room for one. */
  #answers: (PartitionAnswer | undefined)[] = [];
  /** Replicas that the looks found, in that order. */
  #replicas: (HostedReplica | undefined)[] = [];
  #bytes = 0;
  #diskBytes = 0;
  #hasErrors = false;
  #isImmediate = false;
  #isLooking = false;
  #isWaiting = false;
  #isWoken = false;
  /** Another request of the session waits for this one to end. */
  #isHurried = false;
  #isOver = false;
  #deadline: Deadline | null = null;
  #pause: Deadline | null = null;

  /** @param session whose queue is looked at; null: a request that names all that it fetches. */
  constructor(
    request: FetchRequest,
    { call, broker, session }: { call: Call<FetchResponse>; broker: BrokerContext; session: FetchSession | null },
  ) {
    this.#request = request;
    this.#call = call;
    this.#broker = broker;
    this.#session = session;
    this.#bytesMax = Math.max(0, Math.min(request.maxBytes, broker.config().fetchMaxBytes));
    this.#readRole = readRoleFor(broker, request.rackId);
    this.#wanted = session === null ? partitionsOf(request, this) : session.queue;
  }

  start(): void {
    this.#call.onGone = () => this.#end();
    this.#look();
  }

  /** A partition that is waited for has moved. */
  onPartitionChange(): void {
    this.wake();
  }

  wake(): void {
    if (this.#isWoken || !this.#isWaiting) return;
    this.#isWoken = true;
    if (this.#pause === null) queueMicrotask(() => this.#lookAgain());
  }

  hurry(): void {
    this.#isHurried = true;
    if (this.#isWaiting && !this.#isLooking && !this.#isOver) this.#answer();
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
    this.#bytes = 0;
    this.#diskBytes = 0;
    this.#isImmediate = this.#request.maxWaitMs <= 0 || (this.#session === null && this.#wanted.length === 0);
    this.#lookFrom(0);
  }

  /** Looks at the partitions from `at` on; one that must be read from disk holds it up until the disk has answered. */
  #lookFrom(at: number): void {
    for (let next = at; next < this.#wanted.length; next++) {
      const partition = this.#wanted[next]!;
      if (!partition.hasChanged && this.#answers[next]?.records.length === 0) continue;
      const result = this.#lookAt(partition, next);
      if (result === null) continue;
      result
        .catch((error: unknown) => this.#unreadable(partition, error))
        .then((answer) => this.#accept(next, answer))
        .then(() => this.#lookFrom(next + 1))
        .catch((error: unknown) => this.#fail(error));
      return;
    }
    this.#decide();
  }

  /** Looks at one partition; a promise when its records have to come from disk. */
  #lookAt(partition: FetchedPartition, at: number): Promise<PartitionAnswer> | null {
    const { index, leaderEpoch, fetchOffset } = partition;
    const isFirst = this.#bytes === 0;
    const isFull = !isFirst && (this.#bytes >= this.#bytesMax || this.#diskBytes >= DISK_BYTES_MAX);
    // A session tells of it when its turn comes.
    if (isFull && this.#session !== null) return this.#skip(at);
    partition.hasChanged = false;
    const found = findReplica(this.#broker, this.#topicOf(partition), { partition: index, leaderEpoch });
    if (found.kind === "refused") return this.#accept(at, this.#refusal(index, found.errorCode));
    const { replica, topic } = found;
    const { role } = replica;
    const isServed = role === "leader" || (role === "follower" && this.#readRole === "servesAsFollower");
    if (!isServed) return this.#accept(at, this.#refusal(index, kafkaErrors.NOT_LEADER_OR_FOLLOWER));
    if (this.#call.header.apiVersion < ZSTD_SINCE && this.#broker.topicConfig(topic).compressionType === "zstd") {
      return this.#accept(at, this.#refusal(index, kafkaErrors.UNSUPPORTED_COMPRESSION_TYPE));
    }
    this.#replicas[at] = replica;
    const elsewhere = this.#readRole === "sendsAway" ? this.#elsewhere(partition, topic, replica) : null;
    if (elsewhere !== null) return this.#accept(at, elsewhere);
    const divergence = this.#divergence(replica, partition);
    if (divergence !== null) return this.#accept(at, divergence);
    const room = Math.min(partition.bytesMax, this.#bytesMax - this.#bytes);
    if (isFull || (!isFirst && room <= 0)) return this.#accept(at, this.#boundsOnly(replica, partition));
    const result = replica.read(fetchOffset, {
      maxBytes: Math.max(1, room),
      diskBytesMax: DISK_BYTES_MAX,
      ofFollower: true,
      upTo: "highWatermark",
    });
    const limits = { room, isFirst };
    if (!isPromise(result)) return this.#accept(at, this.#answerOf(partition, result, limits));
    // What comes while the disk reads may be more than what it finds.
    partition.watch(replica);
    return result.then((read) => {
      const answer = this.#answerOf(partition, read, limits);
      this.#diskBytes += sizeOf(answer.records);
      if (!isWithoutRecord(answer.records)) this.#isImmediate = true;
      return answer;
    });
  }

  #topicOf({ topic, topicId }: FetchedPartition): TargetTopic {
    const hasIds = this.#call.header.apiVersion >= TOPIC_IDS_SINCE;
    return hasIds ? topicById(this.#broker, topicId) : topicByName(this.#broker, topic);
  }

  #skip(at: number): null {
    this.#answers[at] = undefined;
    return null;
  }

  #accept(at: number, answer: PartitionAnswer): null {
    this.#answers[at] = answer;
    if (!isWithoutRecord(answer.records)) this.#bytes += sizeOf(answer.records);
    if (answer.errorCode !== 0) this.#hasErrors = true;
    if (isObstacle(answer)) this.#isImmediate = true;
    else if (answer.records.length === 0) this.#watch(at);
    return null;
  }

  #watch(at: number): void {
    const partition = this.#wanted[at]!;
    const replica = this.#replicas[at];
    // One that moved during its look is looked at again anyway.
    if (replica !== undefined && !partition.hasChanged) partition.watch(replica);
  }

  #unreadable(partition: FetchedPartition, error: unknown): PartitionAnswer {
    const { index } = partition;
    const fields = { topic: this.#topicOf(partition).topic?.name, partition: index, error: String(error) };
    this.#broker.logger.error("records could not be read", fields);
    return this.#refusal(index, kafkaErrors.KAFKA_STORAGE_ERROR);
  }

  /** The client is sent to a follower in its rack; null when it is served here. */
  #elsewhere(partition: FetchedPartition, topic: TopicRow, replica: HostedReplica): PartitionAnswer | null {
    const { index, fetchOffset } = partition;
    const place = { rack: this.#request.rackId, listener: this.#call.listener, from: fetchOffset };
    const preferredReadReplica = preferredReplica(this.#broker, { topic, index, replica }, place);
    if (preferredReadReplica === null) return null;
    return { ...this.#marks(replica, index), preferredReadReplica, records: NO_RECORDS };
  }

  /** KIP-320: the client's last epoch ends here before the offset that it asks for, so its log has other records. */
  #divergence(replica: HostedReplica, partition: FetchedPartition): PartitionAnswer | null {
    const { lastFetchedEpoch, fetchOffset, index } = partition;
    if (lastFetchedEpoch < 0) return null;
    const end = replica.log.endOffsetFor(lastFetchedEpoch);
    if (end.epoch < 0 || end.endOffset < 0) return this.#refusal(index, kafkaErrors.OFFSET_OUT_OF_RANGE);
    if (end.epoch >= lastFetchedEpoch && end.endOffset >= fetchOffset) return null;
    return { ...this.#marks(replica, index), divergingEpoch: end, records: NO_RECORDS };
  }

  #answerOf(
    partition: FetchedPartition,
    read: ReadResult,
    { room, isFirst }: { room: number; isFirst: boolean },
  ): PartitionAnswer {
    if (read.kind === "refused") return this.#refusal(partition.index, read.errorCode);
    // Only the first partition may return more than there is room for.
    const fits = isFirst || sizeOf(read.chunks) <= room;
    return { ...this.#marks({ ...read, log: read }, partition.index), records: fits ? read.chunks : NO_RECORDS };
  }

  /** There is no room for records of this partition, but its bounds are checked and told. */
  #boundsOnly(replica: HostedReplica, { index, fetchOffset }: FetchedPartition): PartitionAnswer {
    const { log, role } = replica;
    if (fetchOffset < log.logStart) return this.#refusal(index, kafkaErrors.OFFSET_OUT_OF_RANGE);
    if (fetchOffset > log.logEnd) {
      const isKnown = role === "leader";
      return this.#refusal(index, isKnown ? kafkaErrors.OFFSET_OUT_OF_RANGE : kafkaErrors.OFFSET_NOT_AVAILABLE);
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
    const isDue = this.#isHurried || (this.#isWaiting && this.#deadline === null);
    const isEnough = this.#bytes >= this.#request.minBytes || this.#session?.isClosed === true;
    if (this.#isImmediate || isDue || isEnough) return this.#answer();
    // Those with too few records for an answer are waited for, too.
    for (let at = 0; at < this.#wanted.length; at++) this.#watch(at);
    this.#isWoken ||= this.#wanted.some(({ hasChanged }, at) => hasChanged && this.#answers[at] !== undefined);
    if (this.#isWaiting || this.#isWoken) {
      this.#pause ??= this.#broker.deadlines.after(WAKE_PAUSE_MS, () => {
        this.#pause = null;
        this.#lookAgain();
      });
    }
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#deadline = this.#broker.deadlines.after(this.#request.maxWaitMs, () => {
      this.#deadline = null;
      this.#isWoken = true;
      this.#lookAgain();
    });
  }

  #answer(): void {
    const isIncremental = this.#session !== null;
    const sessionId = this.#sessionId();
    const session = this.#session;
    const wanted = this.#wanted;
    const responses: TopicAnswer[] = [];
    for (let at = 0; at < wanted.length; at++) {
      const answer = this.#answers[at];
      if (answer === undefined) continue;
      const partition = wanted[at]!;
      if (session !== null && !partition.tell(answer) && isIncremental) continue;
      const { topic, topicId } = partition;
      const last = responses.at(-1);
      if (last?.topic === topic && last.topicId === topicId) last.partitions.push(answer);
      else responses.push({ topic, topicId, partitions: [answer] });
    }
    const nodeEndpoints = this.#hasErrors ? this.#hints() : NO_ENDPOINTS;
    this.#call.answer({ throttleTimeMs: 0, errorCode: 0, sessionId, responses, nodeEndpoints });
    if (session?.isClosed === false) session.settle(this.#answers);
    this.#end();
  }

  /** The session's that the client may go on with: of a request that named everything, one that begins with it. */
  #sessionId(): number {
    const { sessionEpoch } = this.#request;
    if (this.#session !== null) return this.#session.isClosed ? NO_SESSION : this.#session.id;
    const { apiVersion } = this.#call.header;
    if (apiVersion < SESSIONS_SINCE || sessionEpoch !== OPENING_EPOCH || this.#wanted.length === 0) return NO_SESSION;
    const hasTopicIds = apiVersion >= TOPIC_IDS_SINCE;
    this.#session = this.#broker.fetchSessions.open(this.#wanted, { hasTopicIds });
    return this.#session?.id ?? NO_SESSION;
  }

  /** Who leads instead. */
  #hints(): ReturnType<LeaderHints["endpoints"]> {
    if (this.#call.header.apiVersion < HINTS_SINCE) return [];
    const hints = new LeaderHints(this.#broker, this.#call.listener);
    for (const [at, answer] of this.#answers.entries()) {
      if (answer === undefined || answer.errorCode === 0) continue;
      const partition = this.#wanted[at]!;
      answer.currentLeader = hints.leaderFor(answer.errorCode, this.#topicOf(partition).topic, partition.index);
    }
    return hints.endpoints();
  }

  #fail(error: unknown): void {
    this.#end();
    this.#call.fail(error);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#deadline?.cancel();
    this.#pause?.cancel();
    const session = this.#session;
    if (session === null || session.isClosed) for (const partition of this.#wanted) partition.unwatch();
    session?.release();
  }
}

function partitionsOf({ topics }: FetchRequest, owner: PartitionOwner): FetchedPartition[] {
  const partitions: FetchedPartition[] = [];
  for (const topic of topics) {
    for (const wish of topic.partitions) partitions.push(new FetchedPartition(topic, wish, owner));
  }
  return partitions;
}

/** A request that names what is different from the one before it in its session. */
function fetchOn(
  session: FetchSession,
  request: FetchRequest,
  on: { call: Call<FetchResponse>; broker: BrokerContext },
) {
  const { call, broker } = on;
  const refuse = (errorCode: number): void =>
    call.answer({ throttleTimeMs: 0, errorCode, sessionId: NO_SESSION, responses: [] });
  if (session.isClosed) return refuse(kafkaErrors.FETCH_SESSION_ID_NOT_FOUND);
  if (session.epoch !== request.sessionEpoch) return refuse(kafkaErrors.INVALID_FETCH_SESSION_EPOCH);
  if (session.hasTopicIds !== call.header.apiVersion >= TOPIC_IDS_SINCE) {
    return refuse(kafkaErrors.FETCH_SESSION_TOPIC_ID_ERROR);
  }
  const outcome = broker.fetchSessions.update(session, request);
  // Without anything to fetch there is nothing to wait for; without room the client begins anew.
  if (outcome === "empty") return refuse(kafkaErrors.NONE);
  if (outcome === "full") return refuse(kafkaErrors.FETCH_SESSION_ID_NOT_FOUND);
  const fetching = new Fetching(request, { call, broker, session });
  broker.fetchSessions.use(session, fetching);
  fetching.start();
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

export const fetchHandler = handler(fetch, { served: { min: 4, max: 17 } }, (request, call, broker) => {
  const { sessionId, sessionEpoch } = request;
  const { fetchSessions } = broker;
  const session = sessionId === NO_SESSION ? undefined : fetchSessions.get(sessionId);
  if (sessionEpoch === OPENING_EPOCH || sessionEpoch === CLOSING_EPOCH) {
    if (session !== undefined) fetchSessions.close(session);
    return new Fetching(request, { call, broker, session: null }).start();
  }
  if (session === undefined) {
    const errorCode = kafkaErrors.FETCH_SESSION_ID_NOT_FOUND;
    return call.answer({ throttleTimeMs: 0, errorCode, sessionId: NO_SESSION, responses: [] });
  }
  session.whenFree(() => {
    if (call.isOpen) fetchOn(session, request, { call, broker });
  });
});
