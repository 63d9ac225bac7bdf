import type { AdminRequest, ToController } from "#contract/control.ts";

/** Whether a value has the shape that a message promises. */
type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === "string";
const flag: Check = (value) => typeof value === "boolean";
const whole =
  (least: number): Check =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= least;
const id = (value: unknown): boolean => typeof value === "string" && /^[0-9a-f]{32}$/.test(value);
const list =
  (element: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(element);
const nullable =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const oneOf =
  (...values: readonly string[]): Check =>
  (value) =>
    values.includes(value as string);
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const object = (fields: Readonly<Record<string, Check>>): Check => {
  const entries = Object.entries(fields);
  return (value) => isObject(value) && entries.every(([name, check]) => check(value[name]));
};
const map: Check = (value) => isObject(value) && Object.values(value).every(text);

const partition = { topicId: id, partition: whole(0) };
const version = nullable(object({ controllerEpoch: whole(0), sequence: whole(0) }));
const address = object({ host: text, port: whole(0) });
const brokers = list(whole(0));

const owner = object({ namespace: text, name: text, uid: text, deletionPolicy: oneOf("Delete", "Retain") });
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

const endpoints = list(object({ listener: text, host: text, port: whole(0) }));
const leader = whole(-1);

/** As a broker kept them: the rows of a controller of old. */
const metadataRows = object({
  brokers: list(
    object({
      id: whole(0),
      incarnation: text,
      epoch: whole(0),
      endpoints,
      http: address,
      rack: nullable(text),
      isFenced: flag,
      isShuttingDown: flag,
    }),
  ),
  topics: list(
    object({ topicId: id, name: text, config: map, partitionCount: whole(0), owner: optional(nullable(owner)) }),
  ),
  partitions: list(
    object({
      ...partition,
      replicas: brokers,
      adding: brokers,
      removing: brokers,
      removed: brokers,
      leader,
      leaderEpoch: whole(-1),
      partitionEpoch: whole(0),
      isr: brokers,
      elr: brokers,
      lost: brokers,
      minIsr: whole(0),
      synced: flag,
    }),
  ),
  deletions: list(object({ topicId: id, name: text, waitingFor: brokers })),
  brokerConfigs: list(object({ broker: text, config: map })),
});

const adminRequests: Readonly<Record<AdminRequest["kind"], Check>> = {
  createTopics: object({
    topics: list(
      object({
        name: text,
        partitionCount: whole(-(2 ** 31)),
        replicationFactor: whole(-(2 ** 31)),
        assignments: nullable(list(brokers)),
        config: map,
        owner: optional(owner),
      }),
    ),
    validateOnly: flag,
  }),
  deleteTopics: object({ topics: list(object({ name: nullable(text), topicId: nullable(id) })) }),
  createPartitions: object({
    topics: list(object({ name: text, totalCount: whole(-(2 ** 31)), assignments: nullable(list(brokers)) })),
    validateOnly: flag,
  }),
  alterConfigs: object({
    resources: list(
      object({
        kind: oneOf("topic", "broker"),
        name: text,
        changes: list(
          object({ key: text, operation: oneOf("set", "delete", "append", "subtract"), value: nullable(text) }),
        ),
        replaces: optional(flag),
      }),
    ),
    validateOnly: flag,
  }),
  electLeaders: object({
    election: oneOf("preferred", "unclean"),
    partitions: nullable(list(object({ topic: text, partition: whole(-(2 ** 31)) }))),
  }),
  allocateProducerIds: object({}),
  alterReassignments: object({
    partitions: list(object({ topic: text, partition: whole(-(2 ** 31)), replicas: nullable(brokers) })),
    mayChangeReplicationFactor: flag,
  }),
  listReassignments: object({ partitions: nullable(list(object({ topic: text, partition: whole(-(2 ** 31)) }))) }),
  drainBroker: object({ broker: whole(0), isDraining: flag }),
  rebalance: object({}),
  setReplicationFactor: object({ topic: text, replicationFactor: whole(-(2 ** 31)) }),
  removeBroker: object({ broker: whole(0) }),
  setRacks: object({ racks: list(object({ broker: whole(0), rack: nullable(text) })) }),
  ownTopics: object({ topics: list(object({ topicId: id, owner: nullable(owner) })) }),
};

const admin: Check = (value) => {
  if (!isObject(value) || typeof value["kind"] !== "string" || !Object.hasOwn(adminRequests, value["kind"]))
    return false;
  return adminRequests[value["kind"] as AdminRequest["kind"]](value);
};

const messages: Readonly<Record<ToController["type"], Check>> = {
  register: object({
    contractVersion: whole(0),
    clusterId: text,
    brokerId: whole(0),
    incarnation: text,
    storageId: text,
    endpoints,
    http: address,
    rack: nullable(text),
    bootId: text,
    device: text,
    mountId: text,
    cleanStopOf: nullable(text),
    hasIoErrorMark: flag,
    damaged: list(object(partition)),
    metadataVersion: version,
  }),
  heartbeat: object({ brokerEpoch: whole(-1), applied: version }),
  isrProposal: object({
    ...partition,
    leaderEpoch: whole(-1),
    partitionEpoch: whole(0),
    isr: list(object({ broker: whole(0), brokerEpoch: whole(-1) })),
    attempt: whole(0),
  }),
  logEnds: object({ query: whole(0), ends: list(object({ ...partition, lastEpoch: whole(-1), logEnd: whole(0) })) }),
  handOverReady: object({ ...partition, leaderEpoch: whole(-1), target: whole(0), attempt: whole(1), isReady: flag }),
  topicRemoved: object({ topicId: id }),
  replicaRemoved: object({ ...partition, leaderEpoch: whole(-1) }),
  copyProgress: object({
    partitions: list(
      object({ ...partition, leaderEpoch: whole(-1), missing: list(object({ broker: whole(0), bytes: whole(0) })) }),
    ),
  }),
  synced: object({ ...partition, leaderEpoch: whole(-1), partitionEpoch: whole(0), synced: flag }),
  shutdownWish: object({}),
  storageFailed: object({}),
  metadataReport: object({
    version: object({ controllerEpoch: whole(0), sequence: whole(0) }),
    rows: metadataRows,
  }),
  admin: object({ call: whole(0), request: admin }),
};

/** The message that a broker sent, or null when it is none of ours. */
export function parseToController(value: unknown): ToController | null {
  if (!isObject(value) || typeof value["type"] !== "string" || !Object.hasOwn(messages, value["type"])) return null;
  return messages[value["type"] as ToController["type"]](value) ? (value as unknown as ToController) : null;
}

/** An administrative request, or null when it is none. */
export const parseAdminRequest = (value: unknown): AdminRequest | null =>
  admin(value) ? (value as AdminRequest) : null;
