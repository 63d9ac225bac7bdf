import { expect, test } from "@jest/globals";
import type { Peers } from "../../peers/peers.ts";
import { recordsOf } from "../../wire/record-batch-records.ts";
import { buildBatch } from "../../wire/record-batch-builder.ts";
import { idOf, TestBroker } from "../../testing/test-broker.ts";
import { Fetches } from "./fetches.ts";

const topics = [
  { name: "t", id: 1, partitions: 2 },
  { name: "u", id: 2 },
];

test("what is wanted of several partitions at one peer is given to whoever wanted it", async () => {
  const here = new TestBroker();
  const peer = new TestBroker();
  for (const topic of topics) {
    here.addTopic({ ...topic, leader: 2 });
    for (const [partition, replica] of peer.addTopic(topic).entries()) {
      replica.append(buildBatch([{ value: `${topic.name}-${partition}`, timestamp: 1 }]));
      replica.commit();
    }
  }
  const client = peer.connect();
  const peers = {
    ask: async (_: unknown, { api, version, body }: Parameters<Peers["ask"]>[1]) => ({
      kind: "answered",
      body: await client.request(api, version, body),
    }),
  } as unknown as Peers;
  const fetches = new Fetches({ broker: here.context, peers });
  const wanted = [
    [1, 0],
    [1, 1],
    [2, 0],
    [1, 1],
  ] as const;
  const found = await Promise.all(wanted.map(([topic, partition]) => fetches.fetch(idOf(topic), partition, 0)));
  const values = found.map((one) =>
    one.kind === "records" ? [...recordsOf(one.chunks[0]!, 0)].map(({ value }) => String(value)) : one.kind,
  );
  expect(values).toEqual([["t-0"], ["t-1"], ["u-0"], ["t-1"]]);
});
