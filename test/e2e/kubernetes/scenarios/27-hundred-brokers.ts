import { nodeClock } from "#adapters/node-clock.ts";
import { nodeRandom } from "#adapters/node-random.ts";
import { every } from "#base/clock.ts";
import { silent } from "#base/logging.ts";
import { HEARTBEAT_INTERVAL_MS } from "#contract/control.ts";
import { ApiClient } from "../../../../operator/adapters/kubernetes/api-client.ts";
import { ApiShardObjects } from "../../../../operator/adapters/kubernetes/api-shard-objects.ts";
import { apiAccess } from "../../../../operator/adapters/kubernetes/credentials.ts";
import { ShardStore } from "../../../../operator/adapters/kubernetes/shard-store.ts";
import { Controller } from "../../../../operator/controller/controller.ts";
import { writesOf } from "../audit.ts";
import { until } from "../cluster/shell.ts";
import type { Context } from "../context.ts";
import { SimulatedBroker, simulatedNetwork } from "../simulated-broker.ts";

export const name = "a hundred simulated brokers, and one of them lost";

const NAMESPACE = "hundred-brokers";
const CLUSTER = "hundred";
/** Whom the API server's audit log names: this process uses the administrator's certificate. */
const USER = "admin";

const BROKERS = 100;
const TOPICS = 100;
const PARTITIONS = 100;
const LOST = 7;
const COMMITTED_MS_MAX = 1000;
const WRITES_MAX = 25;
/** The audit log has whole milliseconds, of the same clock; and it is written a little later. */
const AUDIT_LIMIT_MS = 10_000;

/** The controller of the product over a real API server, in this process, with brokers that are simulated. */
class Hundred {
  readonly brokers = Array.from({ length: BROKERS }, (_, id) => new SimulatedBroker(id, CLUSTER));
  readonly controller: Controller;
  readonly #client: ApiClient;
  readonly #heart: { cancel(): void };

  private constructor(client: ApiClient) {
    this.#client = client;
    const objects = new ApiShardObjects(client, { namespace: NAMESPACE, cluster: CLUSTER });
    const store = new ShardStore(
      { objects, logger: silent },
      { cluster: CLUSTER, labels: { "tidemark.dev/cluster": CLUSTER } },
    );
    this.controller = new Controller(
      { clock: nodeClock, random: nodeRandom, logger: silent, store, network: simulatedNetwork(this.brokers) },
      { clusterId: CLUSTER, address: () => ({ host: "simulated", port: 1 }), config: {}, onEnd: () => undefined },
    );
    this.#heart = every(nodeClock, HEARTBEAT_INTERVAL_MS, () => {
      for (const broker of this.brokers) if (broker.isAlive) broker.heartbeat();
    });
  }

  static async start(kubeconfigFile: string): Promise<Hundred> {
    process.env["KUBECONFIG"] = kubeconfigFile;
    const hundred = new Hundred(new ApiClient(await apiAccess(process.env)));
    await hundred.controller.start();
    for (const broker of hundred.brokers) broker.dial(hundred.controller);
    const areIn = (): boolean => hundred.brokers.every(({ isRegistered }) => isRegistered);
    await until(`${BROKERS} brokers have registered`, areIn, { limitMs: 60_000 });
    return hundred;
  }

  async makeTopics(): Promise<void> {
    for (let number = 0; number < TOPICS; number++) {
      const topic = {
        name: `topic-${number}`,
        partitionCount: PARTITIONS,
        replicationFactor: 3,
        assignments: null,
        config: { "min.insync.replicas": "2" },
      };
      const made = await this.controller.admin({ kind: "createTopics", topics: [topic], validateOnly: false });
      const isMade = made.kind === "createTopics" && made.topics[0]?.errorCode === 0;
      if (!isMade) throw new Error(`${topic.name} was not made: ${JSON.stringify(made)}`);
    }
  }

  led(id: number): number {
    return this.controller.status().partitions.filter(({ leader }) => leader === id).length;
  }

  /** Every partition has a leader that lives, and the lost broker stands in no ISR. */
  hasRecoveredFrom(id: number): boolean {
    return this.controller.status().partitions.every(({ leader, isr }) => {
      const isLed = leader >= 0 && leader !== id;
      return isLed && !isr.some((broker) => broker === id);
    });
  }

  async stop(): Promise<void> {
    this.#heart.cancel();
    await this.controller.stop();
    this.#client.close();
  }
}

interface Lost {
  readonly from: Date;
  readonly until: Date;
  readonly tookMs: number;
  readonly led: number;
}

/** From a broker's death until every leader that was to be elected is committed, and every other broker was told. */
async function lose(hundred: Hundred): Promise<Lost> {
  const led = hundred.led(LOST);
  if (led === 0) throw new Error(`broker ${LOST} leads nothing`);
  const from = new Date();
  const started = performance.now();
  hundred.brokers[LOST]?.die();
  // Looking at ten thousand partitions takes time of the controller's own thread, so that is done afterwards.
  const areTold = (): boolean => hundred.brokers.every(({ isAlive, toldAt }) => !isAlive || toldAt > started);
  await until("every broker was told", areTold, { limitMs: 30_000, stepMs: 10 });
  const isOver = (): boolean => hundred.hasRecoveredFrom(LOST);
  await until("every partition has a leader that lives", isOver, { limitMs: 30_000, stepMs: 50 });
  const toldAt = Math.max(...hundred.brokers.map((broker) => broker.toldAt));
  return { from, until: new Date(), tookMs: toldAt - started, led };
}

/** Writes of metadata as the API server noted them. */
async function written({ from, until: end }: Lost): Promise<number> {
  let count = 0;
  const isNoted = async (): Promise<boolean> => {
    const writes = await writesOf(USER, { from, until: end, namespace: NAMESPACE });
    const before = count;
    count = [...writes].reduce((sum, [what, times]) => (what.endsWith(" metadatashards") ? sum + times : sum), 0);
    return count > 0 && count === before;
  };
  await until("the audit log has the writes", isNoted, { limitMs: AUDIT_LIMIT_MS, stepMs: 500 });
  return count;
}

/** Sizes that this machine cannot run as processes, through the controller and the API server that would serve them. */
export async function run({ kube }: Context): Promise<string> {
  await kube.makeNamespace(NAMESPACE);
  try {
    const hundred = await Hundred.start(kube.kubeconfigFile);
    try {
      const started = performance.now();
      await hundred.makeTopics();
      const madeMs = performance.now() - started;
      const partitions = hundred.controller.status().partitions.length;
      if (partitions !== TOPICS * PARTITIONS) throw new Error(`there are ${partitions} partitions`);
      const lost = await lose(hundred);
      const writes = await written(lost);
      const told = `${lost.led} leaders anew: writes ${writes}, ${Math.round(lost.tookMs)} ms`;
      if (lost.tookMs > COMMITTED_MS_MAX || writes > WRITES_MAX) {
        throw new Error(`${told}: more than ${WRITES_MAX} and ${COMMITTED_MS_MAX}`);
      }
      return `${partitions} partitions made in ${(madeMs / 1000).toFixed(1)} s; a broker lost, ${told}`;
    } finally {
      await hundred.stop();
    }
  } finally {
    await kube.core.deleteNamespace({ name: NAMESPACE });
  }
}
