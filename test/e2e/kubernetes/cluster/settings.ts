import { homedir, tmpdir } from "node:os";
import path from "node:path";

/*
 * 1.34 is the last minor whose kubelet runs on cgroup v1 when told to, and on containerd 1.6, which Debian 12 has.
 */
export const KUBERNETES_VERSION = "1.34.4";
export const HELM_VERSION = "3.22.0";

/** Where what is built stays between runs and checkouts: building takes minutes, so it is done once a machine. */
export const cacheFolder = process.env["TIDEMARK_CACHE"] ?? path.join(homedir(), ".cache", "tidemark");
/** All that a running cluster keeps: keys, data, logs, kubeconfig. One cluster a machine. */
export const stateFolder = path.resolve(process.env["TIDEMARK_KUBE_STATE"] ?? path.join(tmpdir(), "tm-kube"));

export const kubeconfigFile = path.join(stateFolder, "admin.kubeconfig");
export const auditLogFile = path.join(stateFolder, "logs", "audit.log");

/** The machine's address in the pods' network: the bridge's own. */
export const HOST_ADDRESS = "10.88.0.1";
export const BRIDGE = "tidemark0";
export const POD_RANGE = "10.88.0.0/16";
export const SERVICE_RANGE = "10.96.0.0/16";
export const DNS_ADDRESS = "10.96.0.10";
/** Outside the pods' range, so that pods too reach it through their gateway, where kube-proxy sees it. */
export const LOAD_BALANCER_RANGE = "10.89.0.0/24";
export const API_PORT = 6443;
export const ETCD_PORT = 12379;
export const PAUSE_IMAGE = "docker.io/local/pause:1";
export const COREDNS_IMAGE = "docker.io/local/coredns:1";
/** Marks rules of ours among a machine's iptables. */
export const RULE_COMMENT = "tidemark-e2e";

export interface NodePlace {
  readonly name: string;
  readonly number: number;
  readonly address: string;
  readonly zone: string;
  readonly folder: string;
  readonly socket: string;
  /** Name of its CNI network and of its cgroup. */
  readonly scope: string;
}

export const nodes: readonly NodePlace[] = [1, 2, 3].map((number) => {
  const folder = path.join(stateFolder, `node${number}`);
  return {
    name: `node${number}`,
    number,
    address: `10.88.0.${10 + number}`,
    zone: `zone-${number}`,
    folder,
    socket: path.join(folder, "containerd.sock"),
    scope: `tidemark-node${number}`,
  };
});
