/*
 * What `helm test` runs in the project's image: a cluster of one broker and a topic of its own come to be, records are
 * written to it and read back by the command, and everything is taken away again. One line for each step; the first
 * that fails ends it, exit code 1, and what it made is removed all the same.
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";

const NAME = "tidemark-test";
const RECORDS = 100;
const LOOK_MS = 250;
const TOKEN_FILE = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/** Where the API server is, and how this program may speak to it. */
export interface ChartTestOptions {
  readonly server: string;
  readonly token: string;
  readonly namespace: string;
  readonly timeoutMs: number;
  /** Where clients find the brokers. */
  readonly bootstrap: string;
  readonly say: (line: string) => void;
}

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

class Failure extends Error {}

const groupOf: Readonly<Record<string, string>> = {
  clusters: "apis/tidemark.dev/v1alpha1",
  topics: "apis/tidemark.dev/v1alpha1",
  metadatashards: "apis/tidemark.dev/v1alpha1",
  statefulsets: "apis/apps/v1",
  pods: "api/v1",
  persistentvolumeclaims: "api/v1",
};

const pause = (delayMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, delayMs));

const cluster = (namespace: string) => ({
  apiVersion: "tidemark.dev/v1alpha1",
  kind: "Cluster",
  metadata: { name: NAME, namespace },
  spec: {
    replicas: 1,
    storage: { ephemeral: true, deletionPolicy: "Delete" },
    listeners: [{ name: "internal", port: 9092, type: "internal" }],
  },
});

const topic = (namespace: string) => ({
  apiVersion: "tidemark.dev/v1alpha1",
  kind: "Topic",
  metadata: { name: NAME, namespace },
  spec: { clusterRef: { name: NAME }, partitions: 1, replicationFactor: 1, deletionPolicy: "Delete" },
});

class ChartTest {
  readonly #options: ChartTestOptions;
  readonly #untilMs: number;

  constructor(options: ChartTestOptions) {
    this.#options = options;
    this.#untilMs = Date.now() + options.timeoutMs;
  }

  async run(): Promise<void> {
    try {
      await this.#create("clusters", cluster(this.#options.namespace));
      await this.#create("topics", topic(this.#options.namespace));
      await this.#isReady("clusters");
      await this.#isReady("topics");
      await this.#writeAndRead();
    } finally {
      await this.#remove();
    }
    await this.#isGone();
    this.#options.say("passed");
  }

  async #call(method: string, resource: string, options: { name?: string; query?: string; body?: object } = {}) {
    const { server, token, namespace } = this.#options;
    const { name = "", query = "", body } = options;
    const place = `${server}/${groupOf[resource]}/namespaces/${namespace}/${resource}`;
    const response = await fetch(`${place}${name === "" ? "" : `/${name}`}${query}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      signal: AbortSignal.timeout(10_000),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Answer["body"] };
  }

  async #create(resource: string, object: object): Promise<void> {
    const { status, body } = await this.#call("POST", resource, { body: object });
    if (status !== 201) throw new Failure(`${resource} ${NAME} cannot be made (${status}): ${body["message"]}`);
    this.#options.say(`${resource} ${NAME} made`);
  }

  async #isReady(resource: string): Promise<void> {
    let said = "no status yet: is the operator running, and does it serve this namespace?";
    await this.#until(
      async () => {
        const { body } = await this.#call("GET", resource, { name: NAME });
        const { conditions = [] } = (body["status"] ?? {}) as { conditions?: readonly Condition[] };
        const ready = conditions.find(({ type }) => type === "Ready");
        if (ready !== undefined) said = `${ready.reason ?? ready.status}: ${ready.message ?? ""}`;
        return ready?.status === "True";
      },
      () => `${resource} ${NAME} is not Ready: ${said}`,
    );
    this.#options.say(`${resource} ${NAME} Ready`);
  }

  async #until(isSo: () => Promise<boolean>, reason: () => string): Promise<void> {
    while (!(await isSo())) {
      if (Date.now() > this.#untilMs) throw new Failure(reason());
      await pause(LOOK_MS);
    }
  }

  async #writeAndRead(): Promise<void> {
    const lines = Array.from({ length: RECORDS }, (_, index) => `record ${index}\n`).join("");
    await this.#command(["produce", NAME], lines);
    this.#options.say(`${RECORDS} records written`);
    const read = await this.#command(["consume", NAME, "--count", String(RECORDS)], "");
    if (read !== lines) throw new Failure(`what was read is not what was written:\n${read}`);
    this.#options.say(`${RECORDS} records read, each once and in order`);
  }

  #command(what: readonly string[], input: string): Promise<string> {
    const program = path.resolve(import.meta.dirname, "cli", "main.ts");
    const child = spawn(process.execPath, [program, ...what, "--bootstrap", this.#options.bootstrap], {
      stdio: ["pipe", "pipe", "pipe"],
      timeout: 60_000,
    });
    let [out, said] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
    child.stdin.on("error", () => {}).end(input);
    return new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => {
        if (code === 0) resolve(out);
        else reject(new Failure(`${what[0]} ended with ${code}: ${said.trim()}`));
      });
    });
  }

  /** The topic first: whoever manages it may still ask the cluster to remove it. */
  async #remove(): Promise<void> {
    for (const resource of ["topics", "clusters"]) {
      const { status, body } = await this.#call("DELETE", resource, { name: NAME });
      if (status !== 200 && status !== 202 && status !== 404) {
        this.#options.say(`${resource} ${NAME} cannot be removed (${status}): ${body["message"]}`);
      }
    }
  }

  async #isGone(): Promise<void> {
    const query = `?labelSelector=${encodeURIComponent(`tidemark.dev/cluster=${NAME}`)}`;
    for (const resource of ["pods", "statefulsets", "persistentvolumeclaims", "metadatashards"]) {
      await this.#until(
        async () => {
          const { body } = await this.#call("GET", resource, { query });
          return ((body["items"] ?? []) as unknown[]).length === 0;
        },
        () => `${resource} of ${NAME} are left`,
      );
    }
    this.#options.say("nothing is left");
  }
}

/** @throws Error whose message says which step failed and why. */
export const runChartTest = (options: ChartTestOptions): Promise<void> => new ChartTest(options).run();

async function main(): Promise<void> {
  const { env } = process;
  const namespace = env["TEST_NAMESPACE"] ?? "default";
  const host = env["KUBERNETES_SERVICE_HOST"] ?? "kubernetes.default.svc";
  const say = (line: string): void => void process.stdout.write(`helm test: ${line}\n`);
  try {
    await runChartTest({
      server: `https://${host.includes(":") ? `[${host}]` : host}:${env["KUBERNETES_SERVICE_PORT"] ?? "443"}`,
      token: readFileSync(TOKEN_FILE, "utf8").trim(),
      namespace,
      timeoutMs: Number(env["TEST_TIMEOUT_SECONDS"] ?? "180") * 1000,
      bootstrap: `${NAME}-bootstrap.${namespace}.svc:9092`,
      say,
    });
  } catch (error) {
    say(`FAILED: ${Error.isError(error) ? error.message : String(error)}`);
    process.exit(1);
  }
}

if (import.meta.main) await main();
