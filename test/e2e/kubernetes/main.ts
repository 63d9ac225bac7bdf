import { existsSync, mkdirSync, readdirSync } from "node:fs";
import path from "node:path";
import { ensureBinaries, type Binaries } from "./cluster/binaries.ts";
import { bringUp, importEverywhere } from "./cluster/cluster.ts";
import { cacheFolder, kubeconfigFile, stateFolder } from "./cluster/settings.ts";
import { HarnessError, run, until } from "./cluster/shell.ts";
import { Context, type Scenario } from "./context.ts";
import { Faults } from "./faults.ts";
import { GROUP, Kube, OPERATOR_NAME, VERSION } from "./kube.ts";
import { resolvePodNames } from "./names.ts";

/*
 * Tidemark on a real Kubernetes: installed by its chart, written to throughout, and hurt in every way that it says it
 * survives. A plain program: one line a scenario, exit code 1 when one fails.
 *   main.ts [core | NUMBER…]     only these scenarios
 */

const root = path.join(import.meta.dirname, "../../..");
const OPERATOR_NAMESPACE = "tidemark-system";
const CLUSTER = { namespace: "tidemark-e2e", name: "main" };
const RELEASE = "tidemark";
const INSTALL_LIMIT_MS = 120_000;

/** Those that guard the core, in about six minutes. */
const CORE = ["1", "2", "4", "5", "6", "7", "8", "12", "14", "28"];

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const wordsOf = (error: unknown): string => {
  if (!Error.isError(error)) return String(error);
  return error.message.split("\n")[0] ?? "";
};

/** The checkout's image under a tag of its own, so that every run installs what stands here. */
async function importImage(): Promise<string> {
  const tag = `e2e-${Date.now()}`;
  const folder = path.join(cacheFolder, "images");
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, "tidemark.tar");
  await run(process.execPath, [path.join(root, "charts/image/build.ts"), file, `docker.io/local/tidemark:${tag}`]);
  await importEverywhere(file);
  return tag;
}

async function install(binaries: Binaries, kube: Kube): Promise<void> {
  const tag = await importImage();
  await kube.makeNamespace(OPERATOR_NAMESPACE);
  const chart = path.join(root, "charts/tidemark");
  const where = ["--kubeconfig", kube.kubeconfigFile, "--namespace", OPERATOR_NAMESPACE];
  const values = ["--set", `image.tag=${tag}`, "--set", "rbac.nodes=true"];
  const args = ["upgrade", "--install", RELEASE, chart, ...where, ...values, "--wait", "--timeout=100s"];
  await run(binaries.helm, args, { timeoutMs: INSTALL_LIMIT_MS });
  const isActive = async (): Promise<boolean> => (await kube.activeOperator(OPERATOR_NAMESPACE)) !== null;
  await until(`${OPERATOR_NAME} holds its Lease`, isActive, { limitMs: 30_000 });
}

async function makeCluster(kube: Kube): Promise<void> {
  await kube.makeNamespace(CLUSTER.namespace);
  await kube.apply({
    apiVersion: `${GROUP}/${VERSION}`,
    kind: "Cluster",
    metadata: CLUSTER,
    spec: {
      replicas: 3,
      storage: { size: "1Gi", deletionPolicy: "Delete" },
      rack: { topologyKey: "topology.kubernetes.io/zone" },
    },
  });
  await kube.condition("Cluster", CLUSTER, { type: "Ready" });
}

/** What an earlier run left is not built upon. */
async function removeEarlier(kube: Kube): Promise<void> {
  const names = [
    OPERATOR_NAMESPACE,
    CLUSTER.namespace,
    "quickstart",
    "doomed",
    "applied-again",
    "outside",
    "metadata-lost",
    "hundred-brokers",
  ];
  for (const name of names) {
    if ((await kube.namespace(name)) !== null) await kube.core.deleteNamespace({ name });
  }
  const areGone = async (): Promise<boolean> => {
    const found = await Promise.all(names.map((name) => kube.namespace(name)));
    return found.every((namespace) => namespace === null);
  };
  await until("namespaces of an earlier run are gone", areGone, { limitMs: 120_000 });
}

async function scenarios(numbers: readonly string[]): Promise<Scenario[]> {
  const folder = path.join(import.meta.dirname, "scenarios");
  const files = readdirSync(folder).filter((file) => /^\d\d-.*\.ts$/.test(file));
  const wanted = numbers.join() === "core" ? CORE : numbers;
  const isChosen = (file: string): boolean => wanted.length === 0 || wanted.includes(String(Number.parseInt(file)));
  const chosen = files.sort().filter(isChosen);
  if (chosen.length === 0) throw new HarnessError(`there is no scenario ${wanted.join(", ")}`);
  return Promise.all(chosen.map(async (file) => (await import(path.join(folder, file))) as Scenario));
}

const counts = { passed: 0, failed: 0 };

async function report(name: string, act: () => Promise<string>): Promise<boolean> {
  const started = performance.now();
  const seconds = (): string => `[${((performance.now() - started) / 1000).toFixed(0)} s]`;
  try {
    say(`ok      ${name}: ${await act()} ${seconds()}`);
    counts.passed++;
    return true;
  } catch (error) {
    say(`FAILED  ${name}: ${wordsOf(error)} ${seconds()}`);
    if (process.env["DEBUG"] !== undefined && Error.isError(error)) say(error.stack ?? "");
    counts.failed++;
    return false;
  }
}

/** Our own cluster on this machine. Another one that KUBECONFIG names is refused, for its nodes would be hurt. */
async function connect(): Promise<{ binaries: Binaries; kube: Kube }> {
  const given = process.env["KUBECONFIG"];
  if (given !== undefined && given !== kubeconfigFile) {
    throw new HarnessError(`KUBECONFIG names ${given}: these scenarios kill nodes and processes of the machine itself`);
  }
  const binaries = existsSync(kubeconfigFile) ? await ensureBinaries(say) : await bringUp(say);
  await bringUp(say);
  return { binaries, kube: new Kube({ kubeconfigFile, kubectl: binaries.kubectl }) };
}

async function main(): Promise<void> {
  const chosen = await scenarios(process.argv.slice(2));
  const { binaries, kube } = await connect();
  const hostsFile = path.join(stateFolder, "pods.hosts");
  const names = await resolvePodNames(kube, hostsFile);
  const faults = new Faults(binaries);
  const places = { hostsFile, cluster: CLUSTER, operatorNamespace: OPERATOR_NAMESPACE, release: RELEASE };
  const context = new Context({ kube, faults, ...places, helm: binaries.helm });
  const prepare = async (): Promise<string> => {
    await removeEarlier(kube);
    await install(binaries, kube);
    await makeCluster(kube);
    return `the chart's operator serves a Cluster of three brokers`;
  };
  if (await report("helm install", prepare)) {
    for (const scenario of chosen) await report(scenario.name, () => scenario.run(context));
    await report("everything read back", () => context.checkEverything());
  }
  await names.stop();
}

try {
  await main();
} catch (error) {
  counts.failed++;
  process.stderr.write(`e2e: ${wordsOf(error)}\n`);
}
say(`e2e-kubernetes: ${counts.passed} passed, ${counts.failed} failed`);
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);
