import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Kafka, logLevel, type Producer } from "kafkajs";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { type IslandCluster, startOnIslands } from "../../bench/island-system.ts";
import { Islands } from "../../bench/islands.ts";
import { makeTopic } from "../../bench/system.ts";
import { controllerStatus, type PartitionStatus } from "../../operator/adapters/process/controller-client.ts";
import { Run, until } from "../../operator/cli/stand-ins/site.ts";

jest.setTimeout(120_000);

const TOPIC = "written";
// Network namespaces of its own take Linux and root; without them nothing can be cut off and harm nobody.
const canCut = Islands.arePossible();
let cluster: IslandCluster | null = null;
const clients: { stop(): unknown }[] = [];

beforeEach(async () => {
  process.env["KAFKAJS_NO_PARTITIONER_WARNING"] = "1";
  if (canCut) cluster = await startOnIslands(mkdtempSync(path.join(tmpdir(), "tidemark-islands-")));
});

// First the clients: one that outlives a failed test would keep this process for ever.
afterEach(async () => {
  for (const client of clients.splice(0)) await client.stop();
  await cluster?.stop();
});

async function rowOf(running: IslandCluster): Promise<PartitionStatus | null> {
  const status = await controllerStatus(running.controllerAt);
  const topicId = status?.topics.find(({ name }) => name === TOPIC)?.topicId;
  return status?.partitions.find((row) => row.topicId === topicId) ?? null;
}

const bootstrapOf = (running: IslandCluster): string[] => running.brokers.map(({ host, port }) => `${host}:${port}`);

/**
 * A client that writes value after value with acks=all. One that fails is not tried again: whether it was written is
 * not known. kafkajs dials a leader that is gone for as long as it is told to try again, so each failure begins anew,
 * with another broker first: the one that kafkajs would always begin with may be the one that is cut off.
 */
class Writer {
  readonly #brokers: string[];
  readonly acked: string[] = [];
  #isStopped = false;
  readonly #running: Promise<void>;

  constructor(brokers: string[]) {
    this.#brokers = brokers;
    this.#running = this.#write();
    clients.push(this);
  }

  async #write(): Promise<void> {
    let producer: Producer | null = null;
    for (let count = 0; !this.#isStopped; count++) {
      const value = `everywhere:${count}`;
      try {
        producer ??= await this.#connected();
        await producer.send({ topic: TOPIC, acks: -1, timeout: 1000, messages: [{ partition: 0, value }] });
        this.acked.push(value);
      } catch {
        await producer?.disconnect().catch(() => {});
        producer = null;
        this.#brokers.push(...this.#brokers.splice(0, 1));
        // A client that fails at once would otherwise leave no turn to whoever is to stop this.
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    await producer?.disconnect();
  }

  async #connected(): Promise<Producer> {
    const retry = { retries: 0 };
    const limits = { connectionTimeout: 500, requestTimeout: 1500 };
    const kafka = new Kafka({ brokers: this.#brokers, logLevel: logLevel.NOTHING, ...limits, retry });
    const producer = kafka.producer({ retry });
    await producer.connect();
    return producer;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }
}

/** A client on the island of a broker. */
function writerBeside(running: IslandCluster, id: number) {
  const address = `${running.islands.address(id)}:${running.brokers[id]?.port}`;
  const program = ["--disable-warning=ExperimentalWarning", path.resolve("test/e2e/lone-writer.ts"), address, TOPIC];
  const child = spawn(...running.islands.command(id, process.execPath, program), {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  const writer = {
    lines: () => out.split("\n").slice(0, -1),
    acked: () => out.split("\n").filter((line) => line.endsWith(" acked")).length,
    stop: () => child.kill("SIGKILL"),
  };
  clients.push(writer);
  return writer;
}

async function consumed(running: IslandCluster): Promise<string[]> {
  const run = new Run(["consume", TOPIC, "--bootstrap", bootstrapOf(running).join(",")]);
  expect({ code: await run.exit(), err: run.err }).toEqual({ code: 0, err: "" });
  return run.out.split("\n").slice(0, -1);
}

const name = "a leader that is cut off from everyone acknowledges nothing, loses nothing, and joins again";
(canCut ? test : test.skip)(name, async () => {
  const running = cluster as IslandCluster;
  await makeTopic(running.brokers[0] as { host: string; port: number }, { name: TOPIC, partitions: 1 });
  const writer = new Writer(bootstrapOf(running));
  await until(() => writer.acked.length > 50);
  const old = (await rowOf(running))?.leader ?? -1;
  const beside = writerBeside(running, old);
  await until(() => beside.acked() > 5);

  running.islands.cut(old);
  await until(async () => ![-1, old].includes((await rowOf(running))?.leader ?? -1));
  const ackedBeside = beside.acked();
  const ackedBefore = writer.acked.length;
  await until(() => writer.acked.length > ackedBefore + 50);
  const triedBeside = beside.lines().length;
  await until(() => beside.lines().length > triedBeside + 2);
  // The client beside it still reaches it, and it still believes to lead.
  expect(beside.acked()).toBe(ackedBeside);

  running.islands.heal(old);
  await until(async () => (await rowOf(running))?.isr.includes(old as never) ?? false);
  await until(async () => ((await rowOf(running))?.isr.length ?? 0) === 3);
  beside.stop();
  await writer.stop();
  const promised = beside.lines().filter((line) => line.endsWith(" acked"));
  const acked = [...writer.acked, ...promised.map((line) => line.split(" ")[0] ?? "")];
  const kept = new Set(await consumed(running));
  expect(acked.filter((value) => !kept.has(value))).toEqual([]);
});
