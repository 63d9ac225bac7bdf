import { run } from "./shell.ts";

const wanted = [
  "conntrack",
  "containerd",
  "containernetworking-plugins",
  "etcd-server",
  "gcc",
  "iproute2",
  "iptables",
  "libc6-dev",
  "openssl",
  "runc",
];

async function missing(): Promise<string[]> {
  const listed = await run("dpkg-query", ["--show", "--showformat", "${Package} ${db:Status-Status}\n"]);
  const installed = new Set(listed.split("\n"));
  return wanted.filter((name) => !installed.has(`${name} installed`));
}

/** What Debian has of a Kubernetes. Its services for etcd and containerd are not used: ours listen elsewhere. */
export async function installPackages(say: (line: string) => void): Promise<void> {
  const names = await missing();
  if (names.length === 0) return;
  say(`installing Debian packages: ${names.join(" ")}`);
  const environment = { DEBIAN_FRONTEND: "noninteractive" };
  await run("apt-get", ["update", "--quiet"], { environment, timeoutMs: 180_000 });
  const args = ["install", "--yes", "--quiet", "--no-install-recommends", ...names];
  await run("apt-get", args, { environment, timeoutMs: 600_000 });
}
