import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "@jest/globals";
import { type ChartTestOptions, runChartTest } from "./chart-test.ts";

type Objects = Map<string, unknown>;

/** An API server as far as this program uses one; `ready` is what its custom resources say of themselves. */
async function apiServer(ready: object, options: { keeps?: string } = {}) {
  const objects: Objects = new Map();
  const server: Server = createServer((request, response) => {
    const at = new URL(request.url ?? "", "http://api");
    const [, resource = "", name = ""] = /\/namespaces\/here\/([a-z]+)\/?(.*)$/.exec(at.pathname) ?? [];
    const key = name === "" ? resource : `${resource}/${name}`;
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    if (request.headers.authorization !== "Bearer secret") return answer(401, { message: "who are you?" });
    if (request.method === "POST") {
      objects.set(`${resource}/tidemark-test`, {});
      return answer(201, {});
    }
    if (request.method === "DELETE") {
      objects.delete(key);
      return answer(200, {});
    }
    if (name !== "") return answer(200, { status: { conditions: [{ type: "Ready", ...ready }] } });
    return answer(200, { items: resource === options.keeps ? [{}] : [] });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { objects, server, url: `http://127.0.0.1:${port}` };
}

async function run(api: Awaited<ReturnType<typeof apiServer>>, options: Partial<ChartTestOptions>) {
  const said: string[] = [];
  const failure = await runChartTest({
    server: api.url,
    token: "secret",
    namespace: "here",
    timeoutMs: 300,
    bootstrap: "127.0.0.1:1",
    say: (line) => said.push(line),
    ...options,
  }).then(
    () => null,
    (error: Error) => error.message,
  );
  api.server.closeAllConnections();
  api.server.close();
  return { said, failure };
}

/** A cluster on this machine with the topic that the test would have made in Kubernetes. */
async function withCluster(use: (bootstrap: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), "tidemark-chart-test-"));
  const kind = (name: string, spec: object): string =>
    JSON.stringify({ apiVersion: "tidemark.dev/v1alpha1", kind: name, metadata: { name: "tidemark-test" }, spec });
  const topic = { clusterRef: { name: "tidemark-test" }, partitions: 1 };
  const file = path.join(folder, "cluster.yaml");
  writeFileSync(file, `${kind("Cluster", { replicas: 1 })}\n---\n${kind("Topic", topic)}\n`);
  const program = path.join(import.meta.dirname, "cli", "main.ts");
  const child = spawn(process.execPath, [program, "up", "-f", file, "--data", folder, "--port", "0"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  try {
    const bootstrap = await new Promise<string>((resolve, reject) => {
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        const found = /bootstrap (\S+)/.exec(text)?.[1];
        if (found !== undefined) resolve(found);
      });
      child.once("exit", (code) => reject(new Error(`no cluster: exit ${code}`)));
    });
    await use(bootstrap);
  } finally {
    child.kill("SIGTERM");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
}

test("records are written and read back, and everything made is removed", async () => {
  const api = await apiServer({ status: "True" });
  await withCluster(async (bootstrap) => {
    const { said, failure } = await run(api, { bootstrap, timeoutMs: 30_000 });
    expect(failure).toBeNull();
    expect(said).toEqual([
      "clusters tidemark-test made",
      "topics tidemark-test made",
      "clusters tidemark-test Ready",
      "topics tidemark-test Ready",
      "100 records written",
      "100 records read, each once and in order",
      "nothing is left",
      "passed",
    ]);
    expect([...api.objects.keys()]).toEqual([]);
  });
}, 60_000);

test("a cluster that does not become Ready fails it with the condition's own words, and is removed", async () => {
  const api = await apiServer({ status: "False", reason: "BrokersStarting", message: "the image cannot be pulled" });
  const { failure } = await run(api, {});
  expect(failure).toBe("clusters tidemark-test is not Ready: BrokersStarting: the image cannot be pulled");
  expect([...api.objects.keys()]).toEqual([]);
});

test("an API server that refuses is told in its words", async () => {
  const { failure } = await run(await apiServer({ status: "True" }), { token: "wrong" });
  expect(failure).toBe("clusters tidemark-test cannot be made (401): who are you?");
});

test("something left behind fails it by name", async () => {
  const api = await apiServer({ status: "True" }, { keeps: "persistentvolumeclaims" });
  await withCluster(async (bootstrap) => {
    const { failure } = await run(api, { bootstrap, timeoutMs: 3000 });
    expect(failure).toBe("persistentvolumeclaims of tidemark-test are left");
  });
}, 60_000);
