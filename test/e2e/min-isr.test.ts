import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { Kafka, logLevel } from "kafkajs";
import { type Run, until } from "../../operator/cli/stand-ins/site.ts";
import { linesOf, LiveSite } from "./live-site.ts";

jest.setTimeout(120_000);

const topic = (name: string, minIsr: number): string => `---
apiVersion: tidemark.dev/v1alpha1
kind: Topic
metadata: {name: ${name}}
spec: {clusterRef: {name: four}, partitions: 1, replicationFactor: 3, config: {min.insync.replicas: ${minIsr}}}
`;

const RESOURCES = `apiVersion: tidemark.dev/v1alpha1
kind: Cluster
metadata: {name: four}
spec: {replicas: 4}
${topic("strict", 3)}${topic("usual", 2)}`;

/** One attempt of a client that does not try again: Kafka's name of the error, or "acknowledged". */
async function attempt(site: LiveSite, to: string, value: string): Promise<string> {
  // Only those that run: a client that does not try again must not begin at the dead one.
  const running = site.clusterFile().brokers.filter(({ pid }) => pid !== null);
  const brokers = running.map((broker) => broker.kafka);
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { retries: 0 } });
  const producer = kafka.producer({ retry: { retries: 0 } });
  await producer.connect();
  try {
    await producer.send({ topic: to, acks: -1, messages: [{ value }] });
    return "acknowledged";
  } catch (error) {
    const reason = Error.isError(error) ? (error.cause ?? error) : error;
    return (reason as { type?: string }).type ?? String(reason);
  } finally {
    await producer.disconnect();
  }
}

describe("four brokers, three replicas, and the broker of one replica is down", () => {
  const site = new LiveSite();
  let run: Run;
  let down = -1;

  beforeAll(async () => {
    process.env["KAFKAJS_NO_PARTITIONER_WARNING"] = "1";
    const file = path.join(site.folder, "four.yaml");
    writeFileSync(file, RESOURCES);
    run = await site.started("-f", file, "--no-restart");
    for (const to of ["strict", "usual"]) await site.produce(to, linesOf(10));
    const [strict, usual] = [await site.partition("strict"), await site.partition("usual")];
    down = strict?.replicas.find((id) => usual?.replicas.includes(id)) ?? -1;
    site.killBroker(down);
    await until(async () => {
      const rows = [await site.partition("strict"), await site.partition("usual")];
      return rows.every((row) => row !== null && row.leader >= 0 && !row.isr.includes(down as never));
    });
  });

  afterAll(() => site.dispose());

  test("with min ISR 3, acks=all is refused as NOT_ENOUGH_REPLICAS and nothing is appended", async () => {
    expect(await attempt(site, "strict", "refused")).toBe("NOT_ENOUGH_REPLICAS");
    expect(await site.consume("strict")).toEqual(linesOf(10));
  });

  test("with min ISR 3, acks=1 is accepted while consumers stand still", async () => {
    await site.produce("strict", linesOf(5, 100), "--acks", "1");
    expect(await site.consume("strict")).toEqual(linesOf(10));
  });

  test("with min ISR 2, acks=all and acks=1 are accepted and readable", async () => {
    await site.produce("usual", linesOf(5, 100));
    await site.produce("usual", linesOf(5, 200), "--acks", "1");
    const expected = [...linesOf(10), ...linesOf(5, 100), ...linesOf(5, 200)];
    await until(async () => (await site.consume("usual")).length === expected.length);
    expect(await site.consume("usual")).toEqual(expected);
  });

  test("the broker comes back, catches up, rejoins the ISR, and the acks=1 records become readable", async () => {
    run.process.kill("SIGUSR2");
    await until(async () => (await site.isWhole()) && (await site.consume("strict")).length > 10);
    expect(await site.consume("strict")).toEqual([...linesOf(10), ...linesOf(5, 100)]);
    expect(await attempt(site, "strict", "accepted")).toBe("acknowledged");
  });
});
