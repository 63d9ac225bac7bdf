import { expect, test } from "@jest/globals";
import type { Producer } from "kafkajs";
import { Placement } from "./placement.ts";
import { RecordSender } from "./record-sender.ts";

test("large records fill what may wait long before many do, and make room as they are sent", async () => {
  const sends: (() => void)[] = [];
  const send = (): Promise<void> => new Promise((resolve) => sends.push(resolve));
  const producer = { send } as unknown as Producer;
  const sender = new RecordSender({ producer, placement: new Placement("t"), topic: "t", acks: -1, compression: 0 });
  const value = Buffer.alloc(512 * 1024);
  while (!sender.isFull) {
    expect(sender.taken).toBeLessThan(20);
    sender.add({ value });
  }
  let hasRoom = false;
  const room = sender.room().then(() => {
    hasRoom = true;
  });
  while (!hasRoom) {
    for (const done of sends.splice(0)) done();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await room;
  expect([sender.isFull, sender.fault]).toEqual([false, null]);
});
