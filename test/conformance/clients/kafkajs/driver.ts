import kafkajs, { CompressionTypes, type Consumer, type EachMessagePayload, Kafka, logLevel } from "kafkajs";
import { drive, isToEnd, refusal, say, streamed, type Task } from "../node-driver.ts";

process.env["KAFKAJS_NO_PARTITIONER_WARNING"] = "1";
const codecs: Readonly<Record<string, CompressionTypes>> = { none: CompressionTypes.None, gzip: CompressionTypes.GZIP };
const PATIENT = { initialRetryTime: 50, maxRetryTime: 500, retries: 1000 };

const kafkaOf = ({ bootstrap }: Task): Kafka =>
  new Kafka({ brokers: bootstrap.split(","), logLevel: logLevel.ERROR, requestTimeout: 10_000, retry: PATIENT });

async function write(task: Task): Promise<void> {
  const producer = kafkaOf(task).producer({ idempotent: task.idempotent });
  await producer.connect();
  const compression = codecs[task.codec] as CompressionTypes;
  const messages = Array.from({ length: task.count }, (_, n) => ({ partition: 0, value: `${task.prefix}-${n}` }));
  await producer.send({ topic: task.topic, acks: -1, compression, messages });
  await producer.disconnect();
}

/** Reads without committing, from the offset of the asked time or the beginning. */
async function read(task: Task): Promise<void> {
  const kafka = kafkaOf(task);
  const consumer = kafka.consumer({ groupId: `${task.topic}.read.${process.pid}`, retry: PATIENT });
  await consumer.connect();
  await consumer.subscribe({ topic: task.topic, fromBeginning: true });
  let left = task.count;
  const whenRead = new Promise<void>((resolve) => {
    const eachMessage = async ({ message }: EachMessagePayload): Promise<void> => {
      if (left-- <= 0) return;
      say({ key: message.key?.toString() ?? null, value: message.value?.toString() ?? null });
      if (left === 0) resolve();
    };
    void consumer.run({ autoCommit: false, eachMessage });
  });
  if (task.sinceMs !== undefined) await seekTo(task, consumer, kafka);
  await whenRead;
  await consumer.disconnect();
}

async function seekTo({ topic, sinceMs }: Task, consumer: Consumer, kafka: Kafka): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  const [at] = await admin.fetchTopicOffsetsByTimestamp(topic, sinceMs);
  await admin.disconnect();
  consumer.seek({ topic, partition: 0, offset: at?.offset ?? "0" });
}

async function member({ topic, group, ...task }: Task): Promise<void> {
  const consumer = kafkaOf({ topic, group, ...task }).consumer({ groupId: group, retry: PATIENT });
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => say({ owns: payload.memberAssignment[topic] ?? [] }));
  // It would commit after each of its batches.
  const committing = task.commits === "automatic" ? { autoCommitInterval: 5000 } : {};
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({ ...committing, eachMessage: async ({ message }) => say({ value: `${message.value}` }) });
  await isToEnd();
  // It commits what it has handled, and leaves.
  await consumer.disconnect();
}

async function stream(task: Task): Promise<void> {
  const producer = kafkaOf(task).producer({ idempotent: task.idempotent, retry: PATIENT });
  await producer.connect();
  await streamed((value) => producer.send({ topic: task.topic, acks: -1, messages: [{ partition: 0, value }] }));
  await producer.disconnect();
}

async function make({ topic, ...task }: Task): Promise<void> {
  const admin = kafkaOf({ topic, ...task }).admin();
  await admin.connect();
  const configEntries = [{ name: "retention.ms", value: "3600000" }];
  await admin.createTopics({ topics: [{ topic, numPartitions: 2, replicationFactor: 3, configEntries }] });
  await admin.createPartitions({ topicPartitions: [{ topic, count: 4 }] });
  const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic };
  const altered = [{ name: "retention.ms", value: "7200000" }];
  await admin.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries: altered }] });
  const listed = await admin.listTopics();
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  const described = await admin.describeConfigs({ resources: [resource], includeSynonyms: false });
  const entries = described.resources[0]?.configEntries ?? [];
  const retentionMs = entries.find(({ configName }) => configName === "retention.ms")?.configValue;
  say({ seen: { isListed: listed.includes(topic), partitions: topics[0]?.partitions.length, retentionMs } });
  await admin.disconnect();
}

async function create({ topic, config, ...task }: Task): Promise<void> {
  const admin = kafkaOf({ topic, config, ...task }).admin();
  await admin.connect();
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
  await admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor: 3, configEntries }] });
  await admin.disconnect();
}

async function put({ topic, pairs, ...task }: Task): Promise<void> {
  const producer = kafkaOf({ topic, pairs, ...task }).producer();
  await producer.connect();
  for (const [key, value] of pairs) {
    await producer.send({ topic, acks: -1, messages: [{ partition: 0, key, value }] });
  }
  await producer.disconnect();
}

async function transact({ topic, bootstrap }: Task): Promise<void> {
  const kafka = new Kafka({ brokers: bootstrap.split(","), logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ transactionalId: topic, idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  await refusal(async () => {
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: [{ partition: 0, value: "in a transaction" }] });
    await transaction.commit();
  });
  await producer.disconnect();
}

async function drop(task: Task): Promise<void> {
  const admin = kafkaOf(task).admin();
  await admin.connect();
  await admin.deleteTopics({ topics: [task.topic] });
  await admin.disconnect();
}

await drive({ write, read, create, put, member, stream, make, drop, transact });
