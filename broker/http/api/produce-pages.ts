import type { TopicRow } from "../../contract/rows.ts";
import { readBody } from "./body.ts";
import type { Exchange, Reply } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import type { IncomingRecord } from "./incoming-record.ts";
import { type Format, formatOf } from "./media-types.ts";
import { type Partitioner, partitionerOf } from "./partitioner.ts";
import { readProduceBody } from "./produce-body.ts";
import { type BatchOutcome, ProduceDraft } from "./produce-draft.ts";
import { isRefusal, KAFKA_ERROR, KAFKA_RETRIABLE_ERROR, partitionNotFound, type Refusal } from "./refusal.ts";
import { partitionNamed, partitionsWithLeader, topicToWrite } from "./topics.ts";

/** Batches are begun no larger: a leader takes none above the topic's max.message.bytes. */
const BATCH_BYTES_MAX = 256 * 1024;

/** Where the records of one request go, and into what. */
export interface Sheet {
  readonly draft: ProduceDraft;
  /** Null when the record was put down. */
  put(record: IncomingRecord): Refusal | null;
}

export function sheetOf(
  { broker, random }: Pick<Gateway, "broker" | "random">,
  topic: TopicRow,
  partition: number | null,
): Sheet {
  const draft = new ProduceDraft(Math.min(BATCH_BYTES_MAX, broker.topicConfig(topic).maxMessageBytes));
  const count = broker.image.partitions(topic.topicId).length;
  const nowMs = broker.clock.now();
  const byKey: Partitioner = partitionerOf(count, { withLeader: partitionsWithLeader(broker, topic), random });
  return {
    draft,
    put(record) {
      const chosen = partition ?? record.partition ?? byKey.partitionOf(record.key);
      if (chosen >= count) return partitionNotFound();
      draft.add(chosen, { ...record, timestamp: record.timestamp ?? nowMs });
      return null;
    },
  };
}

export const produceToTopic = (gateway: Gateway, exchange: Exchange): Promise<Reply> => produceTo(gateway, exchange);

export const produceToPartition = (gateway: Gateway, exchange: Exchange): Promise<Reply> =>
  produceTo(gateway, exchange, exchange.params["partition"]!);

async function produceTo(gateway: Gateway, { request, params }: Exchange, named?: string): Promise<Reply> {
  const { broker, budget } = gateway;
  const format = formatOf({
    contentType: request.headers["content-type"],
    contentEncoding: request.headers["content-encoding"],
  });
  if (isRefusal(format)) return format;
  const body = await readBody(request, { budget, broker });
  if (body === null || isRefusal(body)) return body;
  gateway.metrics.bytesIn.add(body.sizeBytes);
  try {
    const topic = await topicToWrite(broker, params["topic"]!);
    if (isRefusal(topic)) return topic;
    const partition = named === undefined ? null : partitionNamed(broker, topic, named);
    if (isRefusal(partition)) return partition;
    return await produceBody(gateway, body.text, { topic, partition, format });
  } finally {
    body.release();
  }
}

async function produceBody(
  gateway: Gateway,
  text: string,
  { topic, partition, format }: { topic: TopicRow; partition: number | null; format: Format },
): Promise<Reply> {
  const sheet = sheetOf(gateway, topic, partition);
  const refused = readProduceBody(text, { format, mayNamePartition: partition === null }, (one) => sheet.put(one));
  if (refused !== null) return refused;
  const { draft } = sheet;
  const { broker, metrics, producer } = gateway;
  const startedMs = broker.clock.monotonic();
  const outcomes = await producer.send(topic, draft);
  metrics.produceSeconds.observe((broker.clock.monotonic() - startedMs) / 1000);
  const offsets: string[] = [];
  for (const place of draft.places()) {
    const outcome = outcomes.get(place.batch)!;
    if (outcome.kind === "appended") metrics.recordsIn.add(1);
    offsets.push(outcome.kind === "appended" ? offsetLine(place, outcome) : errorLine(outcome));
  }
  const json = `{"offsets":[${offsets.join(",")}],"key_schema_id":null,"value_schema_id":null}`;
  return { status: 200, json };
}

const offsetLine = (
  { partition, index }: { partition: number; index: number },
  { baseOffset }: { baseOffset: number },
): string => `{"partition":${partition},"offset":${baseOffset + index},"error_code":null,"error":null}`;

const errorLine = ({ isRetriable, message }: Extract<BatchOutcome, { kind: "failed" }>): string =>
  JSON.stringify({
    partition: null,
    offset: null,
    error_code: isRetriable ? KAFKA_RETRIABLE_ERROR : KAFKA_ERROR,
    error: message,
  });
