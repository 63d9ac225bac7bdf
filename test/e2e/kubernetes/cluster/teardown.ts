import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { CNI_RESULTS } from "./node.ts";
import { killAll, processesInCgroup, processesOf, removeCgroup } from "./processes.ts";
import { BRIDGE, nodes, RULE_COMMENT, stateFolder } from "./settings.ts";
import { HarnessError, run, tryRun, until } from "./shell.ts";

/** The state folder of the cluster that owns the bridge, noted as the bridge's alias; null without a bridge. */
async function ownerOfBridge(): Promise<string | null> {
  const shown = await tryRun("ip", ["-json", "link", "show", BRIDGE]);
  if (shown === null) return null;
  const [link] = JSON.parse(shown) as { ifalias?: string }[];
  return link?.ifalias ?? "";
}

/** Two clusters would share addresses, chains and cgroups: another one that lives is never taken down by accident. */
export async function refuseForeignCluster(): Promise<void> {
  const owner = await ownerOfBridge();
  if (owner === null || owner === "" || owner === stateFolder || processesOf(owner).length === 0) return;
  throw new HarnessError(`a cluster runs in ${owner}: end it first, with TIDEMARK_KUBE_STATE=${owner} make kube-down`);
}

/** Mount points below the state folder, the deepest first. Spaces are written as \040 in there; ours have none. */
const mountsOfState = (): string[] =>
  readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((mount) => mount.startsWith(`${stateFolder}/`))
    .sort((a, b) => b.length - a.length);

async function unmountAll(): Promise<void> {
  await until("everything is unmounted", async () => {
    for (const mount of mountsOfState()) await tryRun("umount", ["--lazy", mount]);
    return mountsOfState().length === 0;
  });
}

/** The rules without kube-proxy's, the CNI plugins' and ours: whatever else the machine has stays as it is. */
async function cleanTables(): Promise<void> {
  for (const family of ["iptables", "ip6tables"]) {
    const saved = await tryRun(`${family}-save`, []);
    if (saved === null) continue;
    const lines = saved.split("\n");
    const kept = lines.filter((line) => !/\bKUBE-|\bCNI-/.test(line) && !line.includes(RULE_COMMENT));
    if (kept.length < lines.length) await run(`${family}-restore`, [], { input: kept.join("\n") });
  }
}

function forgetPods(): void {
  if (!existsSync(CNI_RESULTS)) return;
  const files = readdirSync(CNI_RESULTS);
  const pods = files.flatMap((file) => {
    const scope = nodes.find((node) => file.startsWith(`${node.scope}-`))?.scope;
    return scope === undefined ? [] : [file.slice(scope.length + 1).replace(/-[^-]+$/, "")];
  });
  // Each pod has two notes: that of our network, and one of its loopback.
  for (const file of files.filter((each) => pods.some((pod) => each.includes(pod)))) {
    rmSync(path.join(CNI_RESULTS, file), { force: true });
  }
}

/**
 * Takes everything away that a run left, whatever became of that run: processes, mounts, network, rules, cgroups,
 * data. Logs stay in the state folder.
 */
export async function tearDown(): Promise<void> {
  await refuseForeignCluster();
  // First what would start things again: without kubelets and shims nobody does.
  await killAll(processesOf().map(({ pid }) => pid));
  for (const { scope } of nodes) await killAll(processesInCgroup(scope));
  await killAll(processesOf().map(({ pid }) => pid));
  await unmountAll();
  await tryRun("ip", ["link", "delete", BRIDGE]);
  await cleanTables();
  forgetPods();
  for (const { scope } of nodes) removeCgroup(scope);
  if (!existsSync(stateFolder)) return;
  for (const name of readdirSync(stateFolder)) {
    if (name !== "logs") rmSync(path.join(stateFolder, name), { recursive: true, force: true });
  }
}
