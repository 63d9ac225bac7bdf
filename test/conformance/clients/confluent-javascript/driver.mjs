/*
 * @confluentinc/kafka-javascript (librdkafka), told what to do by test/conformance/driver.ts. JavaScript, since it is
 * built with the headers of the system's Node, and run by that.
 */
import { text } from "node:stream/consumers";
import confluent from "@confluentinc/kafka-javascript";

const { Kafka, logLevel } = confluent.KafkaJS;
const { ERR__ASSIGN_PARTITIONS } = confluent.CODES.ERRORS;

const say = (line) => void process.stdout.write(`${JSON.stringify(line)}\n`);
/** Resolves when the harness says that the verb is to end. */
const isToEnd = () => text(process.stdin);
const textOf = (bytes) => bytes?.toString() ?? null;

const kafkaOf = ({ bootstrap }) => new Kafka({ kafkaJS: { brokers: bootstrap.split(","), logLevel: logLevel.ERROR } });

async function connected(client) {
  await client.connect();
  return client;
}

const producerOf = (task) =>
  connected(
    kafkaOf(task).producer({
      "message.timeout.ms": 200_000,
      kafkaJS: { acks: -1, compression: task.codec ?? "none", idempotent: task.idempotent ?? false },
    }),
  );

async function write(task) {
  const producer = await producerOf(task);
  const messages = Array.from({ length: task.count }, (_, n) => ({ partition: 0, value: `${task.prefix}-${n}` }));
  await producer.send({ topic: task.topic, messages });
  await producer.disconnect();
}

async function put(task) {
  const producer = await producerOf(task);
  for (const [key, value] of task.pairs) {
    await producer.send({ topic: task.topic, messages: [{ partition: 0, key, value }] });
  }
  await producer.disconnect();
}

async function stream(task) {
  const producer = await producerOf(task);
  let isOn = true;
  void isToEnd().then(() => (isOn = false));
  for (let acked = 0; isOn; ) {
    await producer.send({ topic: task.topic, messages: [{ partition: 0, value: `${acked}` }] });
    say({ acked: ++acked });
  }
  await producer.disconnect();
}

/** Reads without committing, from the offset of the asked time or the beginning. */
async function read(task) {
  const { topic, sinceMs } = task;
  const kafka = kafkaOf(task);
  const groupId = `${topic}.read.${process.pid}`;
  const consumer = await connected(kafka.consumer({ kafkaJS: { groupId, fromBeginning: true, autoCommit: false } }));
  await consumer.subscribe({ topic });
  let left = task.count;
  const whenRead = new Promise((resolve) => {
    const eachMessage = async ({ message }) => {
      if (left-- <= 0) return;
      say({ key: textOf(message.key), value: textOf(message.value) });
      if (left === 0) resolve();
    };
    void consumer.run({ eachMessage });
  });
  if (sinceMs !== undefined) {
    const admin = await connected(kafka.admin());
    const [at] = await admin.fetchTopicOffsetsByTimestamp(topic, sinceMs);
    await admin.disconnect();
    consumer.seek({ topic, partition: 0, offset: at.offset });
  }
  await whenRead;
  await consumer.disconnect();
}

/** What the library is configured with: its own names where its dialect of kafkajs has none. */
function membership({ group, instance, assignor }, owned) {
  const config = {
    "auto.offset.reset": "earliest",
    rebalance_cb: (event, partitions) => {
      for (const { partition } of partitions) {
        if (event.code === ERR__ASSIGN_PARTITIONS) owned.add(partition);
        else owned.delete(partition);
      }
      say({ owns: [...owned] });
    },
    kafkaJS: { groupId: group, autoCommit: true },
  };
  if (instance !== undefined) config["group.instance.id"] = instance;
  if (assignor !== undefined) config["partition.assignment.strategy"] = assignor;
  return config;
}

async function member(task) {
  const consumer = await connected(kafkaOf(task).consumer(membership(task, new Set())));
  await consumer.subscribe({ topic: task.topic });
  await consumer.run({ eachMessage: async ({ message }) => say({ value: textOf(message.value) }) });
  await isToEnd();
  // It commits what it has handled, and leaves.
  await consumer.disconnect();
}

async function create({ topic, config, ...task }) {
  const admin = await connected(kafkaOf(task).admin());
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
  await admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor: 3, configEntries }] });
  await admin.disconnect();
}

async function transact({ topic, ...task }) {
  const producer = kafkaOf(task).producer({ kafkaJS: { transactionalId: topic } });
  try {
    await producer.connect();
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: [{ partition: 0, value: "in a transaction" }] });
    await transaction.commit();
  } catch (error) {
    say({ refused: error.message });
  }
}

const verbs = { write, read, create, put, member, stream, transact };
const [verb, json] = process.argv.slice(2);
try {
  await verbs[verb](JSON.parse(json));
  // Not before all of it is written: a pipe may take less at once.
  process.stdout.write(`${JSON.stringify({ done: true })}\n`, () => process.exit(0));
} catch (error) {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
}
