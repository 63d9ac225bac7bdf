import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { parseAllDocuments } from "yaml";
import { SHARD_DATA_LENGTH_MAX } from "../../../operator/resources/metadata-shard.ts";
import type { ApiServer } from "../api-server.ts";
import { cluster, type Kind, topic, type Value } from "../case.ts";
import { wholeClusterStatus, wholeTopicStatus } from "../everything.ts";
import { messageOf, pathOf } from "../installed.ts";
import { faultOf, objectOf, stored, write } from "../judge.ts";

/** What the API server does with the objects beyond taking or refusing them. */
export interface Behaviour {
  readonly says: string;
  judge(server: ApiServer): Promise<string | null>;
}

const differs = (found: unknown, wanted: unknown): string | null =>
  isDeepStrictEqual(found, wanted) ? null : `is ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`;

/** The cells of one object as `kubectl get` shows them, by the names of their columns. */
async function cellsOf(server: ApiServer, kind: Kind, name: string): Promise<Value> {
  const accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
  const { body } = await server.call({ method: "GET", path: pathOf(kind, name), accept });
  const { columnDefinitions: columns, rows } = body as {
    columnDefinitions: { name: string; priority: number }[];
    rows: { cells: unknown[] }[];
  };
  const cells = columns.map(({ name: column, priority }, index) => [
    priority > 0 ? `${column} (wide)` : column,
    rows[0]?.cells[index],
  ]);
  return Object.fromEntries(cells.filter(([column]) => column !== "Age" && column !== "Name")) as Value;
}

/** Server-side apply of a status under a manager of its own, as the operator writes it. */
const applyStatus = (server: ApiServer, at: { kind: Kind; name: string; manager: string }, status: Value) =>
  server.call({
    method: "PATCH",
    path: `${pathOf(at.kind, at.name, "status")}?fieldManager=${at.manager}&force=true`,
    contentType: "application/apply-patch+yaml",
    body: { apiVersion: "tidemark.dev/v1alpha1", kind: at.kind, metadata: { name: at.name }, status },
  });

const condition = (type: string): Value => ({
  type,
  status: "True",
  observedGeneration: 1,
  lastTransitionTime: "2026-01-02T03:04:05Z",
  reason: "AllWell",
  message: "",
});

export const behaviours: readonly Behaviour[] = [
  {
    says: "every resource in examples/ is accepted as it is written there",
    async judge(server) {
      const folder = path.resolve(import.meta.dirname, "../../../examples");
      const files = readdirSync(folder).filter((file) => file.endsWith(".yaml"));
      let seen = 0;
      for (const file of files) {
        for (const document of parseAllDocuments(readFileSync(path.join(folder, file), "utf8"))) {
          const body = document.toJS() as { kind: Kind };
          const target = `${pathOf(body.kind)}?dryRun=All&fieldValidation=Strict`;
          const fault = faultOf(await server.call({ method: "POST", path: target, body }), undefined);
          if (fault !== null) return `${file}: ${body.kind} ${fault}`;
          seen++;
        }
      }
      return seen >= 2 ? null : `only ${seen} resources were seen`;
    },
  },
  {
    says: "kubectl knows the short names, and the category for what people write",
    async judge(server) {
      const { body } = await server.call({ method: "GET", path: "/apis/tidemark.dev/v1alpha1" });
      const resources = body["resources"] as { name: string; shortNames?: string[]; categories?: string[] }[];
      const found = resources.map(({ name, shortNames = [], categories = [] }) =>
        [name, ...shortNames, ...categories].join(" "),
      );
      return differs(found.sort(), [
        "clusters tmc tidemark",
        "clusters/scale",
        "clusters/status",
        "metadatashards tms",
        "topics tmt tidemark",
        "topics/status",
      ]);
    },
  },
  {
    says: "kubectl get shows the status of a Cluster",
    async judge(server) {
      const name = await stored(server, "Cluster", cluster(), wholeClusterStatus);
      return differs(await cellsOf(server, "Cluster", name), {
        Brokers: 3,
        Ready: 3,
        "Under-replicated": 1,
        Offline: 0,
        Status: "3 of 3 brokers are ready",
        "Wanted (wide)": 3,
        "Progress (wide)": null,
        "Version (wide)": "0.1.0",
        "Bootstrap (wide)": "a-bootstrap.default.svc:9092",
      });
    },
  },
  {
    says: "kubectl get shows the status of a Topic",
    async judge(server) {
      const name = await stored(server, "Topic", topic({ topicName: "Orders_1.eu" }), wholeTopicStatus);
      return differs(await cellsOf(server, "Topic", name), {
        Cluster: "c",
        Partitions: 24,
        RF: 3,
        Ready: "True",
        "Under-replicated": 0,
        Offline: 0,
        Status: "3 of 3 brokers are ready",
        "Topic name (wide)": "Orders_1.eu",
        "Topic ID (wide)": "abc",
        "Cluster namespace (wide)": null,
      });
    },
  },
  {
    says: "the scale subresource shows brokers wanted, brokers there, and their selector",
    async judge(server) {
      const name = await stored(server, "Cluster", cluster({ replicas: 5 }), { replicas: 3, selector: "a=b" });
      const { body } = await server.call({ method: "GET", path: pathOf("Cluster", name, "scale") });
      return differs([body["spec"], body["status"]], [{ replicas: 5 }, { replicas: 3, selector: "a=b" }]);
    },
  },
  {
    says: "a status is written through its subresource only",
    async judge(server) {
      const name = await stored(server, "Cluster", cluster(), { minimumReplicas: 3 });
      const { body } = await server.call({ method: "GET", path: pathOf("Cluster", name) });
      const changed = { ...body, status: { minimumReplicas: 1 } };
      const answer = await server.call({ method: "PUT", path: pathOf("Cluster", name), body: changed });
      return differs(answer.body["status"], { minimumReplicas: 3 });
    },
  },
  {
    says: "a highest replication factor above the number of brokers can be written into a status",
    async judge(server) {
      const name = await stored(server, "Cluster", cluster({ replicas: 2 }));
      return faultOf(
        await applyStatus(server, { kind: "Cluster", name, manager: "m" }, { minimumReplicas: 3 }),
        undefined,
      );
    },
  },
  {
    says: "two managers apply conditions of one status side by side",
    async judge(server) {
      const name = await stored(server, "Topic", topic());
      for (const type of ["Ready", "Reassigning"]) {
        const status = { conditions: [condition(type)] };
        const answer = await applyStatus(server, { kind: "Topic", name, manager: `manager-${type}` }, status);
        if (answer.status !== 200) return messageOf(answer);
      }
      const { body } = await server.call({ method: "GET", path: pathOf("Topic", name) });
      const { conditions } = body["status"] as { conditions: { type: string }[] };
      return differs(conditions.map(({ type }) => type).sort(), ["Ready", "Reassigning"]);
    },
  },
  {
    says: "a MetadataShard of the greatest size fits into etcd, quotes and all",
    async judge(server) {
      const row = '{"topicId":"AAAAAAAAAAAAAAAAAAAAAA","partition":0,"replicas":[0,1,2],"isr":[0,1,2]},';
      const data = row.repeat(SHARD_DATA_LENGTH_MAX / row.length).padEnd(SHARD_DATA_LENGTH_MAX, "x");
      const spec = { kind: "Rows", controllerEpoch: 1, sequence: 1, writer: "a", data };
      const answer = await server.call({
        method: "POST",
        path: pathOf("MetadataShard"),
        body: objectOf("MetadataShard", "full", spec),
      });
      return faultOf(answer, undefined);
    },
  },
  {
    says: "a MetadataShard that somebody else has written meanwhile is not written over",
    async judge(server) {
      const spec = { kind: "Root", controllerEpoch: 1, sequence: 1, writer: "a", data: "" };
      const name = await stored(server, "MetadataShard", spec);
      const target = pathOf("MetadataShard", name);
      const { body } = await server.call({ method: "GET", path: target });
      const second = { ...body, spec: { ...spec, sequence: 2 } };
      const first = await server.call({ method: "PUT", path: target, body: second });
      const stale = await server.call({
        method: "PUT",
        path: target,
        body: { ...body, spec: { ...spec, sequence: 3 } },
      });
      return differs([first.status, stale.status], [200, 409]);
    },
  },
  {
    says: "an unknown field is refused strictly and pruned otherwise",
    async judge(server) {
      const body = objectOf("Cluster", "a", cluster({ raack: {} }));
      const answer = await server.call({ method: "POST", path: `${pathOf("Cluster")}?dryRun=All`, body });
      if (answer.status !== 201) return messageOf(answer);
      return "raack" in (answer.body["spec"] as object) ? "it was kept" : null;
    },
  },
  {
    says: "a refused change leaves the object as it was",
    async judge(server) {
      const name = await stored(server, "Topic", topic({ partitions: 3 }));
      const answer = await write(server, { kind: "Topic", name }, { spec: topic({ partitions: 2 }) });
      const { body } = await server.call({ method: "GET", path: pathOf("Topic", name) });
      return differs([answer.status, (body["spec"] as Value)["partitions"]], [422, 3]);
    },
  },
];
