import { FakeClock } from "../base/testing/fake-clock.ts";
import type {
  BrokerEpoch,
  BrokerId,
  ControllerEpoch,
  Incarnation,
  LeaderEpoch,
  PartitionEpoch,
  PartitionIndex,
  TopicId,
} from "../base/ids.ts";
import type { Logger } from "../base/logging.ts";
import { Metrics } from "../base/metrics.ts";
import type { AdminRequest, AdminResponse } from "../contract/control.ts";
import type { BrokerRow, MetadataRows, PartitionRow, TopicRow } from "../contract/rows.ts";
import { MetadataImage } from "../control/metadata-image.ts";
import { BrokerContext } from "../handlers/context.ts";
import type { Handler } from "../handlers/handler.ts";
import type { Replicas } from "../handlers/replicas.ts";
import { streamPair } from "../ports/testing/stream-pair.ts";
import { Deadlines } from "../replication/deadlines.ts";
import type { ConnectionLimits } from "../server/connection.ts";
import { KafkaServer } from "../server/kafka-server.ts";
import { FakeReplica } from "./fake-replica.ts";
import { TestClient } from "./test-client.ts";

export const LISTENER = "PLAINTEXT";
export const CLUSTER = "test-cluster";

const NO_ROWS: MetadataRows = { brokers: [], topics: [], partitions: [], deletions: [], brokerConfigs: [] };

/** 32 hexadecimal digits that end in `number`. */
export const idOf = (number: number): TopicId => number.toString(16).padStart(32, "0") as TopicId;

export const brokerRow = (id: number, changes: Partial<BrokerRow> = {}): BrokerRow => ({
  id: id as BrokerId,
  incarnation: `incarnation-${id}` as Incarnation,
  epoch: id as BrokerEpoch,
  endpoints: [{ listener: LISTENER, host: `host-${id}`, port: 9000 + id }],
  http: { host: `host-${id}`, port: 8000 + id },
  rack: null,
  isFenced: false,
  isShuttingDown: false,
  ...changes,
});

export interface TopicSpec {
  readonly name: string;
  readonly id: number;
  readonly partitions?: number;
  readonly leader?: number;
  readonly replicas?: readonly number[];
  readonly config?: Readonly<Record<string, string>>;
  readonly row?: Partial<PartitionRow>;
}

interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: Record<string, unknown> | undefined;
}

/**
 * Broker 1 of a cluster of three: its Kafka port with real handlers over metadata that the test writes, partitions
 * that the test moves, and a controller that answers what the test says.
 */
export class TestBroker {
  readonly clock = new FakeClock();
  readonly image = new MetadataImage();
  readonly deadlines = new Deadlines(this.clock);
  readonly metrics = new Metrics();
  readonly lines: Line[] = [];
  readonly asked: AdminRequest[] = [];
  readonly bugs: unknown[] = [];
  readonly context: BrokerContext;
  readonly server: KafkaServer;
  admin: (request: AdminRequest) => Promise<AdminResponse> = async () => ({
    kind: "failed",
    errorCode: 41,
    errorMessage: "no controller can be reached; try again",
  });
  readonly #replicas = new Map<string, FakeReplica>();
  #sequence = 0;

  #ids = 0;

  constructor(
    options: {
      config?: Record<string, string>;
      handlers?: readonly Handler[];
      limits?: Partial<ConnectionLimits>;
      /** Stand in for partitions that the test moves. */
      replicas?: Replicas;
    } = {},
  ) {
    const { clock, image } = this;
    const logger = this.#logger();
    this.context = new BrokerContext({
      brokerId: 1 as BrokerId,
      clusterId: () => CLUSTER,
      clock,
      random: { next: () => 0.5, id: () => (++this.#ids).toString(16).padStart(32, "0") },
      logger,
      image,
      replicas: options.replicas ?? {
        get: (topicId, partition) => this.#replicas.get(`${topicId} ${partition}`),
        getByName: (name, partition) => {
          const topic = image.topicByName(name);
          return topic === undefined ? undefined : this.#replicas.get(`${topic.topicId} ${partition}`);
        },
      },
      controller: {
        admin: (request) => {
          this.asked.push(request);
          return this.admin(request);
        },
      },
      staticConfig: options.config ?? {},
    });
    this.server = new KafkaServer(
      { clock, logger },
      {
        broker: this.context,
        metrics: this.metrics,
        onBug: (error) => this.bugs.push(error),
        ...(options.handlers === undefined ? {} : { handlers: options.handlers }),
        ...(options.limits === undefined ? {} : { limits: options.limits }),
      },
    );
    this.apply({ brokers: [brokerRow(1), brokerRow(2, { rack: "r2" }), brokerRow(3)] });
  }

  apply(rows: Partial<MetadataRows>): void {
    const version = { controllerEpoch: 1 as ControllerEpoch, sequence: ++this.#sequence };
    this.image.applyDelta({ ...NO_ROWS, ...rows }, version);
  }

  /** Puts a topic into the metadata, and its partitions onto this broker if it is one of the replicas. */
  addTopic(spec: TopicSpec): FakeReplica[] {
    const { name, config = {}, partitions: partitionCount = 1 } = spec;
    const topicId = idOf(spec.id);
    const topic: TopicRow = { topicId, name, config, partitionCount };
    const rows = Array.from({ length: partitionCount }, (_, partition) => partitionRow(spec, partition));
    this.apply({ topics: [topic], partitions: rows });
    return rows.flatMap((row) => {
      if (!row.replicas.includes(1 as BrokerId)) return [];
      const replica = new FakeReplica(this.deadlines);
      replica.leaderEpoch = row.leaderEpoch;
      replica.role = row.leader === 1 ? "leader" : "follower";
      this.#replicas.set(`${topicId} ${row.partition}`, replica);
      return [replica];
    });
  }

  connect(): TestClient {
    const [near, far] = streamPair();
    this.server.accept(far, LISTENER);
    return new TestClient(near);
  }

  #logger(): Logger {
    const at = (level: string) => (message: string, fields?: Record<string, unknown>) =>
      void this.lines.push({ level, message, fields });
    return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  }
}

export function partitionRow(spec: TopicSpec, partition: number): PartitionRow {
  const { leader = 1, replicas = [1, 2, 3] } = spec;
  return {
    topicId: idOf(spec.id),
    partition: partition as PartitionIndex,
    replicas: replicas as BrokerId[],
    adding: [],
    removing: [],
    removed: [],
    leader: leader as BrokerId,
    leaderEpoch: 5 as LeaderEpoch,
    partitionEpoch: 7 as PartitionEpoch,
    isr: replicas as BrokerId[],
    elr: [],
    lost: [],
    minIsr: 2,
    synced: false,
    ...spec.row,
  };
}
