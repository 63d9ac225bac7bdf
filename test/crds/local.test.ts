import { expect, test } from "@jest/globals";
import { clusterCases } from "./cases/cluster.ts";
import { limitCases } from "./cases/limits.ts";
import { topicCases } from "./cases/topic.ts";
import { judgeLocally } from "./judge.ts";

/** The cases of `make test-crds`, without an API server: what `tidemark up` makes of them. */
test.each([
  ["rules of Cluster", clusterCases],
  ["rules of Topic", topicCases],
  ["limits of every field", limitCases],
])("tidemark up refuses what the API server refuses: %s", (_what, cases) => {
  const faults = cases.map((one) => [one.says, judgeLocally(one)]).filter(([, fault]) => fault !== null);
  expect(faults).toEqual([]);
  expect(cases.length).toBeGreaterThan(30);
});
