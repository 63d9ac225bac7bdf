import { readFileSync } from "node:fs";
import path from "node:path";
import { parseAllDocuments } from "yaml";
import { HarnessError, run as runToEnd } from "../cluster/shell.ts";
import { type Context, figuresOf } from "../context.ts";
import { isPodReady } from "../kube.ts";

export const name = "install and quickstart";

const quickstart = path.join(import.meta.dirname, "../../../../examples/quickstart.yaml");
const NAMESPACE = "quickstart";
const command = path.join(import.meta.dirname, "../../../../operator/cli/main.ts");

/** The example of the README, as a user applies it: then the Cluster of all later scenarios is used. */
export async function run(context: Context): Promise<string> {
  const { kube, cluster } = context;
  await kube.makeNamespace(NAMESPACE);
  const started = performance.now();
  await kube.kubectl(["--namespace", NAMESPACE, "apply", "--filename", quickstart]);
  const waits = ["--for=condition=Ready", "--timeout=120s"];
  await kube.kubectl(["--namespace", NAMESPACE, "wait", ...waits, "cluster/quickstart"]);
  const clusterReadyMs = performance.now() - started;
  await kube.kubectl(["--namespace", NAMESPACE, "wait", ...waits, "topic/cities"]);
  const names = parseAllDocuments(readFileSync(quickstart, "utf8")).map((document) => document.toJS().metadata.name);
  const pods = await kube.brokerPods({ namespace: NAMESPACE, name: names[0] });
  if (pods.filter(isPodReady).length !== 3) throw new Error("a Cluster is Ready whose three pods are not");
  await usedByCommand(kube.kubeconfigFile, `${NAMESPACE}/${names[0]}`);
  const columns = await kube.kubectl(["--namespace", NAMESPACE, "get", "clusters,topics"]);
  process.stdout.write(columns.replace(/^(?=.)/gm, "        "));
  await kube.core.deleteNamespace({ name: NAMESPACE });
  const outcome = await context.underLoad(async () => "");
  const ready = `apply to Ready ${(clusterReadyMs / 1000).toFixed(1)} s`;
  return `${ready}; then on ${cluster.name}: ${figuresOf(outcome)}`;
}

/** `tidemark --cluster`, from outside of Kubernetes: through the API server to the brokers' pods. */
async function usedByCommand(kubeconfig: string, cluster: string): Promise<void> {
  const tidemark = (args: readonly string[], input = ""): Promise<string> => {
    const all = [command, ...args, "--cluster", cluster, "--kubeconfig", kubeconfig];
    return runToEnd(process.execPath, all, { input });
  };
  const topics = JSON.parse(await tidemark(["topics", "list", "--output", "json"])) as readonly { name: string }[];
  if (!topics.some(({ name: topic }) => topic === "cities")) throw new HarnessError("`topics list` shows no cities");
  await tidemark(["produce", "cities"], "from outside\n");
  const read = await tidemark(["consume", "cities"]);
  if (read !== "from outside\n") throw new HarnessError(`\`consume\` read ${JSON.stringify(read.slice(0, 100))}`);
}
