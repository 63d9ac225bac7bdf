import { expect, test } from "@jest/globals";
import { TidemarkError } from "#base/errors.ts";
import type { AdminClient } from "./admin-client.ts";
import { ReassignAdmin } from "./reassign-admin.ts";

test("of a plan that brokers take a part of before they are gone, what they took is told", async () => {
  const targets = Array.from({ length: 1500 }, (_, partition) => ({ topic: "t", partition, replicas: [1] }));
  const taken = { partitions: targets.slice(0, 1000).map((one) => ({ partitionIndex: one.partition, errorCode: 0 })) };
  const answers = [{ errorCode: 0, responses: [{ name: "t", ...taken }] }];
  const ask = async (): Promise<unknown> => {
    const answer = answers.shift();
    if (answer === undefined) throw new TidemarkError("PEER_UNREACHABLE", "nobody answers");
    return answer;
  };
  const outcomes = await new ReassignAdmin({ ask } as unknown as AdminClient).alter(targets);
  expect(outcomes.map(({ partition }) => partition)).toEqual(targets.map(({ partition }) => partition));
  expect(outcomes.filter(({ refusal }) => refusal === null)).toHaveLength(1000);
  expect(outcomes.at(-1)?.refusal).toBe("nobody answers");
});
