import { readFile } from "node:fs/promises";
import path from "node:path";
import type { RequestOptions } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";

/** Where the API server is, and how to ask it. */
export interface ApiAccess {
  readonly server: URL;
  readonly tls: Pick<RequestOptions, "ca" | "cert" | "key" | "rejectUnauthorized" | "servername">;
  /** Headers of the next request; a pod's token is changed about once an hour. */
  headers(): Promise<Readonly<Record<string, string>>>;
}

const POD_FILES = "/var/run/secrets/kubernetes.io/serviceaccount";
/** Kubernetes says that a minute is soon enough. */
const TOKEN_AGE_MS_MAX = 60_000;

/** In a pod: its own service account. Elsewhere: what KUBECONFIG, or ~/.kube/config, names. */
export async function apiAccess(env: NodeJS.ProcessEnv): Promise<ApiAccess> {
  const host = env["KUBERNETES_SERVICE_HOST"];
  if (host !== undefined && (env["KUBECONFIG"] ?? "") === "") {
    return podAccess(POD_FILES, { host, port: env["KUBERNETES_SERVICE_PORT"] ?? "443" });
  }
  return configuredAccess();
}

/** Read by ourselves: the client library's own way costs 50 MB of memory, in every operator, for three small files. */
export async function podAccess(folder: string, address: { host: string; port: string }): Promise<ApiAccess> {
  const ca = await readFile(path.join(folder, "ca.crt"));
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  let token = "";
  let readAtMs = Number.NEGATIVE_INFINITY;
  return {
    server: new URL(`https://${host}:${address.port}`),
    tls: { ca },
    async headers() {
      if (performance.now() - readAtMs > TOKEN_AGE_MS_MAX) {
        token = (await readFile(path.join(folder, "token"), "utf8")).trim();
        readAtMs = performance.now();
      }
      return { authorization: `Bearer ${token}` };
    },
  };
}

async function configuredAccess(): Promise<ApiAccess> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  config.loadFromDefault();
  return accessOf(config);
}

/** What the current context of a kubeconfig names. */
export async function accessOf(config: KubeConfig): Promise<ApiAccess> {
  const server = config.getCurrentCluster()?.server ?? "http://localhost:8080";
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const { ca, cert, key, rejectUnauthorized, servername } = options;
  const tls = { ca, cert, key, rejectUnauthorized, servername };
  const given = Object.entries(tls).filter(([, value]) => value !== undefined);
  return {
    server: new URL(server),
    tls: Object.fromEntries(given) as ApiAccess["tls"],
    async headers() {
      const next: RequestOptions = {};
      await config.applyToHTTPSOptions(next);
      const { authorization, Authorization = authorization } = (next.headers ?? {}) as Record<string, string>;
      return Authorization === undefined ? {} : { authorization: Authorization };
    },
  };
}
