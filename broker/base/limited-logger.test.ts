import { expect, test } from "@jest/globals";
import { LimitedLogger } from "./limited-logger.ts";
import { type Logger, silent } from "./logging.ts";
import { FakeClock } from "./testing/fake-clock.ts";

function harness() {
  const clock = new FakeClock();
  const lines: { message: string; fields: Record<string, unknown> | undefined }[] = [];
  const logger: Logger = { ...silent, warn: (message, fields) => void lines.push({ message, fields }) };
  return { clock, lines, logger: new LimitedLogger({ clock, logger }) };
}

test("of a flood of one warning ten lines are written, and then how many were left out", async () => {
  const { clock, lines, logger } = harness();
  for (let remote = 0; remote < 5000; remote++) logger.warn("refused", { remote });
  expect(lines.map(({ fields }) => fields)).toEqual(Array.from({ length: 10 }, (_, remote) => ({ remote })));
  await clock.advance(10_000);
  expect(lines.slice(10)).toEqual([
    { message: "lines like this one were left out", fields: { line: "refused", leftOut: 4990 } },
  ]);
  await clock.advance(60_000);
  expect(lines.length).toBe(11);
});

test("each warning has a count of its own, and every ten seconds a new one", async () => {
  const { clock, lines, logger } = harness();
  for (let i = 0; i < 50; i++) logger.warn("a flood");
  logger.warn("something rare");
  expect(lines.at(-1)?.message).toBe("something rare");
  await clock.advance(10_000);
  logger.warn("a flood");
  expect(lines.at(-1)?.message).toBe("a flood");
});

test("a warning that comes now and then is always written, and nothing is said to be left out", async () => {
  const { clock, lines, logger } = harness();
  for (let i = 0; i < 40; i++) {
    logger.warn("now and then");
    await clock.advance(1500);
  }
  expect(lines.length).toBe(40);
});

test("other levels go through", () => {
  let errors = 0;
  const logger = new LimitedLogger({ clock: new FakeClock(), logger: { ...silent, error: () => void errors++ } });
  for (let i = 0; i < 100; i++) logger.error("failed");
  expect(errors).toBe(100);
});
