import { expect, test } from "@jest/globals";
import { nodeClock } from "./node-clock.ts";

test("what is to run soon runs in order and in one turn, what that asks for included", async () => {
  const ran: string[] = [];
  setImmediate(() => ran.push("a turn begun before"));
  nodeClock.soon(() => {
    ran.push("first");
    nodeClock.soon(() => {
      ran.push("asked for by the first");
      setImmediate(() => ran.push("the next turn"));
      nodeClock.soon(() => ran.push("asked for by that"));
    });
  });
  nodeClock.soon(() => ran.push("second"));
  await new Promise((resolve) => setTimeout(resolve));
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  expect(ran).toEqual([
    "a turn begun before",
    "first",
    "second",
    "asked for by the first",
    "asked for by that",
    "the next turn",
  ]);
});
