import { expect, test } from "@jest/globals";
import { TidemarkError } from "#base/errors.ts";
import { lineFor } from "./exit.ts";

test("a message is one line that leaves a terminal as it is, whatever it quotes", () => {
  const quoted = new TidemarkError("BAD_INPUT", "plan.json: is no JSON: \u001b[2J\r\u009b1A\nsecond line");
  expect(lineFor(quoted)).toBe("plan.json: is no JSON: \ufffd[2J\ufffd\ufffd1A");
  expect(lineFor(new Error("odd\u0007"))).toBe("this is a bug of Tidemark, please report it: odd\ufffd");
});
