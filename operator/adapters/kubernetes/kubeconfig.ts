import { existsSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import type { KubeConfig } from "@kubernetes/client-node";
import { TidemarkError } from "#base/errors.ts";

export interface KubeconfigOptions {
  /** Null: what KUBECONFIG names, else ~/.kube/config, else a pod's own service account. */
  readonly file: string | null;
  /** Null: the current one. */
  readonly context: string | null;
}

/** A kubeconfig with a context that exists, and the namespace that it names. */
export interface Kubeconfig {
  readonly config: KubeConfig;
  readonly context: string;
  readonly namespace: string;
}

/** @throws TidemarkError BAD_INPUT when there is none, it cannot be read, or it has no such context. */
export async function readKubeconfig(options: KubeconfigOptions, env: NodeJS.ProcessEnv): Promise<Kubeconfig> {
  const files = options.file === null ? filesOf(env) : [options.file];
  const missing = files.find((file) => !existsSync(file));
  if (missing !== undefined) throw bad(`${missing}: no such file; --kubeconfig names another`);
  const isInPod = env["KUBERNETES_SERVICE_HOST"] !== undefined;
  if (files.length === 0 && !isInPod) {
    throw bad("there is no kubeconfig: neither KUBECONFIG nor ~/.kube/config; --kubeconfig names one");
  }
  const { KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  try {
    if (options.file === null) config.loadFromDefault();
    else config.loadFromFile(options.file);
  } catch (cause) {
    const why = Error.isError(cause) ? cause.message.split("\n", 1)[0] : String(cause);
    throw new TidemarkError("BAD_INPUT", `${files.join(", ")}: is no kubeconfig: ${why}`, { cause });
  }
  return chosen(config, options.context);
}

/** What kubectl would read, as far as it is there. */
function filesOf(env: NodeJS.ProcessEnv): string[] {
  const named = (env["KUBECONFIG"] ?? "").split(path.delimiter).filter((file) => file !== "");
  if (named.length > 0) return named;
  const usual = path.join(env["HOME"] ?? homedir(), ".kube", "config");
  return existsSync(usual) ? [usual] : [];
}

function chosen(config: KubeConfig, wished: string | null): Kubeconfig {
  const context = wished ?? config.getCurrentContext();
  const found = config.getContextObject(context);
  if (found === null || context === "") {
    const names = config.contexts.map(({ name }) => name).join(", ") || "none";
    const which = context === "" ? "no context is current" : `there is no context ${context}`;
    throw bad(`${which} in the kubeconfig; --context names one of: ${names}`);
  }
  config.setCurrentContext(context);
  if (config.getCurrentCluster() === null) throw bad(`context ${context} names a cluster that the kubeconfig lacks`);
  return { config, context, namespace: found.namespace ?? "default" };
}

const bad = (message: string): TidemarkError => new TidemarkError("BAD_INPUT", message);
