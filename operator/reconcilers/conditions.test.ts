import { expect, test } from "@jest/globals";
import { changedConditions } from "./conditions.ts";

const conditionOf = (type: string, status: "True" | "False" | "Unknown", reason: string) => ({
  type,
  status,
  reason,
  message: "",
  lastTransitionTime: "2026-01-01T00:00:00Z",
});

const isNews = (type: string, before: [status: "True" | "False", reason: string], after: typeof before): boolean =>
  changedConditions([conditionOf(type, ...before)], [conditionOf(type, ...after)]).length > 0;

test.each([
  ["Ready", ["False", "PartitionsOffline"], ["True", "Serving"], true],
  ["Degraded", ["True", "BrokerUnreachable"], ["False", "AllWell"], true],
  ["ReconciliationPaused", ["False", "NotPaused"], ["True", "Annotated"], true],
  ["ReconciliationPaused", ["True", "Annotated"], ["False", "NotPaused"], true],
  ["Progressing", ["True", "Rolling"], ["False", "RollFailed"], true],
  ["Progressing", ["False", "RollFailed"], ["False", "UpToDate"], false],
  ["FullyReplicated", ["True", "InSync"], ["False", "UnderReplicated"], true],
  ["FullyReplicated", ["False", "UnderReplicated"], ["True", "InSync"], false],
  ["Ready", ["True", "Serving"], ["True", "Serving"], false],
] as const)("%s from %j to %j is told: %s", (type, before, after, isTold) => {
  expect(isNews(type, [...before], [...after])).toBe(isTold);
});
