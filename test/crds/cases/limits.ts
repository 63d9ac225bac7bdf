import type { CreateCase, Kind, StatusCase, Value } from "../case.ts";
import { wholeCluster, wholeClusterStatus, wholeShard, wholeTopic, wholeTopicStatus } from "../everything.ts";
import { schemaAsWritten } from "../judge.ts";
import { type Limit, limitsOf } from "../limits.ts";

/** Values within their own limits that a rule over several fields refuses in the company they have here. */
const refusedByRules: Readonly<Record<string, string>> = {
  "spec.storage.ephemeral: true": "must not have both ephemeral: true and a storageClass",
  "spec.allowedNamespaces.from: Same": "must have names if, and only if",
  "spec.allowedNamespaces.from: All": "must have names if, and only if",
  "spec.allowedNamespaces.names: no item": "must have names if, and only if",
};

const sectionOf = (kind: Kind, section: "spec" | "status", whole: Value): Limit[] =>
  limitsOf(schemaAsWritten(kind).properties?.[section] ?? {}, whole, section);

const refusalOf = ({ says, isAllowed, field }: Limit): { refused?: string } => {
  const byRule = refusedByRules[says];
  if (byRule !== undefined) return { refused: byRule };
  return isAllowed ? {} : { refused: field };
};

const specs: readonly [Kind, Value][] = [
  ["Cluster", wholeCluster],
  ["Topic", wholeTopic],
  ["MetadataShard", wholeShard],
];

export const limitCases: readonly CreateCase[] = specs.flatMap(([kind, whole]) =>
  sectionOf(kind, "spec", whole).map((limit) => ({
    says: `${kind} ${limit.says}`,
    kind,
    spec: limit.value,
    ...refusalOf(limit),
  })),
);

export const statusCases: readonly StatusCase[] = (
  [
    ["Cluster", wholeClusterStatus],
    ["Topic", wholeTopicStatus],
  ] as const
).flatMap(([kind, whole]) =>
  sectionOf(kind, "status", whole).map((limit) => ({
    says: `${kind} ${limit.says}`,
    kind,
    status: limit.value,
    ...refusalOf(limit),
  })),
);
