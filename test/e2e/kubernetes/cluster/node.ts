import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Binaries } from "./binaries.ts";
import { certificateFile, kubeconfigOf } from "./certificates.ts";
import { cgroupFolders, killAll, processesInCgroup, processesOf } from "./processes.ts";
import { BRIDGE, DNS_ADDRESS, HOST_ADDRESS, type NodePlace, PAUSE_IMAGE, POD_RANGE } from "./settings.ts";
import { run, startDetached, tryRun, until } from "./shell.ts";

/** Where the CNI library notes what it did for each pod. */
export const CNI_RESULTS = "/var/lib/cni/results";
const CNI_PLUGINS = "/usr/lib/cni";

const inNode = (node: NodePlace, name: string): string => path.join(node.folder, name);

function containerdConfig(node: NodePlace): string {
  return `version = 2
root = "${inNode(node, "containerd")}"
state = "${inNode(node, "run")}"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[debug]
  level = "warn"
[grpc]
  address = "${node.socket}"
[ttrpc]
  address = "${node.socket}.ttrpc"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  # Inside a container or a virtual machine a lower score may be forbidden, and no pod would start.
  restrict_oom_score_adj = true
  # Namespaces of this node's pods lie below its own folder, so that taking it down finds them.
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${CNI_PLUGINS}"
    conf_dir = "${inNode(node, "cni")}"
`;
}

function cniConfig(node: NodePlace): object {
  const range = {
    subnet: POD_RANGE,
    rangeStart: `10.88.${node.number}.1`,
    rangeEnd: `10.88.${node.number}.254`,
    gateway: HOST_ADDRESS,
  };
  const ipam = {
    type: "host-local",
    dataDir: inNode(node, "addresses"),
    ranges: [[range]],
    routes: [{ dst: "0.0.0.0/0" }],
  };
  const bridge = { type: "bridge", bridge: BRIDGE, ipMasq: false, hairpinMode: true, ipam };
  const plugins = [bridge, { type: "portmap", capabilities: { portMappings: true } }];
  return { cniVersion: "0.4.0", name: node.scope, plugins };
}

function kubeletConfig(node: NodePlace): object {
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    address: node.address,
    port: 10250,
    healthzPort: 0,
    readOnlyPort: 0,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: certificateFile("ca") },
    },
    authorization: { mode: "Webhook" },
    containerRuntimeEndpoint: `unix://${node.socket}`,
    failCgroupV1: false,
    failSwapOn: false,
    cgroupDriver: "cgroupfs",
    cgroupRoot: `/${node.scope}`,
    enforceNodeAllocatable: [],
    clusterDNS: [DNS_ADDRESS],
    clusterDomain: "cluster.local",
    resolvConf: "/dev/null",
    podLogsDir: inNode(node, "pod-logs"),
    volumePluginDir: inNode(node, "volume-plugins"),
    // Three kubelets on one machine would each write the same chains.
    makeIPTablesUtilChains: false,
    nodeStatusUpdateFrequency: "2s",
    nodeLeaseDurationSeconds: 4,
    imageGCHighThresholdPercent: 100,
    evictionHard: { "nodefs.available": "1%", "imagefs.available": "1%", "memory.available": "100Mi" },
    // Containers are killed again and again here: waiting minutes between restarts would test the waiting.
    featureGates: { KubeletCrashLoopBackOffMax: true },
    crashLoopBackOff: { maxContainerRestartPeriod: "1s" },
  };
}

/** A cgroup of the node's own; in version 1 a new cpuset is empty and admits nobody until it is filled in. */
function makeCgroup(node: NodePlace): void {
  for (const folder of cgroupFolders(node.scope)) {
    mkdirSync(folder, { recursive: true });
    if (!folder.includes("/cpuset/")) continue;
    for (const file of ["cpuset.cpus", "cpuset.mems"]) {
      writeFileSync(path.join(folder, file), readFileSync(path.join(folder, "..", file)));
    }
  }
}

async function startContainerd(node: NodePlace): Promise<void> {
  const config = inNode(node, "containerd.toml");
  startDetached(`containerd-${node.name}`, "containerd", ["--config", config]);
  const asks = async (): Promise<boolean> => (await tryRun("ctr", ["--address", node.socket, "version"])) !== null;
  await until(`containerd of ${node.name} answers`, asks, { log: `containerd-${node.name}` });
}

function startKubelet(node: NodePlace, binaries: Binaries): void {
  startDetached(`kubelet-${node.name}`, binaries.kube, [
    "kubelet",
    `--config=${inNode(node, "kubelet.json")}`,
    `--kubeconfig=${kubeconfigOf(node.name)}`,
    `--hostname-override=${node.name}`,
    `--root-dir=${inNode(node, "kubelet")}`,
    `--cert-dir=${inNode(node, "kubelet-pki")}`,
    `--node-ip=${node.address}`,
    `--node-labels=topology.kubernetes.io/zone=${node.zone}`,
  ]);
}

/** Files, cgroup and containerd; the node joins the cluster with `startNode`. */
export async function prepareNode(node: NodePlace, images: readonly string[]): Promise<void> {
  mkdirSync(inNode(node, "cni"), { recursive: true });
  mkdirSync(inNode(node, "volumes"), { recursive: true });
  writeFileSync(inNode(node, "containerd.toml"), containerdConfig(node));
  writeFileSync(inNode(node, "cni/10-pods.conflist"), JSON.stringify(cniConfig(node)));
  writeFileSync(inNode(node, "kubelet.json"), JSON.stringify(kubeletConfig(node)));
  makeCgroup(node);
  await startContainerd(node);
  for (const image of images) await importImage(node, image);
}

export async function startNode(node: NodePlace, binaries: Binaries): Promise<void> {
  await tryRun("ip", ["address", "add", `${node.address}/16`, "dev", BRIDGE]);
  startKubelet(node, binaries);
}

/** An archive in Docker's or OCI's form becomes an image on this node. */
export async function importImage(node: NodePlace, file: string): Promise<void> {
  const args = ["--address", node.socket, "--namespace", "k8s.io", "images", "import", file];
  await run("ctr", args, { timeoutMs: 180_000 });
}

/** The process of a container, by the id that a pod's status gives (`containerd://…`). */
export async function containerPid(node: NodePlace, containerId: string): Promise<number> {
  const listed = await run("ctr", ["--address", node.socket, "--namespace", "k8s.io", "tasks", "list"]);
  const id = containerId.replace("containerd://", "");
  const [, pid] = listed.match(new RegExp(`^${id}\\s+(\\d+)\\s+RUNNING`, "m")) ?? [];
  if (pid === undefined) throw new Error(`${node.name} runs no container ${id}`);
  return Number(pid);
}

/** Host sides of the veths of a node's pods. */
function podLinks(node: NodePlace): string[] {
  if (!existsSync(CNI_RESULTS)) return [];
  const files = readdirSync(CNI_RESULTS).filter((file) => file.startsWith(`${node.scope}-`));
  return files.flatMap((file) => {
    const noted = readFileSync(path.join(CNI_RESULTS, file), "utf8");
    return [...new Set(noted.match(/\bveth[0-9a-f]+\b/g) ?? [])];
  });
}

/**
 * A machine is lost: first nothing reaches its pods any more, then all that ran on it is gone. In this order, because
 * a lost machine sends no RST, and a killed process does.
 */
export async function loseNode(node: NodePlace): Promise<void> {
  await Promise.all(podLinks(node).map((link) => tryRun("ip", ["link", "set", link, "down"])));
  await tryRun("ip", ["address", "delete", `${node.address}/16`, "dev", BRIDGE]);
  await killAll(processesOf(node.folder).map(({ pid }) => pid));
  await killAll(processesInCgroup(node.scope));
}

/** It comes back as after a reboot: the same name, images and volumes, none of the pods running. */
export async function returnNode(node: NodePlace, binaries: Binaries): Promise<void> {
  await startContainerd(node);
  await startNode(node, binaries);
}

export const isNodeUp = (node: NodePlace): boolean =>
  processesOf(node.folder).some(({ args }) => args.includes("kubelet"));
