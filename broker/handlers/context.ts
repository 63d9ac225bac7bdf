import type { Clock } from "../base/clock.ts";
import type { BrokerId } from "../base/ids.ts";
import type { Logger } from "../base/logging.ts";
import type { Random } from "../base/random.ts";
import { Turnstile } from "../base/turnstile.ts";
import {
  type BrokerConfig,
  type BrokerConfigLayers,
  type ConfigMap,
  effectiveBrokerConfig,
  effectiveTopicConfig,
  type TopicConfig,
} from "../contract/config-values.ts";
import type { AdminRequest, AdminResponse } from "../contract/control.ts";
import type { TopicRow } from "../contract/rows.ts";
import type { MetadataImage } from "../control/metadata-image.ts";
import { GroupCoordinator, OFFSETS_TOPIC } from "../groups/coordinator.ts";
import { Deadlines } from "../replication/deadlines.ts";
import { AutoCreator } from "./auto-create.ts";
import { FetchSessions } from "./fetch-sessions.ts";
import { OffsetsTopic } from "./offsets-topic.ts";
import { ProducerIds } from "./producer-ids.ts";
import type { Replicas } from "./replicas.ts";

/** The controller, for what only it may decide. Always answers; what it cannot decide comes back as `failed`. */
export interface ControllerCalls {
  admin(request: AdminRequest): Promise<AdminResponse>;
}

/** What the composition gives the handlers to work with. */
export interface BrokerParts {
  readonly brokerId: BrokerId;
  /** "" until the broker was registered for the first time. */
  readonly clusterId: () => string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly image: MetadataImage;
  readonly replicas: Replicas;
  readonly controller: ControllerCalls;
  /** What the brokers were started with. */
  readonly staticConfig: ConfigMap;
}

const RECOMPRESSIONS_MAX = 2;

/** Everything that a handler may use besides the request. */
export class BrokerContext {
  readonly brokerId: BrokerId;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly image: MetadataImage;
  readonly replicas: Replicas;
  readonly controller: ControllerCalls;
  /** For waits of requests: thousands of them cost one timer. */
  readonly deadlines: Deadlines;
  readonly autoCreator = new AutoCreator();
  readonly offsetsTopic = new OffsetsTopic();
  readonly fetchSessions: FetchSessions;
  /** Batches that are compressed otherwise take turns: each may take hundreds of megabytes for a moment. */
  readonly recompressions = new Turnstile(RECOMPRESSIONS_MAX);
  readonly groups: GroupCoordinator;
  readonly producerIds: ProducerIds;
  readonly #clusterId: () => string;
  readonly #staticConfig: ConfigMap;
  #layers: BrokerConfigLayers;
  #config: BrokerConfig;
  #topicConfigs = new WeakMap<TopicRow, TopicConfig>();

  constructor(parts: BrokerParts) {
    this.brokerId = parts.brokerId;
    this.clock = parts.clock;
    this.logger = parts.logger;
    this.image = parts.image;
    this.replicas = parts.replicas;
    this.controller = parts.controller;
    this.deadlines = new Deadlines(parts.clock);
    this.producerIds = new ProducerIds(parts.controller);
    this.#clusterId = parts.clusterId;
    this.#staticConfig = parts.staticConfig;
    this.#layers = this.layersOf(String(parts.brokerId));
    this.#config = effectiveBrokerConfig(this.#layers);
    this.groups = this.#coordinator(parts);
    this.fetchSessions = new FetchSessions({
      clock: parts.clock,
      random: parts.random,
      slots: () => this.config().fetchSessionSlots,
    });
  }

  get clusterId(): string {
    return this.#clusterId();
  }

  #coordinator({ clock, logger, random, image, replicas, brokerId }: BrokerParts): GroupCoordinator {
    return new GroupCoordinator({
      clock,
      logger,
      random,
      deadlines: this.deadlines,
      rows: () => {
        const topic = image.topicByName(OFFSETS_TOPIC);
        const rows = topic === undefined ? [] : image.partitions(topic.topicId);
        return rows.map(({ leader, leaderEpoch }) => ({ isLedHere: leader === brokerId, leaderEpoch }));
      },
      replica: (partition) => replicas.getByName(OFFSETS_TOPIC, partition),
      rewriteBytesMin: () => this.config().offsetsTopicSegmentBytes,
      limits: () => {
        const { groupMaxSize, groupInitialRebalanceDelayMs } = this.config();
        return { membersMax: groupMaxSize, initialDelayMs: groupInitialRebalanceDelayMs };
      },
    });
  }

  /** What is in force on this broker now. */
  config(): BrokerConfig {
    this.#refresh();
    return this.#config;
  }

  /** What is in force for a topic now; kept until the topic's row or the brokers' configuration changes. */
  topicConfig(topic: TopicRow): TopicConfig {
    this.#refresh();
    const known = this.#topicConfigs.get(topic);
    if (known !== undefined) return known;
    const config = effectiveTopicConfig(topic.config, this.#layers);
    this.#topicConfigs.set(topic, config);
    return config;
  }

  /** What was set on one broker ("3") or, with "", on all of them. */
  layersOf(broker: string): BrokerConfigLayers {
    return {
      broker: broker === "" ? NOTHING : this.image.brokerConfig(broker),
      cluster: this.image.brokerConfig(""),
      static: this.#staticConfig,
    };
  }

  /** The metadata replaces a broker's configuration as a whole, so its identity tells whether anything changed. */
  #refresh(): void {
    const cluster = this.image.brokerConfig("");
    const broker = this.image.brokerConfig(String(this.brokerId));
    if (cluster === this.#layers.cluster && broker === this.#layers.broker) return;
    this.#layers = { broker, cluster, static: this.#staticConfig };
    this.#config = effectiveBrokerConfig(this.#layers);
    this.#topicConfigs = new WeakMap();
  }
}

const NOTHING: ConfigMap = {};
