import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type Binaries, ensureBinaries } from "./binaries.ts";
import { makeCertificates } from "./certificates.ts";
import { isApiReady, startControlPlane } from "./control-plane.ts";
import { dnsObjects } from "./dns.ts";
import { writeImageArchive } from "./image-archive.ts";
import { importImage, isNodeUp, prepareNode, startNode } from "./node.ts";
import { installPackages } from "./packages.ts";
import { processesOf } from "./processes.ts";
import {
  BRIDGE,
  COREDNS_IMAGE,
  HOST_ADDRESS,
  kubeconfigFile,
  LOAD_BALANCER_RANGE,
  nodes,
  PAUSE_IMAGE,
  RULE_COMMENT,
  SERVICE_RANGE,
  stateFolder,
} from "./settings.ts";
import { HarnessError, run, startDetached, tryRun, until } from "./shell.ts";
import { refuseForeignCluster, tearDown } from "./teardown.ts";

type Say = (line: string) => void;

const infrastructure = path.join(import.meta.dirname, "..", "infrastructure", "main.ts");

const kubectl = (binaries: Binaries, args: readonly string[], input?: string): Promise<string> =>
  run(binaries.kubectl, ["--kubeconfig", kubeconfigFile, ...args], input === undefined ? {} : { input });

/** The bridge on which all pods hang, and the ways to it from the machine. */
async function makeNetwork(): Promise<void> {
  const bridgeFilter = "/proc/sys/net/bridge/bridge-nf-call-iptables";
  await tryRun("modprobe", ["br_netfilter"]);
  await run("ip", ["link", "add", BRIDGE, "type", "bridge"]);
  await run("ip", ["link", "set", BRIDGE, "alias", stateFolder]);
  await run("ip", ["address", "add", `${HOST_ADDRESS}/16`, "dev", BRIDGE]);
  await run("ip", ["link", "set", BRIDGE, "up"]);
  for (const range of [SERVICE_RANGE, LOAD_BALANCER_RANGE]) await run("ip", ["route", "add", range, "dev", BRIDGE]);
  if (!existsSync(bridgeFilter)) {
    // Without it an answer from pod to pod over a Service's address would not be translated back.
    throw new HarnessError("the kernel's br_netfilter is missing: load it (modprobe br_netfilter) and try again");
  }
  writeFileSync(bridgeFilter, "1");
  writeFileSync("/proc/sys/net/ipv4/ip_forward", "1");
  for (const way of ["--in-interface", "--out-interface"]) {
    const mark = ["--match", "comment", "--comment", RULE_COMMENT, "--jump", "ACCEPT"];
    await run("iptables", ["--wait", "--insert", "FORWARD", way, BRIDGE, ...mark]);
  }
}

function systemImages(binaries: Binaries): string[] {
  const folder = path.join(stateFolder, "images");
  mkdirSync(folder, { recursive: true });
  const images = [
    { tag: PAUSE_IMAGE, program: binaries.pause },
    { tag: COREDNS_IMAGE, program: binaries.coredns },
  ];
  return images.map((image) => {
    const out = path.join(folder, `${path.basename(image.program)}.tar`);
    writeImageArchive(out, image);
    return out;
  });
}

async function applyObjects(binaries: Binaries, objects: readonly object[]): Promise<void> {
  const list = { apiVersion: "v1", kind: "List", items: objects };
  await kubectl(binaries, ["apply", "--server-side", "--filename=-"], JSON.stringify(list));
}

async function nodesReady(binaries: Binaries): Promise<void> {
  const path = '{range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}';
  const areReady = async (): Promise<boolean> => {
    const statuses = await kubectl(binaries, ["get", "nodes", `--output=jsonpath=${path}`]);
    return statuses.split("\n").filter((status) => status === "True").length === nodes.length;
  };
  await until(`${nodes.length} nodes are Ready`, areReady, { limitMs: 90_000, log: "kubelet-node1" });
}

async function isUp(): Promise<boolean> {
  if (!existsSync(kubeconfigFile) || !nodes.every(isNodeUp)) return false;
  const isServed = processesOf().some(({ program }) => program === "node");
  return isServed && (await isApiReady());
}

/** A run's logs stay until the next but one. */
function keepOldLogs(): void {
  const logs = path.join(stateFolder, "logs");
  if (!existsSync(logs)) return;
  const old = path.join(stateFolder, "logs.previous");
  rmSync(old, { recursive: true, force: true });
  renameSync(logs, old);
}

function refuseUnfit(): void {
  if (process.platform !== "linux" || process.getuid?.() !== 0) {
    throw new HarnessError("a Kubernetes of our own takes root on Linux; see docs/end-to-end.md");
  }
  if (!/^ID(?:_LIKE)?=.*debian/m.test(readFileSync("/etc/os-release", "utf8"))) {
    throw new HarnessError("a Kubernetes of our own takes Debian's packages: see docs/end-to-end.md");
  }
}

/** A Kubernetes of three nodes on this machine: built if need be, found if it runs, made anew if it is half there. */
export async function bringUp(say: Say): Promise<Binaries> {
  refuseUnfit();
  await installPackages(say);
  const binaries = await ensureBinaries(say);
  if (await isUp()) return binaries;
  const started = performance.now();
  await refuseForeignCluster();
  await tearDown();
  mkdirSync(stateFolder, { recursive: true });
  keepOldLogs();
  mkdirSync(path.join(stateFolder, "logs"));
  await makeCertificates();
  await makeNetwork();
  const images = systemImages(binaries);
  await Promise.all([startControlPlane(binaries), ...nodes.map((node) => prepareNode(node, images))]);
  await Promise.all(nodes.map((node) => startNode(node, binaries)));
  await applyObjects(binaries, dnsObjects);
  startDetached("infrastructure", process.execPath, [infrastructure, `--state=${stateFolder}`]);
  await nodesReady(binaries);
  const rollout = ["--namespace=kube-system", "rollout", "status", "deployment/coredns", "--timeout=60s"];
  await kubectl(binaries, rollout);
  say(`three nodes are ready after ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return binaries;
}

/** An image's archive onto every node. */
export async function importEverywhere(file: string): Promise<void> {
  if (!existsSync(file)) throw new HarnessError(`${file}: no such file`);
  await Promise.all(nodes.map((node) => importImage(node, file)));
}
