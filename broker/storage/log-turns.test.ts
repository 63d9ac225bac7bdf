import { expect, test } from "@jest/globals";
import { settle } from "../base/testing/fake-clock.ts";
import { LogTurns } from "./log-turns.ts";

test("a cut waits for a look under way, and the look, which saw what is gone, is repeated", async () => {
  const turns = new LogTurns(() => null);
  const { promise: isReleased, resolve: release } = Promise.withResolvers<void>();
  const events: string[] = [];
  const read = turns.stable(async () => {
    events.push("look begins");
    await isReleased;
    events.push("look ends");
  });
  const cut = turns.cut(
    async () => {},
    async () => void events.push("cut"),
  );
  for (let turn = 0; turn < 10; turn++) await settle();
  expect(events).toEqual(["look begins"]);
  release();
  await Promise.all([cut, read]);
  expect(events).toEqual(["look begins", "look ends", "cut", "look begins", "look ends"]);
});
