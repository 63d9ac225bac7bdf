import { connect } from "node:net";
import { Kafka, logLevel } from "kafkajs";

/*
 * A client that sits next to one broker and knows no other: writes to it with acks=all, again and again, and prints
 * what became of each record. Arguments: HOST:PORT, topic.
 */

const [address = "", topic = ""] = process.argv.slice(2);
process.stdout.on("error", () => process.exit());
process.env["KAFKAJS_NO_PARTITIONER_WARNING"] = "1";

/** Whoever leads according to that broker, this client speaks to nobody else. */
const onlyThatBroker = ({ port, onConnect }: { port: number; onConnect: () => void }) =>
  connect({ host: address.split(":")[0] ?? "", port }, onConnect);

const kafka = new Kafka({
  brokers: [address],
  logLevel: logLevel.NOTHING,
  requestTimeout: 2000,
  retry: { retries: 0 },
  socketFactory: onlyThatBroker,
});
const producer = kafka.producer({ retry: { retries: 0 } });
await producer.connect();
for (let count = 0; ; count++) {
  const messages = [{ partition: 0, value: `alone:${count}` }];
  const outcome = await producer.send({ topic, acks: -1, timeout: 1000, messages }).then(
    () => "acked",
    (error: unknown) => `failed: ${Error.isError(error) ? error.message : String(error)}`,
  );
  process.stdout.write(`alone:${count} ${outcome}\n`);
  await new Promise((resolve) => setTimeout(resolve, 20));
}
