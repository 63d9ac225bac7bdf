import type { BrokerId, LeaderEpoch, Offset, PartitionIndex, TimestampMs } from "../base/ids.ts";
import type { TopicConfig } from "../contract/config-values.ts";
import type { TopicRow } from "../contract/rows.ts";
import { produce, type ProduceRequest, type ProduceResponse } from "../wire/apis/00-produce.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import type { Compression } from "../wire/compression-in-threads.ts";
import { compressionCodecs, compressionOf, isTransactional } from "../wire/record-batch.ts";
import { type BatchFault, type BatchLimits, validateBatch } from "../wire/record-batch-validation.ts";
import { recompress } from "../wire/recompression.ts";
import type { BrokerContext } from "./context.ts";
import { type Call, handler } from "./handler.ts";
import { isInternalTopic } from "./internal-topics.ts";
import { findLeader, LeaderHints, topicByName } from "./leaders.ts";
import type { HostedReplica } from "./replicas.ts";
import { storedCompression } from "./stored-compression.ts";

/*
 * Produce: 3–11 (0–2 are advertised, as by Kafka, because old versions of librdkafka look for them; they are refused).
 *
 * Behaviour: each partition's one batch is checked (size, magic, CRC, header; uncompressed records in place) and
 * appended in the turn in which the request came; the answer waits for the acks. acks=0 has no answer: an error closes
 * the connection. Who leads instead is told in v10 and later (KIP-951).
 *
 * Internal topics are not written to by clients: INVALID_TOPIC_EXCEPTION.
 *
 * Where `compression.type` demands another codec than a batch has, the batch is compressed anew in another thread, and
 * the connection's next request waits for it, so that order holds. At most two at a time on one broker: each may open
 * to 128 MiB.
 *
 * Left out: transactions. A transactional id or batch is refused with INVALID_TXN_STATE. Bodies of compressed batches
 * that are stored as they came are opened where the topic is compacted, for then every record needs a key
 * (INVALID_RECORD, the record named); otherwise their count is believed, as consumers will check it.
 */

type Acks = -1 | 0 | 1;

interface PartitionAnswer {
  index: PartitionIndex;
  errorCode: number;
  baseOffset: Offset;
  logAppendTimeMs: TimestampMs;
  logStartOffset: Offset;
  recordErrors: { batchIndex: number; batchIndexErrorMessage: string | null }[];
  errorMessage: string | null;
  currentLeader: { leaderId: BrokerId; leaderEpoch: LeaderEpoch } | undefined;
}

interface TopicAnswer {
  readonly name: string;
  readonly partitionResponses: PartitionAnswer[];
}

const NO_OFFSET = -1 as Offset;
const NO_TIMESTAMP = -1 as TimestampMs;
/** First version whose clients can read zstd. */
const ZSTD_SINCE = 7;
const NO_RECORD_ERRORS: PartitionAnswer["recordErrors"] = [];

function newAnswer(index: PartitionIndex): PartitionAnswer {
  return {
    index,
    errorCode: 0,
    baseOffset: NO_OFFSET,
    logAppendTimeMs: NO_TIMESTAMP,
    logStartOffset: NO_OFFSET,
    recordErrors: NO_RECORD_ERRORS,
    errorMessage: null,
    currentLeader: undefined,
  };
}

/** A sound batch on its way to its partition. */
interface Incoming {
  readonly replica: HostedReplica;
  readonly batch: Uint8Array;
  readonly config: TopicConfig;
  readonly limits: BatchLimits;
  readonly answer: PartitionAnswer;
}

/** One produce request under way. */
class Production {
  readonly #request: ProduceRequest;
  readonly #call: Call<ProduceResponse>;
  readonly #broker: BrokerContext;
  #nowMs: number;
  readonly #responses: TopicAnswer[] = [];
  /** What is to be compressed otherwise before it is appended. */
  readonly #others: (Incoming & { readonly compression: Compression })[] = [];
  /** Partitions that are not answered yet, and 1 for the loop over them. */
  #open = 1;

  constructor(request: ProduceRequest, call: Call<ProduceResponse>, broker: BrokerContext) {
    this.#request = request;
    this.#call = call;
    this.#broker = broker;
    this.#nowMs = broker.clock.now();
  }

  /** A promise when the connection's next request has to wait. */
  start(): void | Promise<void> {
    const { acks, transactionalId, topicData } = this.#request;
    const general = generalError(acks, transactionalId);
    for (const { name, partitionData } of topicData) {
      const response: TopicAnswer = { name, partitionResponses: [] };
      this.#responses.push(response);
      const target = topicByName(this.#broker, name);
      const problem = isInternalTopic(name) ? kafkaErrors.INVALID_TOPIC_EXCEPTION : general;
      for (const { index, records } of partitionData) {
        const answer = newAnswer(index);
        response.partitionResponses.push(answer);
        if (problem !== 0) {
          answer.errorCode = problem;
          continue;
        }
        const found = findLeader(this.#broker, target, { partition: index, leaderEpoch: -1 as LeaderEpoch });
        if (found.kind === "refused") answer.errorCode = found.errorCode;
        else this.#checkAndAppend(found.replica, target.topic!, { records, answer });
      }
    }
    this.#settle();
    return this.#others.length === 0 ? undefined : this.#appendOthers();
  }

  #checkAndAppend(
    replica: HostedReplica,
    topic: TopicRow,
    of: { records: Uint8Array | null; answer: PartitionAnswer },
  ): void {
    const { records, answer } = of;
    const config = this.#broker.topicConfig(topic);
    const batch = records ?? NO_BYTES;
    const limits = this.#limitsOf(config);
    if (!this.#isSound(batch, limits, answer)) return;
    this.#open++;
    const compression = storedCompression(batch, config);
    const incoming = { replica, batch, config, limits, answer };
    if (compression === null) this.#appendFitting(incoming);
    // The request's memory may be the socket's, good for this turn only.
    else this.#others.push({ ...incoming, batch: new Uint8Array(batch), compression });
  }

  #limitsOf(config: TopicConfig): BatchLimits {
    const hasOwnTime = config.timestampType === "CreateTime";
    return {
      maxBatchBytes: config.maxMessageBytes,
      requiresKeys: config.isCompacted,
      timestampMin: hasOwnTime ? this.#nowMs - config.timestampBeforeMaxMs : Number.NEGATIVE_INFINITY,
      timestampMax: hasOwnTime ? this.#nowMs + config.timestampAfterMaxMs : Number.POSITIVE_INFINITY,
    };
  }

  /** False when the batch is refused; `answer` says why. */
  #isSound(batch: Uint8Array, limits: BatchLimits, answer: PartitionAnswer): boolean {
    const fault = validateBatch(batch, limits);
    if (fault !== undefined) {
      sayFault(fault, answer);
    } else if (isTransactional(batch, 0)) {
      answer.errorCode = kafkaErrors.INVALID_TXN_STATE;
      answer.errorMessage = NO_TRANSACTIONS;
    } else if (this.#call.header.apiVersion < ZSTD_SINCE && compressionOf(batch, 0) === compressionCodecs.zstd) {
      answer.errorCode = kafkaErrors.UNSUPPORTED_COMPRESSION_TYPE;
      answer.errorMessage = `zstd needs version ${ZSTD_SINCE} of Produce`;
    }
    return answer.errorCode === 0;
  }

  /** One after the other: of a request no more than one batch is open at a time. */
  async #appendOthers(): Promise<void> {
    for (const other of this.#others) {
      const result = await this.#broker.recompressions.pass(async () =>
        this.#isWanted() ? await recompress(other.batch, other.compression, other.limits) : null,
      );
      if (result === null) return;
      this.#nowMs = this.#broker.clock.now();
      if (result.kind === "batch") this.#appendFitting({ ...other, batch: result.bytes });
      else {
        sayFault(result.fault, other.answer);
        this.#end(other.answer, result.fault.code);
      }
    }
  }

  /** A client that is gone retries elsewhere; only acks=0 promised nothing and expects it to be done. */
  #isWanted(): boolean {
    return this.#request.acks === 0 || this.#call.isOpen;
  }

  #appendFitting({ replica, batch, config, answer }: Incoming): void {
    if (batch.length <= config.segmentBytes) return this.#append(replica, batch, answer);
    answer.errorMessage = `record batch of ${batch.length} bytes; a segment takes ${config.segmentBytes}`;
    this.#end(answer, kafkaErrors.RECORD_LIST_TOO_LARGE);
  }

  #append(replica: HostedReplica, batch: Uint8Array, answer: PartitionAnswer): void {
    const acks = this.#request.acks as Acks;
    const result = replica.append(batch, { acks, nowMs: this.#nowMs });
    switch (result.kind) {
      case "held": {
        // The request's memory may be the socket's, good for this turn only.
        const kept = new Uint8Array(batch);
        return replica.whenReleased(() => {
          if (this.#isWanted()) this.#append(replica, kept, answer);
        });
      }
      case "refused":
        return this.#end(answer, result.errorCode);
      default: {
        answer.baseOffset = result.baseOffset;
        answer.logAppendTimeMs = result.logAppendTimeMs as TimestampMs;
        answer.logStartOffset = result.logStart;
        if (acks === 0) return this.#end(answer, 0);
        const options = { timeoutMs: Math.max(0, this.#request.timeoutMs) };
        const done = (errorCode: number): void => this.#end(answer, errorCode);
        if (acks === 1) replica.whenWritten(result.lastOffset, options, done);
        else replica.whenCommitted(result.lastOffset, options, done);
      }
    }
  }

  #end(answer: PartitionAnswer, errorCode: number): void {
    if (errorCode !== 0) {
      answer.errorCode = errorCode;
      answer.baseOffset = NO_OFFSET;
      answer.logAppendTimeMs = NO_TIMESTAMP;
      answer.logStartOffset = NO_OFFSET;
    }
    this.#settle();
  }

  /** Answers once every partition has its outcome. */
  #settle(): void {
    if (--this.#open > 0) return;
    const { acks } = this.#request;
    const partitions = this.#responses.flatMap(({ partitionResponses }) => partitionResponses);
    const hasError = partitions.some(({ errorCode }) => errorCode !== 0);
    if (acks === 0) return hasError ? this.#call.close() : this.#call.answerNothing();
    this.#call.answer({
      responses: this.#responses,
      throttleTimeMs: 0,
      nodeEndpoints: hasError && this.#call.header.apiVersion >= HINTS_SINCE ? this.#addHints() : [],
    });
  }

  #addHints(): ReturnType<LeaderHints["endpoints"]> {
    const hints = new LeaderHints(this.#broker, this.#call.listener);
    for (const { name, partitionResponses } of this.#responses) {
      const { topic } = topicByName(this.#broker, name);
      for (const answer of partitionResponses) {
        answer.currentLeader = hints.leaderFor(answer.errorCode, topic, answer.index);
      }
    }
    return hints.endpoints();
  }
}

const HINTS_SINCE = 10;
const NO_BYTES = new Uint8Array(0);
const NO_TRANSACTIONS = "transactions are not served by this cluster";

function sayFault({ code, message, recordIndex }: BatchFault, answer: PartitionAnswer): void {
  answer.errorCode = code;
  answer.errorMessage = message;
  if (recordIndex !== undefined) {
    answer.recordErrors = [{ batchIndex: recordIndex, batchIndexErrorMessage: message }];
  }
}

function generalError(acks: number, transactionalId: string | null): number {
  if (acks !== -1 && acks !== 0 && acks !== 1) return kafkaErrors.INVALID_REQUIRED_ACKS;
  return transactionalId === null ? 0 : kafkaErrors.INVALID_TXN_STATE;
}

export const produceHandler = handler(
  produce,
  { served: { min: 3, max: 11 }, advertised: { min: 0, max: 11 } },
  (request, call, broker) => new Production(request, call, broker).start(),
);
