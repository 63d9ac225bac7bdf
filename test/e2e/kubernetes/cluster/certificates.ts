import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { API_PORT, HOST_ADDRESS, kubeconfigFile, nodes, stateFolder } from "./settings.ts";
import { run } from "./shell.ts";

const folder = path.join(stateFolder, "pki");
export const keyFile = (name: string): string => path.join(folder, `${name}.key`);
export const certificateFile = (name: string): string => path.join(folder, `${name}.crt`);
export const kubeconfigOf = (name: string): string =>
  name === "admin" ? kubeconfigFile : path.join(stateFolder, `${name}.kubeconfig`);

interface Identity {
  readonly name: string;
  /** As openssl writes it: groups are organisations, the user is the common name. */
  readonly subject: string;
  readonly addresses: string;
}

const serverNames = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost"];
const apiAddresses = [HOST_ADDRESS, "10.96.0.1", "127.0.0.1"];

const identities: readonly Identity[] = [
  {
    name: "apiserver",
    subject: "/CN=kube-apiserver",
    addresses: [...apiAddresses.map((ip) => `IP:${ip}`), ...serverNames.map((name) => `DNS:${name}`)].join(","),
  },
  { name: "admin", subject: "/O=system:masters/CN=admin", addresses: "DNS:admin" },
  { name: "controller-manager", subject: "/CN=system:kube-controller-manager", addresses: "DNS:controller-manager" },
  { name: "scheduler", subject: "/CN=system:kube-scheduler", addresses: "DNS:scheduler" },
  { name: "proxy", subject: "/CN=system:kube-proxy", addresses: "DNS:proxy" },
  { name: "kubelet-client", subject: "/O=system:masters/CN=kubelet-client", addresses: "DNS:kubelet-client" },
  ...nodes.map(({ name, address }) => ({
    name,
    subject: `/O=system:nodes/CN=system:node:${name}`,
    addresses: `DNS:${name},IP:${address}`,
  })),
];

/** Those that speak to the API server, each with a kubeconfig of its own. */
const clients = ["admin", "controller-manager", "scheduler", "proxy", ...nodes.map(({ name }) => name)];

async function sign({ name, subject, addresses }: Identity): Promise<void> {
  const request = path.join(folder, `${name}.csr`);
  const extensions = path.join(folder, `${name}.extensions`);
  writeFileSync(extensions, `subjectAltName=${addresses}\n`);
  // Curve keys: made in an instant, where twelve RSA keys take seconds.
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", keyFile(name)];
  await run("openssl", ["req", ...key, "-subj", subject, "-out", request]);
  const authority = ["-CA", certificateFile("ca"), "-CAkey", keyFile("ca"), "-CAcreateserial"];
  const out = ["-days", "365", "-out", certificateFile(name), "-extfile", extensions];
  await run("openssl", ["x509", "-req", "-in", request, ...authority, ...out]);
  rmSync(request);
  rmSync(extensions);
}

function writeKubeconfig(name: string): void {
  const server = `https://${HOST_ADDRESS}:${API_PORT}`;
  const user = { "client-certificate": certificateFile(name), "client-key": keyFile(name) };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "tidemark-e2e", cluster: { server, "certificate-authority": certificateFile("ca") } }],
    users: [{ name, user }],
    contexts: [{ name: "tidemark-e2e", context: { cluster: "tidemark-e2e", user: name } }],
    "current-context": "tidemark-e2e",
  };
  writeFileSync(kubeconfigOf(name), `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
}

/** An authority of the cluster's own, and what it signed for everyone. */
export async function makeCertificates(): Promise<void> {
  if (existsSync(certificateFile("ca"))) return;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const subject = ["-subj", "/CN=tidemark-e2e-authority", "-days", "365"];
  await run("openssl", ["req", "-x509", ...curve, ...subject, "-keyout", keyFile("ca"), "-out", certificateFile("ca")]);
  await run("openssl", ["genrsa", "-out", keyFile("service-accounts"), "2048"]);
  // One after another: they share the authority's counter of serial numbers.
  for (const identity of identities) await sign(identity);
  for (const name of clients) writeKubeconfig(name);
}
