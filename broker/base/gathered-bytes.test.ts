import { expect, test } from "@jest/globals";
import { GatheredBytes } from "./gathered-bytes.ts";

test("parts are one piece, whatever becomes of them and of what is added afterwards", () => {
  const gathered = new GatheredBytes();
  const part = Buffer.alloc(1);
  for (const letter of "parts") {
    part.write(letter);
    gathered.add(part);
  }
  expect(gathered.sizeBytes).toBe(5);
  const taken = gathered.take();
  expect([gathered.sizeBytes, gathered.take().length]).toEqual([0, 0]);
  gathered.add(Buffer.from("others"));
  expect([taken.toString(), gathered.take().toString()]).toEqual(["parts", "others"]);
});

test("parts of a byte take no more memory than twice their bytes", () => {
  const gathered = new GatheredBytes();
  for (let count = 0; count < 100_000; count++) gathered.add(Buffer.of(count));
  const taken = gathered.take();
  expect(taken.every((byte, at) => byte === at % 256)).toBe(true);
  expect([taken.length, taken.buffer.byteLength <= 200_000]).toEqual([100_000, true]);
});
