import { readFileSync, writeFileSync } from "node:fs";
import { get } from "node:https";
import path from "node:path";
import type { Binaries } from "./binaries.ts";
import { certificateFile, keyFile, kubeconfigOf } from "./certificates.ts";
import { API_PORT, auditLogFile, ETCD_PORT, HOST_ADDRESS, POD_RANGE, SERVICE_RANGE, stateFolder } from "./settings.ts";
import { startDetached, until } from "./shell.ts";

const etcdUrl = `http://127.0.0.1:${ETCD_PORT}`;
const inState = (name: string): string => path.join(stateFolder, name);

/** Writes only, without their bodies: enough to count what a controller costs the API server. */
const auditPolicy = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [{ level: "Metadata", verbs: ["create", "update", "patch", "delete", "deletecollection"] }, { level: "None" }],
};

const proxyConfig = {
  apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
  kind: "KubeProxyConfiguration",
  mode: "iptables",
  clientConnection: { kubeconfig: kubeconfigOf("proxy") },
  clusterCIDR: POD_RANGE,
  detectLocalMode: "ClusterCIDR",
  // All nodes share the machine's network: one proxy serves them all, under the name of one.
  hostnameOverride: "node1",
  healthzBindAddress: `${HOST_ADDRESS}:10256`,
  metricsBindAddress: `${HOST_ADDRESS}:10249`,
  // The machine's own settings of connection tracking stay as they are.
  conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
  // Services follow their endpoints at once: a fail-over is to be measured, not the proxy's leisure.
  iptables: { minSyncPeriod: "100ms", syncPeriod: "30s" },
};

/** Whether the API server says that it is ready; anybody may ask. */
export function isApiReady(): Promise<boolean> {
  return new Promise((resolve) => {
    const ca = (() => {
      try {
        return readFileSync(certificateFile("ca"));
      } catch {
        return null;
      }
    })();
    if (ca === null) return resolve(false);
    const request = get({ host: HOST_ADDRESS, port: API_PORT, path: "/readyz", ca, timeout: 2000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(false));
  });
}

export function startEtcd(): void {
  const peerUrl = `http://127.0.0.1:${ETCD_PORT + 1}`;
  startDetached("etcd", "etcd", [
    `--data-dir=${inState("etcd")}`,
    `--listen-client-urls=${etcdUrl}`,
    `--advertise-client-urls=${etcdUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=default=${peerUrl}`,
  ]);
}

export function startApiServer(binaries: Binaries): void {
  const policy = inState("audit-policy.json");
  writeFileSync(policy, JSON.stringify(auditPolicy));
  startDetached("apiserver", binaries.kube, [
    "kube-apiserver",
    `--etcd-servers=${etcdUrl}`,
    `--bind-address=${HOST_ADDRESS}`,
    `--advertise-address=${HOST_ADDRESS}`,
    `--secure-port=${API_PORT}`,
    `--client-ca-file=${certificateFile("ca")}`,
    `--tls-cert-file=${certificateFile("apiserver")}`,
    `--tls-private-key-file=${keyFile("apiserver")}`,
    `--service-account-key-file=${keyFile("service-accounts")}`,
    `--service-account-signing-key-file=${keyFile("service-accounts")}`,
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-cluster-ip-range=${SERVICE_RANGE}`,
    "--authorization-mode=Node,RBAC",
    "--enable-admission-plugins=NodeRestriction",
    `--kubelet-client-certificate=${certificateFile("kubelet-client")}`,
    `--kubelet-client-key=${keyFile("kubelet-client")}`,
    // Names of nodes resolve nowhere.
    "--kubelet-preferred-address-types=InternalIP",
    `--audit-policy-file=${policy}`,
    `--audit-log-path=${auditLogFile}`,
    "--audit-log-maxsize=200",
    "--audit-log-maxbackup=5",
  ]);
}

export async function apiServerReady(limitMs = 90_000): Promise<void> {
  await until("the API server is ready", isApiReady, { limitMs, log: "apiserver" });
}

function startControllerManager(binaries: Binaries): void {
  startDetached("controller-manager", binaries.kube, [
    "kube-controller-manager",
    `--kubeconfig=${kubeconfigOf("controller-manager")}`,
    `--bind-address=${HOST_ADDRESS}`,
    `--service-account-private-key-file=${keyFile("service-accounts")}`,
    `--root-ca-file=${certificateFile("ca")}`,
    `--cluster-signing-cert-file=${certificateFile("ca")}`,
    `--cluster-signing-key-file=${keyFile("ca")}`,
    "--use-service-account-credentials",
    "--leader-elect=false",
    "--node-monitor-period=2s",
    "--node-monitor-grace-period=12s",
  ]);
}

function startScheduler(binaries: Binaries): void {
  const { kube } = binaries;
  const config = `--kubeconfig=${kubeconfigOf("scheduler")}`;
  startDetached("scheduler", kube, [
    "kube-scheduler",
    config,
    `--bind-address=${HOST_ADDRESS}`,
    "--leader-elect=false",
  ]);
}

export function startProxy(binaries: Binaries): void {
  const file = inState("proxy.json");
  writeFileSync(file, JSON.stringify(proxyConfig));
  startDetached("proxy", binaries.kube, ["kube-proxy", `--config=${file}`]);
}

/** Etcd, then the API server, and once that answers all that lives on it. */
export async function startControlPlane(binaries: Binaries): Promise<void> {
  startEtcd();
  startApiServer(binaries);
  await apiServerReady();
  startControllerManager(binaries);
  startScheduler(binaries);
  startProxy(binaries);
}
