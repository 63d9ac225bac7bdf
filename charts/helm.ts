import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { parseAllDocuments } from "yaml";

/** An object of Kubernetes as a chart renders it. */
export interface Rendered {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  // oxlint-disable-next-line typescript/no-explicit-any -- what a template renders has any shape
  readonly [field: string]: any;
}

const HELM_MODULE = "helm.sh/helm/v3/cmd/helm@v3.22.0";
/** A helm built by Go believes in a Kubernetes of its own: the chart is rendered for this one. */
const KUBERNETES_VERSION = "1.34.0";

const root = path.resolve(import.meta.dirname, "..");
export const chartFolder = path.join(root, "charts", "tidemark");

const runs = (program: string): boolean => spawnSync(program, ["version", "--short"]).status === 0;

/**
 * The helm to use: `HELM`, the one on the PATH, or one built by Go into the checkout's cache.
 * @throws Error if there is none and Go is not there to build it.
 */
export function helmProgram(): string {
  const own = path.join(root, ".cache", "bin", "helm");
  const found = [process.env["HELM"], "helm", own].find((program) => program !== undefined && runs(program));
  if (found !== undefined) return found;
  process.stderr.write(`helm: building ${HELM_MODULE} into .cache/bin (minutes, once)\n`);
  mkdirSync(path.dirname(own), { recursive: true });
  const built = spawnSync("go", ["install", HELM_MODULE], {
    env: { ...process.env, GOBIN: path.dirname(own), GOTOOLCHAIN: "auto" },
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (built.status === 0 && existsSync(own)) return own;
  throw new Error("helm is not there: install it, name it in HELM, or install Go to have it built");
}

/** What `helm template` renders with these values. @throws Error with helm's words if it refuses. */
export function rendered(helm: string, values: readonly string[] = []): Rendered[] {
  const set = values.flatMap((value) => ["--set", value]);
  const text = execFileSync(
    helm,
    ["template", "log", chartFolder, "--namespace", "ops", "--kube-version", KUBERNETES_VERSION, ...set],
    { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 64 * 1024 * 1024 },
  );
  const documents = parseAllDocuments(text);
  if (!Array.isArray(documents)) return [];
  const broken = documents.find((document) => document.errors.length > 0);
  if (broken !== undefined) throw new Error(`rendered YAML is broken: ${broken.errors[0]?.message}`);
  return documents.map((document) => document.toJS() as Rendered | null).filter((object) => object !== null);
}

/** helm's own words about the chart; throws if it finds a fault. */
export const linted = (helm: string): string =>
  execFileSync(helm, ["lint", "--strict", chartFolder, "--kube-version", KUBERNETES_VERSION], { encoding: "utf8" });
