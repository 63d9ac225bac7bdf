import { assert } from "./assert.ts";

declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/**
 * Position of a record in a partition, 0 … 2^53−1. A plain number: BigInt costs 5 to 20 times as much on every path
 * that searches an index, and 2^53 offsets last 285 years at a million records a second (docs/adr/0001).
 */
export type Offset = Brand<number, "Offset">;
/** +1 at every election of a partition; (LeaderEpoch, Offset) names one record for ever. −1 = none known. */
export type LeaderEpoch = Brand<number, "LeaderEpoch">;
/** +1 at every change of a partition's row. */
export type PartitionEpoch = Brand<number, "PartitionEpoch">;
/** Handed out to a broker process at each registration; greater is newer, cluster-wide. */
export type BrokerEpoch = Brand<number, "BrokerEpoch">;
/** +1 at each takeover of the controller. */
export type ControllerEpoch = Brand<number, "ControllerEpoch">;
/** A broker's number: stable over restarts, ≥ 0. −1 = no broker. */
export type BrokerId = Brand<number, "BrokerId">;
/** Number of a partition within its topic, ≥ 0. */
export type PartitionIndex = Brand<number, "PartitionIndex">;
/** Milliseconds since 1970, UTC. −1 = none. */
export type TimestampMs = Brand<number, "TimestampMs">;
/** A topic's id: 32 lower-case hexadecimal digits (a UUID without hyphens). A re-created topic has a new one. */
export type TopicId = Brand<string, "TopicId">;
/** Names one process of one broker: a random string of its start. */
export type Incarnation = Brand<string, "Incarnation">;
/** Names one data folder: a random string written when it is first used. */
export type StorageId = Brand<string, "StorageId">;

const whole = (value: number, least: number, what: string): number => {
  assert(Number.isSafeInteger(value) && value >= least, `${what} ${value} is a whole number ≥ ${least}`);
  return value;
};

export const offset = (value: number): Offset => whole(value, 0, "offset") as Offset;
export const leaderEpoch = (value: number): LeaderEpoch => whole(value, -1, "leader epoch") as LeaderEpoch;
export const partitionEpoch = (value: number): PartitionEpoch => whole(value, 0, "partition epoch") as PartitionEpoch;
export const brokerEpoch = (value: number): BrokerEpoch => whole(value, -1, "broker epoch") as BrokerEpoch;
export const controllerEpoch = (value: number): ControllerEpoch =>
  whole(value, 0, "controller epoch") as ControllerEpoch;
export const brokerId = (value: number): BrokerId => whole(value, -1, "broker id") as BrokerId;
export const partitionIndex = (value: number): PartitionIndex => whole(value, 0, "partition") as PartitionIndex;
export const timestampMs = (value: number): TimestampMs => whole(value, -1, "timestamp") as TimestampMs;

export function topicId(value: string): TopicId {
  assert(/^[0-9a-f]{32}$/.test(value), `topic id ${value} is 32 hexadecimal digits`);
  return value as TopicId;
}

export const NO_BROKER = -1 as BrokerId;
export const NO_EPOCH = -1 as LeaderEpoch;
/** The id that stands for "no topic id" on the wire. */
export const NO_TOPIC_ID = "00000000000000000000000000000000" as TopicId;
