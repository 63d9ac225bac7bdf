import { expect, test } from "@jest/globals";
import { topicNameProblem } from "./topic-name.ts";

test("names that no topic can have are refused in one sentence, others are not", () => {
  for (const name of ["", ".", "..", "a/b", "a b", "ä", "a".repeat(250)]) {
    expect(topicNameProblem(name)).toMatch(/^Topic name is invalid: [^\n]+$/);
  }
  for (const name of ["a", "...", "A-b_c.9", "a".repeat(249)]) expect(topicNameProblem(name)).toBeNull();
});
