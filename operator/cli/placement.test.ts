import { expect, test } from "@jest/globals";
import type { Message, PartitionMetadata } from "kafkajs";
import { Placement } from "./placement.ts";

const partitionsOf = (count: number): PartitionMetadata[] =>
  Array.from({ length: count }, (_, partitionId) => ({
    partitionErrorCode: 0,
    partitionId,
    leader: 0,
    replicas: [0],
    isr: [0],
  }));

const messages: Message[] = Array.from({ length: 60 }, (_, n) => ({ key: `key-${n % 20}`, value: `value ${n}` }));

test("the first record goes alone, to learn the partitions", () => {
  const { groups, rest } = new Placement("t").split(messages);
  expect(groups).toEqual([[messages[0]]]);
  expect(rest).toEqual(messages.slice(1));
});

test("every later send is of one partition, the one that the client would have chosen, in order", () => {
  const placement = new Placement("t");
  const partitioner = placement.createPartitioner();
  const chosen = messages.map((message) => partitioner({ topic: "t", partitionMetadata: partitionsOf(6), message }));
  const { groups, rest } = placement.split(messages);
  expect(rest).toEqual([]);
  expect(groups.length).toBeGreaterThan(1);
  for (const group of groups) {
    const { partition } = group[0]!;
    expect(group).toEqual(
      messages.filter((_, n) => chosen[n] === partition).map((message) => ({ ...message, partition })),
    );
  }
  expect(groups.flat()).toHaveLength(messages.length);
});

test("a partition that was asked for is kept", () => {
  const placement = new Placement("t");
  const asked = { value: "v", partition: 3 };
  placement.createPartitioner()({ topic: "t", partitionMetadata: partitionsOf(6), message: asked });
  expect(placement.split([asked]).groups).toEqual([[asked]]);
});

test("a record for a partition that does not exist is known once the partitions are", () => {
  const placement = new Placement("t");
  const message = { value: "v", partition: 6 };
  expect(placement.missing(message)).toBeNull();
  placement.createPartitioner()({ topic: "t", partitionMetadata: partitionsOf(6), message });
  expect(placement.missing(message)).toBe(6);
  expect([5, undefined].map((partition) => placement.missing({ value: "v", partition: partition as number }))).toEqual([
    null,
    null,
  ]);
  expect(placement.partitionCount).toBe(6);
});
