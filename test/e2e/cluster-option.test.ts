import { createServer } from "node:net";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { FakeApiServer } from "../../operator/adapters/kubernetes/testing/fake-api-server.ts";
import { Run, type Told } from "../../operator/cli/stand-ins/site.ts";
import { linesOf, LiveSite } from "./live-site.ts";

jest.setTimeout(120_000);

const CLUSTERS = "/apis/tidemark.dev/v1alpha1/namespaces/shop/clusters";
const clusterOf = (more: object = {}, status: object = {}) => ({
  apiVersion: "tidemark.dev/v1alpha1",
  kind: "Cluster",
  metadata: { name: "orders", namespace: "shop" },
  spec: { replicas: 3, listeners: [{ name: "internal", port: 9092, type: "internal" }], ...more },
  status,
});
const statusOf = (code: number, message: string, details?: object) => ({
  status: code,
  body: { kind: "Status", status: "Failure", code, message, ...(details === undefined ? {} : { details }) },
});

let api: FakeApiServer;
let folder: string;
let kubeconfig: string;

/** Outside of any cluster and of whoever runs the tests. */
const alone = { KUBECONFIG: "", HOME: "/nowhere", KUBERNETES_SERVICE_HOST: undefined } as unknown as Record<
  string,
  string
>;

const told = (args: readonly string[], input?: string): Promise<Told> =>
  new Run(args, { env: alone, ...(input === undefined ? {} : { input }) }).told();
const ask = (...args: string[]): Promise<Told> => told([...args, "--kubeconfig", kubeconfig]);
const refused = async (...args: string[]): Promise<string> => {
  const { code, out, err } = await told(["topics", "list", ...args]);
  expect({ code, out }).toEqual({ code: 1, out: "" });
  expect(err).toMatch(/^tidemark: [^\n]+\n$/);
  return err.slice("tidemark: ".length, -1);
};

beforeEach(async () => {
  api = new FakeApiServer();
  const server = await api.listen();
  folder = mkdtempSync(path.join(tmpdir(), "tidemark-kube-"));
  kubeconfig = path.join(folder, "config");
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      "current-context": "work",
      clusters: [{ name: "c", cluster: { server, "insecure-skip-tls-verify": true } }],
      users: [{ name: "u", user: { token: "t" } }],
      contexts: [
        { name: "work", context: { cluster: "c", user: "u", namespace: "shop" } },
        { name: "broken", context: { cluster: "gone", user: "u" } },
      ],
    }),
  );
});

afterEach(async () => {
  await api.close();
  rmSync(folder, { recursive: true });
});

describe("a Cluster on Kubernetes, by its name", () => {
  const site = new LiveSite();

  beforeAll(() => site.started("--brokers", "3"));
  afterAll(() => site.dispose());

  const portOf = (broker: number): number => Number(site.clusterFile().brokers[broker]?.kafka.split(":")[1]);

  test("is reached through the API server, every broker at its own pod", async () => {
    api.answers.set(`${CLUSTERS}/orders`, { status: 200, body: clusterOf() });
    for (const broker of [0, 1, 2]) api.pods.set(`orders-broker-${broker}`, portOf(broker));
    const of = ["--cluster", "shop/orders", "--kubeconfig", kubeconfig];
    const created = await told(["topics", "create", "t", "--partitions", "6", ...of]);
    expect(created).toEqual({ code: 0, out: "topic t: created with 6 partitions, 3 replicas each\n", err: "" });
    const lines = linesOf(500);
    const written = await told(["produce", "t", "--key-separator", ":", ...of], `${lines.join("\n")}\n`);
    expect(written).toEqual({ code: 0, out: "", err: "" });
    const before = new Map(api.forwarded);
    const { code, out, err } = await ask("consume", "t", "--format", "%k:%v\\n", "--cluster", "orders");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(new Set(out.trimEnd().split("\n"))).toEqual(new Set(lines));
    for (const pod of api.pods.keys()) expect(api.forwarded.get(pod)).toBeGreaterThan(before.get(pod) ?? 0);
    expect((await ask("consume", "t", "--group", "g", "--until-end", "--cluster", "orders")).out).toHaveLength(
      lines.join("\n").length + 1 - lines.map((line) => line.indexOf(":") + 1).reduce((a, b) => a + b, 0),
    );
    expect((await ask("groups", "show", "g", "--cluster", "orders")).out).toMatch(/^group g: Empty, 0 members\n/);
  });

  test("is reached without its first broker, and at an address for outside where there is one", async () => {
    api.answers.set(`${CLUSTERS}/orders`, { status: 200, body: clusterOf() });
    for (const broker of [0, 1, 2]) api.pods.set(`orders-broker-${broker}`, portOf(broker));
    api.pods.delete("orders-broker-0");
    const list = ["topics", "list", "--cluster", "orders"];
    expect(await ask(...list)).toMatchObject({ code: 0, err: "" });
    const count = [...api.forwarded.values()].reduce((a, b) => a + b, 0);
    const outside = { listeners: [{ name: "out", port: 9093, type: "loadbalancer" }] };
    const status = { listeners: [{ name: "out", bootstrap: `127.0.0.1:1,127.0.0.1:${portOf(1)}` }] };
    api.answers.set(`${CLUSTERS}/orders`, { status: 200, body: clusterOf(outside, status) });
    expect((await ask(...list)).code).toBe(0);
    expect([...api.forwarded.values()].reduce((a, b) => a + b, 0)).toBe(count);
  });
});

describe("what is missing is said in one line", () => {
  const cluster = (name: string): Promise<string> => refused("--cluster", name, "--kubeconfig", kubeconfig);

  test("of the kubeconfig", async () => {
    expect(await refused("--cluster", "shop/orders")).toBe(
      "there is no kubeconfig: neither KUBECONFIG nor ~/.kube/config; --kubeconfig names one",
    );
    expect(await refused("--cluster", "orders", "--kubeconfig", "/nowhere/config")).toBe(
      "/nowhere/config: no such file; --kubeconfig names another",
    );
    const junk = path.join(folder, "junk");
    writeFileSync(junk, "{");
    expect(await refused("--cluster", "orders", "--kubeconfig", junk)).toContain(`${junk}: is no kubeconfig: `);
    const of = ["--cluster", "orders", "--kubeconfig", kubeconfig];
    expect(await refused(...of, "--context", "home")).toBe(
      "there is no context home in the kubeconfig; --context names one of: work, broken",
    );
    expect(await refused(...of, "--context", "broken")).toContain("names a cluster that the kubeconfig lacks");
    expect(await refused("--context", "work")).toBe("--context is for --cluster");
    expect(await cluster("Shop/orders/x")).toBe("--cluster Shop/orders/x: it must be NAMESPACE/NAME, or NAME");
  });

  test("without a secret of the kubeconfig", async () => {
    const text = readFileSync(kubeconfig, "utf8");
    const exec = { apiVersion: "client.authentication.k8s.io/v1", command: "echo", args: ["s3cret"] };
    writeFileSync(kubeconfig, text.replace('{"token":"t"}', JSON.stringify({ exec })));
    expect(await cluster("orders")).toBe(
      "context work of the kubeconfig cannot be used: the command that its user names prints no JSON",
    );
    writeFileSync(kubeconfig, text.replace("http://", "http://me:s3cret@"));
    api.answers.set(`${CLUSTERS}/orders`, statusOf(401, "Unauthorized"));
    expect(await cluster("orders")).toMatch(/^the API server of context work \(http:\/\/127[^)@]+\) does not know/);
  });

  test("of the Cluster", async () => {
    expect(await cluster("orders")).toBe("the API server of context work knows no Clusters; install the chart");
    const notFound = statusOf(404, 'clusters "orders" not found', { name: "orders", kind: "clusters" });
    api.answers.set(`${CLUSTERS}/orders`, notFound);
    expect(await cluster("orders")).toBe("there is no Cluster shop/orders");
    api.answers.set(CLUSTERS, { status: 200, body: { items: [] } });
    expect(await cluster("orders")).toBe("there is no Cluster shop/orders; there is none in namespace shop");
    const items = [{ metadata: { name: "stock" } }, { metadata: { name: "bills" } }];
    api.answers.set(CLUSTERS, { status: 200, body: { items } });
    expect(await cluster("orders")).toBe("there is no Cluster shop/orders; there are: bills, stock");
  });

  test("of rights", async () => {
    const says = 'clusters "orders" is forbidden: User "u" cannot get resource "clusters" in the namespace "shop"';
    api.answers.set(`${CLUSTERS}/orders`, statusOf(403, says));
    expect(await cluster("orders")).toMatch(
      /^the API server of context work \(http:[^)]+\) refuses: clusters "orders"/,
    );
    api.answers.set(`${CLUSTERS}/orders`, statusOf(401, "Unauthorized"));
    expect(await cluster("orders")).toContain("does not know the kubeconfig's user");
    api.answers.set(`${CLUSTERS}/orders`, { status: 200, body: clusterOf() });
    api.pods.set("orders-broker-0", 1);
    api.refusal = 403;
    expect(await cluster("orders")).toBe(
      "Cluster shop/orders: " +
        "the kubeconfig's user may not get and create pods/portforward in namespace shop (forbidden)",
    );
  });

  test("of pods, and of what listens in them", async () => {
    api.answers.set(`${CLUSTERS}/orders`, { status: 200, body: clusterOf() });
    expect(await cluster("orders")).toBe("Cluster shop/orders: there is no pod shop/orders-broker-0");
    const closed = createServer();
    const port = await new Promise<number>((resolve) => {
      closed.listen(0, "127.0.0.1", () => resolve((closed.address() as { port: number }).port));
    });
    await new Promise((resolve) => closed.close(resolve));
    api.pods.set("orders-broker-0", port);
    expect(await cluster("orders")).toContain(
      "Cluster shop/orders: pod shop/orders-broker-0: error forwarding port 9092",
    );
  });
});
