import { sleep } from "../../base/clock.ts";
import type { Logger } from "../../base/logging.ts";
import type { BrokerId, Offset, PartitionIndex, TopicId } from "../../base/ids.ts";
import { NO_EPOCH } from "../../base/ids.ts";
import type { TopicRow } from "../../contract/rows.ts";
import { OFFSETS_TOPIC, partitionFor } from "../../groups/coordinator.ts";
import type { BrokerContext } from "../../handlers/context.ts";
import type { Asked } from "../../peers/peer-link.ts";
import type { Peers } from "../../peers/peers.ts";
import { offsetCommit } from "../../wire/apis/08-offset-commit.ts";
import { offsetFetch } from "../../wire/apis/09-offset-fetch.ts";
import { isRetriableCode, kafkaErrorName, kafkaErrors } from "../../wire/error-codes.ts";
import { leaderOf } from "./leaders.ts";
import { badRequest, conflict, KAFKA_ERROR, Refusal, tryAgain } from "./refusal.ts";

const PATIENCE_MS = 10_000;
const PAUSE_MS = 100;
const NOTHING_COMMITTED = -1;
/** Of commits, which wait for in-sync replicas. */
const COMMIT_LANE = "commit";

/**
 * The committed offsets of one group for one topic, as a consumer without a membership has them: it commits as long as
 * the group has no members of its own (KIP-211's "simple consumer").
 */
export class GroupOffsets {
  readonly #broker: BrokerContext;
  readonly #peers: Peers;
  readonly #logger: Logger;
  readonly #group: string;
  readonly #topic: TopicRow;
  readonly #partitions: readonly number[];
  /** What is committed, as far as this reader knows. */
  #committed: readonly number[] = [];
  #running: Promise<void> | null = null;

  constructor(
    { broker, peers, logger }: { broker: BrokerContext; peers: Peers; logger: Logger },
    { group, topic, partitions }: { group: string; topic: TopicRow; partitions: readonly number[] },
  ) {
    this.#broker = broker;
    this.#peers = peers;
    this.#logger = logger;
    this.#group = group;
    this.#topic = topic;
    this.#partitions = partitions;
  }

  /** In the order of the partitions; null where nothing was committed. */
  async read(): Promise<readonly (number | null)[] | Refusal> {
    const offsets = new Map<number, number>();
    const refused = await this.#untilDone(async (coordinator) => {
      const asked = await this.#askToFetch(coordinator);
      if (asked.kind !== "answered") return kafkaErrors.COORDINATOR_NOT_AVAILABLE;
      const [group] = asked.body.groups ?? [];
      for (const { partitionIndex, committedOffset } of group?.topics[0]?.partitions ?? []) {
        offsets.set(partitionIndex, committedOffset);
      }
      return group?.errorCode ?? 0;
    });
    if (refused !== null) return refused;
    return this.#partitions.map((partition) => {
      const offset = offsets.get(partition) ?? NOTHING_COMMITTED;
      return offset === NOTHING_COMMITTED ? null : offset;
    });
  }

  /** Null once it is on every in-sync replica. */
  async commit(positions: readonly number[]): Promise<Refusal | null> {
    const offsets = [...positions];
    const refused = await this.#untilDone(async (coordinator) => {
      const asked = await this.#askToCommit(coordinator, offsets);
      if (asked.kind !== "answered") return kafkaErrors.COORDINATOR_NOT_AVAILABLE;
      const answers = asked.body.topics[0]?.partitions ?? [];
      return answers.find(({ errorCode }) => errorCode !== 0)?.errorCode ?? 0;
    });
    if (refused === null) this.#committed = offsets;
    return refused;
  }

  /** Commits beside the reading, one commit at a time. One that fails is logged; the next says more anyway. */
  commitLater(positions: readonly number[]): void {
    const isNews = positions.some((offset, index) => offset !== this.#committed[index]);
    if (!isNews || this.#running !== null) return;
    this.#running = this.commit(positions).then((refused) => {
      this.#running = null;
      if (refused === null) return;
      const fields = { group: this.#group, topic: this.#topic.name, why: refused.message };
      this.#logger.warn("offsets of a reader over HTTP could not be committed", fields);
    });
  }

  /** The last commit of a reader: after those that are under way. */
  async commitLast(positions: readonly number[]): Promise<Refusal | null> {
    await this.#running;
    return this.commit(positions);
  }

  /** Asks the group's coordinator, whoever that is by now, until it answers with something that will last. */
  async #untilDone(ask: (coordinator: BrokerId) => Promise<number>): Promise<Refusal | null> {
    const endMs = this.#broker.clock.monotonic() + PATIENCE_MS;
    for (;;) {
      const coordinator = await this.#coordinator();
      const errorCode = typeof coordinator === "number" ? await ask(coordinator) : coordinator.errorCode;
      if (errorCode === 0) return null;
      if (!isRetriableCode(errorCode)) return refusalOf(errorCode, this.#group);
      if (this.#broker.clock.monotonic() >= endMs) {
        return tryAgain(`the group's coordinator cannot be asked now: ${kafkaErrorName(errorCode)}`);
      }
      await sleep(this.#broker.clock, PAUSE_MS);
    }
  }

  async #coordinator(): Promise<BrokerId | { readonly errorCode: number }> {
    const { image, offsetsTopic } = this.#broker;
    if (image.topicByName(OFFSETS_TOPIC) === undefined) {
      const errorCode = await offsetsTopic.create(this.#broker);
      if (errorCode !== 0) return { errorCode: kafkaErrors.COORDINATOR_NOT_AVAILABLE };
    }
    const topic = image.topicByName(OFFSETS_TOPIC);
    if (topic === undefined) return { errorCode: kafkaErrors.COORDINATOR_NOT_AVAILABLE };
    const partition = partitionFor(this.#group, image.partitions(topic.topicId).length);
    const leader = leaderOf(this.#broker, topic.topicId, partition);
    return typeof leader === "number" ? leader : { errorCode: kafkaErrors.COORDINATOR_NOT_AVAILABLE };
  }

  #askToFetch(coordinator: BrokerId): Promise<Asked<Parameters<(typeof offsetFetch)["writeResponse"]>[2]>> {
    const topics = [{ name: this.#topic.name, topicId: this.#topic.topicId, partitionIndexes: [...this.#partitions] }];
    const groups = [{ groupId: this.#group, memberId: null, memberEpoch: -1, topics }];
    return this.#peers.ask(coordinator, {
      api: offsetFetch,
      version: 8,
      timeoutMs: PATIENCE_MS,
      body: { groupId: "", topics: [], groups, requireStable: true },
    });
  }

  #askToCommit(
    coordinator: BrokerId,
    positions: readonly number[],
  ): Promise<Asked<Parameters<(typeof offsetCommit)["writeResponse"]>[2]>> {
    const partitions = this.#partitions.map((partition, index) => ({
      partitionIndex: partition as PartitionIndex,
      committedOffset: positions[index]! as Offset,
      committedLeaderEpoch: NO_EPOCH,
      committedMetadata: "",
    }));
    return this.#peers.ask(coordinator, {
      api: offsetCommit,
      version: 8,
      timeoutMs: PATIENCE_MS,
      lane: COMMIT_LANE,
      body: {
        groupId: this.#group,
        generationIdOrMemberEpoch: -1,
        memberId: "",
        groupInstanceId: null,
        retentionTimeMs: -1,
        topics: [{ name: this.#topic.name, topicId: this.#topic.topicId as TopicId, partitions }],
      },
    });
  }
}

function refusalOf(errorCode: number, group: string): Refusal {
  const name = kafkaErrorName(errorCode);
  switch (errorCode) {
    case kafkaErrors.INVALID_GROUP_ID:
      return badRequest(`group ${JSON.stringify(group)} is no name of a group`);
    case kafkaErrors.UNKNOWN_MEMBER_ID:
    case kafkaErrors.ILLEGAL_GENERATION:
    case kafkaErrors.REBALANCE_IN_PROGRESS:
      return conflict("the group has members, which commit for it; take another group");
    default:
      return new Refusal({ status: 500, errorCode: KAFKA_ERROR }, `the group's offsets: ${name}`);
  }
}
