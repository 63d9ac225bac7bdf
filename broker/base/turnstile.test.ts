import { expect, test } from "@jest/globals";
import { settle } from "./testing/fake-clock.ts";
import { Turnstile } from "./turnstile.ts";

test("so many are let through at a time, in the order in which they came, also when one fails", async () => {
  const turnstile = new Turnstile(2);
  const log: string[] = [];
  const works = ["a", "b", "c", "d"].map((name) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const passed = turnstile.pass(() => {
      log.push(name);
      return promise;
    });
    return { passed, resolve, reject };
  });
  await settle();
  expect(log).toEqual(["a", "b"]);
  works[1]!.reject(new Error("b failed"));
  await expect(works[1]!.passed).rejects.toThrow("b failed");
  await settle();
  expect(log).toEqual(["a", "b", "c"]);
  for (const { resolve } of works) resolve();
  await Promise.all([works[0]!, works[2]!, works[3]!].map(({ passed }) => passed));
  expect(log).toEqual(["a", "b", "c", "d"]);
  await turnstile.pass(async () => void log.push("e"));
  expect(log.at(-1)).toBe("e");
});
