import type { ApiServer } from "../api-server.ts";
import { cluster, topic, type Value } from "../case.ts";
import { pathOf, replaceSchema, schemaOf, until } from "../installed.ts";
import { faultOf, objectOf, stored, write } from "../judge.ts";
import type { Behaviour } from "./behaviour.ts";

/** Takes anything, as a looser version of the definition might have. */
const loose = {
  type: "object",
  properties: {
    spec: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    status: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
  },
};

interface Wedge {
  readonly says: string;
  readonly kind: "Cluster" | "Topic";
  /** Stored under the loose schema; wrong under ours. */
  readonly before: Value;
  /** A change of something else. */
  readonly other: Value;
  readonly mended: Value;
  readonly stillWrong: Value;
  readonly refused: string;
}

const wedges: readonly Wedge[] = [
  {
    says: "a size of 12 GB",
    kind: "Cluster",
    before: cluster({ storage: { size: "12 GB" } }),
    other: cluster({ storage: { size: "12 GB" }, replicas: 4 }),
    mended: cluster({ storage: { size: "12Gi" } }),
    stillWrong: cluster({ storage: { size: "13 GB" } }),
    refused: "must be a quantity such as 10Gi",
  },
  {
    says: "a configuration value that is no number",
    kind: "Cluster",
    before: cluster({ config: { "num.partitions": "six" } }),
    other: cluster({ config: { "num.partitions": "six" }, image: "a" }),
    mended: cluster({ config: { "num.partitions": "6" } }),
    stillWrong: cluster({ config: { "num.partitions": "seven" } }),
    refused: "must have whole numbers",
  },
  {
    says: "two listeners of one port",
    kind: "Cluster",
    before: cluster({
      listeners: [
        { name: "a", port: 1 },
        { name: "b", port: 1 },
      ],
    }),
    other: cluster({
      listeners: [
        { name: "a", port: 1 },
        { name: "b", port: 1 },
      ],
      replicas: 4,
    }),
    mended: cluster({
      listeners: [
        { name: "a", port: 1 },
        { name: "b", port: 2 },
      ],
    }),
    stillWrong: cluster({
      listeners: [
        { name: "a", port: 1 },
        { name: "c", port: 1 },
      ],
    }),
    refused: "must have different ports",
  },
  {
    says: "a min.insync.replicas that is no number",
    kind: "Topic",
    before: topic({ replicationFactor: 3, config: { "min.insync.replicas": "two" } }),
    other: topic({ replicationFactor: 2, config: { "min.insync.replicas": "two" } }),
    mended: topic({ replicationFactor: 3, config: { "min.insync.replicas": "2" } }),
    stillWrong: topic({ replicationFactor: 3, config: { "min.insync.replicas": "all" } }),
    refused: "must have whole numbers",
  },
];

/** Whether the schema in force refuses what ours refuses: a new one counts a little after it is written. */
const isStrict = async (server: ApiServer, kind: "Cluster" | "Topic"): Promise<boolean> => {
  const body = objectOf(kind, "probe", { config: { a: 1 } });
  const { status } = await server.call({ method: "POST", path: `${pathOf(kind)}?dryRun=All`, body });
  return status === 422;
};

/** What an earlier version let in must not lock the object: it can be mended, and all else can be changed. */
export const ratcheting: readonly Behaviour[] = [
  {
    says: "what an earlier definition let in locks nothing and can be mended",
    async judge(server) {
      const kinds = ["Cluster", "Topic"] as const;
      for (const kind of kinds) {
        await replaceSchema(server, kind, loose);
        await until(`${kind} takes anything`, async () => !(await isStrict(server, kind)));
      }
      const names: string[] = [];
      for (const { kind, before } of wedges) names.push(await stored(server, kind, before));
      for (const kind of kinds) {
        await replaceSchema(server, kind, schemaOf(kind));
        await until(`${kind} takes what is right`, () => isStrict(server, kind));
      }
      for (const [index, wedge] of wedges.entries()) {
        const fault = await judgeWedge(server, wedge, names[index] ?? "");
        if (fault !== null) return `${wedge.says}: ${fault}`;
      }
      return null;
    },
  },
];

async function judgeWedge(server: ApiServer, wedge: Wedge, name: string): Promise<string | null> {
  const at = { kind: wedge.kind, name };
  const steps = [
    ["a label", { label: "a" }, undefined],
    ["another field", { spec: wedge.other }, undefined],
    ["another wrong value", { spec: wedge.stillWrong }, wedge.refused],
    ["the right value", { spec: wedge.mended }, undefined],
    ["the wrong value again", { spec: wedge.before }, wedge.refused],
  ] as const;
  for (const [says, after, refused] of steps) {
    const fault = faultOf(await write(server, at, after), refused);
    if (fault !== null) return `${says} ${fault}`;
  }
  return null;
}
