import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import path from "node:path";
import { cacheFolder, HELM_VERSION, KUBERNETES_VERSION } from "./settings.ts";
import { run } from "./shell.ts";

const goFolder = path.join(import.meta.dirname, "go");
const BUILD_LIMIT_MS = 40 * 60_000;

export interface Binaries {
  readonly folder: string;
  /** Every component of Kubernetes; the first argument says which. */
  readonly kube: string;
  readonly kubectl: string;
  readonly helm: string;
  readonly coredns: string;
  readonly pause: string;
}

const version = "k8s.io/component-base/version";
const [major, minor] = KUBERNETES_VERSION.split(".");
const stamp = {
  [`${version}.gitVersion`]: `v${KUBERNETES_VERSION}`,
  [`${version}.gitMajor`]: major,
  [`${version}.gitMinor`]: minor,
  [`${version}.gitTreeState`]: "clean",
};
// Unstamped, an API server calls itself v0.0.0, and clients and charts judge it by that.
const kubeFlags = ["-s -w", ...Object.entries(stamp).map(([name, value]) => `-X ${name}=${value}`)].join(" ");
const environment = { CGO_ENABLED: "0", GOFLAGS: "-mod=mod -trimpath" };

/** Everything that decides what comes out, Go's own version apart. */
function inputsHash(): string {
  const hash = createHash("sha256").update(kubeFlags).update(HELM_VERSION).update(JSON.stringify(environment));
  for (const name of readdirSync(goFolder, { recursive: true, encoding: "utf8" }).sort()) {
    if (/\.(?:go|mod|sum)$/.test(name)) hash.update(name).update(readFileSync(path.join(goFolder, name)));
  }
  hash.update(readFileSync(path.join(import.meta.dirname, "pause.c")));
  return hash.digest("hex").slice(0, 16);
}

/** Builds one binary beside its place and moves it there whole: a build that was cut off leaves nothing half done. */
async function built(file: string, build: (out: string) => Promise<void>, say: (line: string) => void): Promise<void> {
  if (existsSync(file)) return;
  const started = performance.now();
  say(`building ${path.basename(file)} (once a machine)`);
  const out = `${file}.${process.pid}.new`;
  await build(out);
  renameSync(out, file);
  say(`built ${path.basename(file)} in ${((performance.now() - started) / 1000).toFixed(0)} s`);
}

async function goBuild(module: string, out: string, flags: string): Promise<void> {
  const work = path.join(path.dirname(out), `${module}.${process.pid}`);
  cpSync(path.join(goFolder, module), work, { recursive: true });
  try {
    const options = { folder: work, environment, timeoutMs: BUILD_LIMIT_MS };
    await run("go", ["build", "-ldflags", flags, "-o", out, "."], options);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function goInstallHelm(out: string): Promise<void> {
  const bin = `${out}.bin`;
  const options = { environment: { ...environment, GOBIN: bin }, timeoutMs: BUILD_LIMIT_MS };
  await run("go", ["install", "-ldflags=-s -w", `helm.sh/helm/v3/cmd/helm@v${HELM_VERSION}`], options);
  renameSync(path.join(bin, "helm"), out);
  rmSync(bin, { recursive: true });
}

export const binariesFolder = (): string => path.join(cacheFolder, "kubernetes", inputsHash());

/** Kubernetes, Helm and CoreDNS from Go modules, which takes no registry of images: minutes once, then nothing. */
export async function ensureBinaries(say: (line: string) => void): Promise<Binaries> {
  const folder = binariesFolder();
  mkdirSync(folder, { recursive: true });
  const at = (name: string): string => path.join(folder, name);
  const pause = (out: string): Promise<unknown> =>
    run("gcc", ["-static", "-O2", "-s", "-o", out, path.join(import.meta.dirname, "pause.c")]);
  await built(at("pause"), async (out) => void (await pause(out)), say);
  await built(at("kube"), (out) => goBuild("kube", out, kubeFlags), say);
  await built(at("coredns"), (out) => goBuild("coredns", out, "-s -w"), say);
  await built(at("helm"), goInstallHelm, say);
  if (!existsSync(at("kubectl"))) symlinkSync("kube", at("kubectl"));
  return {
    folder,
    kube: at("kube"),
    kubectl: at("kubectl"),
    helm: at("helm"),
    coredns: at("coredns"),
    pause: at("pause"),
  };
}
