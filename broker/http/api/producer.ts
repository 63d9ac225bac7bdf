import { type Clock, sleep } from "../../base/clock.ts";
import type { BrokerId, PartitionIndex } from "../../base/ids.ts";
import type { TopicRow } from "../../contract/rows.ts";
import type { BrokerContext } from "../../handlers/context.ts";
import type { Peers } from "../../peers/peers.ts";
import { produce } from "../../wire/apis/00-produce.ts";
import { isRetriableCode, kafkaErrorName, kafkaErrors } from "../../wire/error-codes.ts";
import type { RecordBatchWriter } from "../../wire/record-batch-writer.ts";
import { leaderOf, unlessMoved } from "./leaders.ts";
import type { BatchOutcome, ProduceDraft } from "./produce-draft.ts";

/** Batches of one partition that may be under way at once, each in a session of its own; others wait their turn. */
const SESSIONS_PER_PARTITION = 8;
const PRODUCE_VERSION = 11;
/** Who waits for in-sync replicas holds up those only who wait for them, too. */
const LANE = "produce";
/** How long a leader may wait for its in-sync replicas. */
const ACKS_MS_MAX = 10_000;
const ANSWER_MS_MAX = ACKS_MS_MAX + 5000;
/** How long a batch is tried, whoever leads meanwhile. */
const DELIVERY_MS = 20_000;
const PAUSE_MS = 50;

/** An idempotent producer's numbers for one partition: one batch at a time. */
interface Session {
  /** −1 until it has one. */
  id: number;
  sequence: number;
}

interface Place {
  readonly topic: TopicRow;
  readonly partition: number;
}

/** The sessions of one partition, and who waits for one. */
interface Pool {
  readonly idle: Session[];
  readonly waiting: ((session: Session) => void)[];
  made: number;
}

type Attempt =
  | { readonly kind: "done"; readonly outcome: BatchOutcome }
  | {
      readonly kind: "again";
      readonly why: string;
      readonly mayHaveAppended: boolean;
      /** The leader knows nothing of the session: a fresh one begins. */
      readonly isSessionUnknown?: true;
    };

const failed = (why: string, isRetriable: boolean): BatchOutcome => ({
  kind: "failed",
  isRetriable,
  message: why,
});

/**
 * Appends what HTTP brings, with acks=all. A batch is an idempotent producer's: it is sent again when its leader moves
 * or an answer is lost, and is there once all the same. Between requests there is no order but that of who waits for
 * whom: they run side by side.
 */
export class Producer {
  readonly #clock: Clock;
  readonly #broker: BrokerContext;
  readonly #peers: Peers;
  readonly #pools = new Map<string, Pool>();

  constructor({ broker, peers }: { broker: BrokerContext; peers: Peers }) {
    this.#clock = broker.clock;
    this.#broker = broker;
    this.#peers = peers;
  }

  /** Has a block of ids handed out while a controller can be asked: it may be gone when the first records come. */
  async prepare(): Promise<void> {
    await this.#broker.producerIds.take();
  }

  /** Sends every batch of a draft; resolves when each has its outcome. */
  async send(topic: TopicRow, draft: ProduceDraft): Promise<ReadonlyMap<RecordBatchWriter, BatchOutcome>> {
    const outcomes = new Map<RecordBatchWriter, BatchOutcome>();
    const sends = [...draft.batches].map(([partition, batches]) =>
      this.#sendInOrder({ topic, partition }, batches, outcomes),
    );
    await Promise.all(sends);
    return outcomes;
  }

  async #sendInOrder(
    place: Place,
    batches: readonly RecordBatchWriter[],
    outcomes: Map<RecordBatchWriter, BatchOutcome>,
  ): Promise<void> {
    const pool = this.#pool(place);
    const session = await this.#takeSession(pool);
    let given: BatchOutcome | null = null;
    for (const batch of batches) {
      const outcome: BatchOutcome = given ?? (await this.#deliver(place, { session, batch }));
      outcomes.set(batch, outcome);
      // What comes after a batch of unknown whereabouts would stand before it, were that sent again.
      if (outcome.kind === "failed" && outcome.isRetriable) given = failed("not sent: a batch before it failed", true);
    }
    this.#release(pool, session);
    if (this.#broker.image.topic(place.topic.topicId) === undefined) this.#pools.delete(keyOf(place));
  }

  async #deliver(
    place: Place,
    { session, batch }: { session: Session; batch: RecordBatchWriter },
  ): Promise<BatchOutcome> {
    const endMs = this.#clock.monotonic() + DELIVERY_MS;
    let isUnsure = false;
    for (;;) {
      const attempt = await this.#attempt(place, { session, batch, isUnsure });
      if (attempt.kind === "done") {
        if (isUnsure && attempt.outcome.kind === "failed") forget(session);
        return attempt.outcome;
      }
      isUnsure ||= attempt.mayHaveAppended;
      if (attempt.isSessionUnknown) forget(session);
      if (this.#clock.monotonic() >= endMs) {
        // Its sequence may be used up or not: the next batch begins a session that knows nothing of it.
        if (isUnsure) forget(session);
        return failed(isUnsure ? `${attempt.why}; it may have been appended` : attempt.why, true);
      }
      await sleep(this.#clock, PAUSE_MS);
    }
  }

  async #attempt(
    place: Place,
    { session, batch, isUnsure }: { session: Session; batch: RecordBatchWriter; isUnsure: boolean },
  ): Promise<Attempt> {
    const leader = leaderOf(this.#broker, place.topic.topicId, place.partition);
    if (leader === "gone") return { kind: "done", outcome: failed("the topic or partition is gone", false) };
    if (leader === null) return again("its partition has no leader", false);
    if (!(await this.#hasId(session))) return again("no controller can be asked for a producer id", false);
    const records = batch.batch({ producer: { id: session.id, epoch: 0, baseSequence: session.sequence } });
    const answer = await this.#produce(leader, place, records);
    switch (answer.kind) {
      case "unsent":
        return again("its leader cannot be reached", false);
      case "lost":
        return again("its leader did not answer", true);
      case "answered": {
        if (answer.errorCode === 0) {
          session.sequence = (session.sequence + batch.count) % 0x8000_0000;
          return { kind: "done", outcome: { kind: "appended", baseOffset: answer.baseOffset } };
        }
        return judged(answer, isUnsure);
      }
    }
  }

  async #produce(
    leader: BrokerId,
    { topic, partition }: Place,
    records: Buffer,
  ): Promise<
    | { kind: "unsent" | "lost" }
    | { kind: "answered"; errorCode: number; errorMessage: string | null; baseOffset: number }
  > {
    const asking = this.#peers.ask(leader, {
      api: produce,
      version: PRODUCE_VERSION,
      timeoutMs: ANSWER_MS_MAX,
      lane: LANE,
      body: {
        transactionalId: null,
        acks: -1,
        timeoutMs: ACKS_MS_MAX,
        topicData: [
          {
            name: topic.name,
            topicId: topic.topicId,
            partitionData: [{ index: partition as PartitionIndex, records }],
          },
        ],
      },
    });
    const asked = await unlessMoved(this.#broker, { topic: topic.topicId, partition, leader }, asking);
    if (asked.kind !== "answered") return asked;
    const [answer] = asked.body.responses[0]?.partitionResponses ?? [];
    if (answer === undefined) return { kind: "lost" };
    const { errorCode, errorMessage = null, baseOffset } = answer;
    return { kind: "answered", errorCode, errorMessage, baseOffset };
  }

  async #hasId(session: Session): Promise<boolean> {
    if (session.id >= 0) return true;
    const id = await this.#broker.producerIds.take();
    if (id === null) return false;
    session.id = id;
    session.sequence = 0;
    return true;
  }

  #pool(place: Place): Pool {
    const key = keyOf(place);
    let pool = this.#pools.get(key);
    if (pool === undefined) {
      pool = { idle: [], waiting: [], made: 0 };
      this.#pools.set(key, pool);
    }
    return pool;
  }

  #takeSession(pool: Pool): Session | Promise<Session> {
    const idle = pool.idle.pop();
    if (idle !== undefined) return idle;
    if (pool.made < SESSIONS_PER_PARTITION) {
      pool.made++;
      return { id: -1, sequence: 0 };
    }
    return new Promise((resolve) => pool.waiting.push(resolve));
  }

  #release(pool: Pool, session: Session): void {
    const next = pool.waiting.shift();
    if (next === undefined) pool.idle.push(session);
    else next(session);
  }
}

const keyOf = ({ topic, partition }: Place): string => `${topic.topicId} ${partition}`;

const again = (why: string, mayHaveAppended: boolean): Attempt => ({ kind: "again", why, mayHaveAppended });

function forget(session: Session): void {
  session.id = -1;
}

/** Errors by which a leader says that it does not know the session as it is continued. */
const SESSION_ERRORS: ReadonlySet<number> = new Set([
  kafkaErrors.OUT_OF_ORDER_SEQUENCE_NUMBER,
  kafkaErrors.INVALID_PRODUCER_EPOCH,
  kafkaErrors.UNKNOWN_PRODUCER_ID,
]);
/** Retriable errors that come before anything is appended. */
const NOTHING_APPENDED: ReadonlySet<number> = new Set([
  kafkaErrors.NOT_ENOUGH_REPLICAS,
  kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION,
  kafkaErrors.LEADER_NOT_AVAILABLE,
  kafkaErrors.FENCED_LEADER_EPOCH,
]);

function judged(
  { errorCode, errorMessage }: { errorCode: number; errorMessage: string | null },
  isUnsure: boolean,
): Attempt {
  const why = errorMessage === null ? kafkaErrorName(errorCode) : `${kafkaErrorName(errorCode)}: ${errorMessage}`;
  if (SESSION_ERRORS.has(errorCode)) {
    if (!isUnsure) return { kind: "again", why, mayHaveAppended: false, isSessionUnknown: true };
    return { kind: "done", outcome: failed(`${why}; it may have been appended`, true) };
  }
  if (isRetriableCode(errorCode)) return again(why, !NOTHING_APPENDED.has(errorCode));
  return { kind: "done", outcome: failed(why, false) };
}
