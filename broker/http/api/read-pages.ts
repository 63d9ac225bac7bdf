import type { TopicRow } from "../../contract/rows.ts";
import type { Exchange, Reply } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import { GroupOffsets } from "./group-offsets.ts";
import { EARLIEST, LATEST, offsetsAt } from "./leaders.ts";
import { eventQuery, type ReadQuery, type ReadStart, recordQuery } from "./read-query.ts";
import type { ReaderPlan } from "./reader.ts";
import { eventStyle, lineStyle, positionsIn, type ReaderPlace } from "./reader-style.ts";
import { badRequest, isRefusal, type Refusal, tryAgain } from "./refusal.ts";
import { partitionNamed, topicNamed } from "./topics.ts";

/** The id of an event names an offset of each. */
const PARTITIONS_MAX = 100;

interface Asked {
  readonly topic: TopicRow;
  readonly query: ReadQuery;
  readonly isWhole: boolean;
  readonly partitions: readonly number[];
}

/** Server-sent events: what comes, from the end on unless asked otherwise. */
export async function streamEvents(gateway: Gateway, { query, params, request, response }: Exchange): Promise<Reply> {
  const asked = askedFor(gateway, params["topic"]!, eventQuery(query));
  if (isRefusal(asked)) return asked;
  const header = request.headers["last-event-id"];
  const lastId = (Array.isArray(header) ? header[0] : header) ?? asked.query.lastEventId ?? "";
  const resumed = lastId === "" ? null : positionsIn(lastId, asked);
  if (resumed === null && lastId !== "") return badRequest("Last-Event-ID is no id of this stream's events");
  const begun = await begin(gateway, asked, { resumed, byDefault: { kind: "end" } });
  if (isRefusal(begun)) return begun;
  const plan: ReaderPlan = { ...begun, style: eventStyle, limit: asked.query.limit, ends: null };
  return open(gateway, response, { asked, plan });
}

/** Lines of JSON: what is there, and with `follow` what comes. */
export async function streamRecords(gateway: Gateway, { query, params, response }: Exchange): Promise<Reply> {
  const asked = askedFor(gateway, params["topic"]!, recordQuery(query));
  if (isRefusal(asked)) return asked;
  const begun = await begin(gateway, asked, { resumed: null, byDefault: { kind: "beginning" } });
  if (isRefusal(begun)) return begun;
  const ends = asked.query.follows ? null : await offsetsAt(gateway, { ...asked, timestamp: LATEST });
  if (isRefusal(ends)) return ends;
  const plan: ReaderPlan = { ...begun, style: lineStyle, limit: asked.query.limit, ends };
  return open(gateway, response, { asked, plan });
}

function open(
  { readers }: Gateway,
  response: Exchange["response"],
  { asked: { topic, query }, plan }: { asked: Asked; plan: ReaderPlan },
): Reply {
  if (readers.isFull) return tryAgain("this broker has as many readers as it takes; try another one");
  // The client may have gone while offsets were looked up.
  if (!response.destroyed) readers.open(response, { topic, format: query.format, plan });
  return null;
}

function askedFor({ broker }: Gateway, name: string, query: ReadQuery | Refusal): Asked | Refusal {
  const topic = topicNamed(broker, name);
  if (isRefusal(topic) || isRefusal(query)) return isRefusal(topic) ? topic : (query as Refusal);
  const all = broker.image.partitions(topic.topicId).map(({ partition }) => partition);
  if (query.partition === null) {
    if (all.length > PARTITIONS_MAX) {
      return badRequest(`the topic has more than ${PARTITIONS_MAX} partitions; read them one by one with partition=`);
    }
    return { topic, query, isWhole: true, partitions: all };
  }
  const partition = partitionNamed(broker, topic, query.partition);
  return isRefusal(partition) ? partition : { topic, query, isWhole: false, partitions: [partition] };
}

/** Where reading begins: where the client was, what its group committed, what it asks for, or the page's default. */
async function begin(
  gateway: Gateway,
  asked: Asked,
  { resumed, byDefault }: { resumed: readonly number[] | null; byDefault: ReadStart },
): Promise<Pick<ReaderPlan, "place" | "group"> | Refusal> {
  const { topic, query, isWhole, partitions } = asked;
  const group = query.group === null ? null : new GroupOffsets(gateway, { group: query.group, topic, partitions });
  const committed = group === null ? null : await group.read();
  if (isRefusal(committed)) return committed;
  const from = resumed ?? (await offsetsFrom(gateway, asked, query.start ?? byDefault));
  if (isRefusal(from)) return from;
  const isAsked = resumed !== null || query.start !== null;
  const positions = from.map((offset, index) => (isAsked ? offset : (committed?.[index] ?? offset)));
  const place: ReaderPlace = { isWhole, partitions, positions };
  if (group === null) return { place, group };
  // A group with members of its own refuses strangers: better before the first record than after.
  const refused = await group.commit(positions);
  return refused ?? { place, group };
}

async function offsetsFrom(
  gateway: Gateway,
  { topic, partitions }: Asked,
  start: ReadStart,
): Promise<readonly number[] | Refusal> {
  switch (start.kind) {
    case "offset":
      return inBounds(gateway, { topic, partitions }, start.offset);
    case "beginning":
      return offsetsAt(gateway, { topic, partitions, timestamp: EARLIEST });
    case "end":
      return offsetsAt(gateway, { topic, partitions, timestamp: LATEST });
    case "time": {
      const found = await offsetsAt(gateway, { topic, partitions, timestamp: start.timestampMs });
      if (isRefusal(found)) return found;
      const ends = await offsetsAt(gateway, { topic, partitions, timestamp: LATEST });
      // Nothing is so new yet: what comes will be.
      return isRefusal(ends) ? ends : found.map((offset, index) => (offset < 0 ? ends[index]! : offset));
    }
  }
}

/** An offset of one partition that is asked for by its number has to be there, or be the next. */
async function inBounds(
  gateway: Gateway,
  at: { topic: TopicRow; partitions: readonly number[] },
  offset: number,
): Promise<readonly number[] | Refusal> {
  const [begins, ends] = await Promise.all([
    offsetsAt(gateway, { ...at, timestamp: EARLIEST }),
    offsetsAt(gateway, { ...at, timestamp: LATEST }),
  ]);
  if (isRefusal(begins)) return begins;
  if (isRefusal(ends)) return ends;
  const [begin, end] = [begins[0]!, ends[0]!];
  if (offset >= begin && offset <= end) return [offset];
  return badRequest(`from must be an offset from ${begin} to ${end}: that is what the partition has`);
}
