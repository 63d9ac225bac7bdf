import {
  Admin,
  ConfigResourceTypes,
  Consumer,
  IncrementalAlterConfigOperationTypes,
  type Message,
  type ProduceOptions,
  Producer,
  stringDeserializers,
  stringSerializers,
} from "@platformatic/kafka";
import { drive, isToEnd, refusal, say, streamed, type Task } from "../node-driver.ts";

const common = ({ bootstrap }: Task) => ({
  clientId: "conformance",
  bootstrapBrokers: bootstrap.split(","),
  retries: 300,
  retryDelay: 200,
  timeout: 15_000,
});

type Text = Message<string, string, string, string>;

const producerOf = (task: Task): Producer<string, string, string, string> =>
  new Producer({
    ...common(task),
    serializers: stringSerializers,
    idempotent: task.idempotent,
    autocreateTopics: false,
  });

const consumerOf = (task: Task, groupId: string): Consumer<string, string, string, string> =>
  new Consumer({
    ...common(task),
    groupId,
    ...(task.instance === undefined ? {} : { groupInstanceId: task.instance }),
    deserializers: stringDeserializers,
    autocommit: false,
  });

async function write(task: Task): Promise<void> {
  const producer = producerOf(task);
  const compression = task.codec as NonNullable<ProduceOptions<string, string, string, string>["compression"]>;
  const messages = Array.from({ length: task.count }, (_, n) => ({
    topic: task.topic,
    partition: 0,
    value: `${task.prefix}-${n}`,
  }));
  await producer.send({ messages, acks: -1, compression });
  await producer.close();
}

async function read(task: Task): Promise<void> {
  const consumer = consumerOf(task, `${task.topic}.read.${process.pid}`);
  const stream = await consumer.consume({ topics: [task.topic], ...(await startOf(task, consumer)) });
  let left = task.count;
  for await (const message of stream as AsyncIterable<Text>) {
    // A tombstone comes as undefined.
    say({ key: message.key ?? null, value: message.value ?? null });
    if (--left === 0) break;
  }
  await consumer.close(true);
}

async function startOf({ topic, sinceMs }: Task, consumer: Consumer<string, string, string, string>) {
  if (sinceMs === undefined) return { mode: "earliest" as const };
  const found = await consumer.listOffsetsWithTimestamps({ topics: [topic], timestamp: BigInt(sinceMs) });
  const offset = found.get(topic)?.get(0)?.offset ?? 0n;
  return { mode: "manual" as const, offsets: [{ topic, partition: 0, offset }] };
}

async function member(task: Task): Promise<void> {
  const { topic, group } = task;
  const consumer = consumerOf(task, group);
  consumer.on("consumer:group:join", ({ assignments }) => {
    const mine = (assignments ?? []).filter((each) => each.topic === topic);
    say({ owns: mine.flatMap(({ partitions }) => partitions) });
  });
  const fallbackMode = task.reset === "none" ? "fail" : "earliest";
  const autocommit = task.commits === "automatic" ? 5000 : false;
  const stream = await consumer.consume({ topics: [topic], mode: "committed", fallbackMode, autocommit });
  void isToEnd().then(() => stream.close());
  for await (const message of stream as AsyncIterable<Text>) {
    say({ value: message.value });
    if (autocommit === false) await message.commit();
  }
  await consumer.close();
}

async function stream(task: Task): Promise<void> {
  const producer = producerOf(task);
  await streamed((value) => producer.send({ messages: [{ topic: task.topic, partition: 0, value }], acks: -1 }));
  await producer.close();
}

async function make(task: Task): Promise<void> {
  const { topic } = task;
  const admin = new Admin(common(task));
  const configs = [{ name: "retention.ms", value: "3600000" }];
  await admin.createTopics({ topics: [topic], partitions: 2, replicas: 3, configs });
  await admin.createPartitions({ topics: [{ name: topic, count: 4 }] });
  const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: topic };
  const { SET } = IncrementalAlterConfigOperationTypes;
  const set = [{ name: "retention.ms", configOperation: SET, value: "7200000" }];
  await admin.incrementalAlterConfigs({ resources: [{ ...resource, configs: set }] });
  const [described] = await admin.describeConfigs({ resources: [{ ...resource, configurationKeys: null }] });
  const retentionMs = described?.configs.find(({ name }) => name === "retention.ms")?.value;
  const metadata = await admin.metadata({ topics: [topic] });
  const isListed = (await admin.listTopics()).includes(topic);
  say({ seen: { isListed, partitions: metadata.topics.get(topic)?.partitionsCount, retentionMs } });
  await admin.close();
}

async function create(task: Task): Promise<void> {
  const admin = new Admin(common(task));
  const configs = Object.entries(task.config).map(([name, value]) => ({ name, value }));
  await admin.createTopics({ topics: [task.topic], partitions: 1, replicas: 3, configs });
  await admin.close();
}

async function put(task: Task): Promise<void> {
  const { topic } = task;
  const producer = producerOf({ ...task, idempotent: false });
  for (const [key, value] of task.pairs) {
    await producer.send({ messages: [{ topic, partition: 0, key, ...(value === null ? {} : { value }) }], acks: -1 });
  }
  await producer.close();
}

async function transact(task: Task): Promise<void> {
  const { topic } = task;
  const producer = new Producer({
    ...common(task),
    retries: 3,
    serializers: stringSerializers,
    idempotent: true,
    transactionalId: topic,
  });
  await refusal(async () => {
    const transaction = await producer.beginTransaction();
    await transaction.send({ messages: [{ topic, partition: 0, value: "in a transaction" }] });
    await transaction.commit();
  });
  await producer.close();
}

async function drop(task: Task): Promise<void> {
  const admin = new Admin(common(task));
  await admin.deleteTopics({ topics: [task.topic] });
  await admin.close();
}

await drive({ write, read, create, put, member, stream, make, drop, transact });
