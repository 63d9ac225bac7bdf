import dns from "node:dns";
import { renameSync, writeFileSync } from "node:fs";
import { makeInformer, type V1Pod } from "@kubernetes/client-node";
import type { Kube } from "./kube.ts";

/*
 * Brokers advertise names that only the cluster's own DNS knows, and this programme runs outside. Names of pods are
 * answered from a watch of the pods, so that a client here never waits for a CoreDNS that sits on a lost node.
 */

const podName = /^([a-z0-9-]+)\.[a-z0-9-]+\.([a-z0-9-]+)\.svc(?:\.cluster\.local)?$/;

const WATCH_AGAIN_MS = 300;

type Callback = (error: NodeJS.ErrnoException | null, address?: unknown, family?: number) => void;

/** Names as other programs read them, in the form of /etc/hosts; replaced whole, since they read at any moment. */
function writeHosts(file: string, pods: readonly V1Pod[]): void {
  const lines = pods.flatMap(({ metadata, spec, status }) => {
    const isNamed = spec?.subdomain !== undefined && status?.podIP !== undefined;
    return isNamed ? [`${status.podIP} ${metadata?.name}.${spec.subdomain}.${metadata?.namespace}.svc\n`] : [];
  });
  writeFileSync(`${file}.new`, lines.join(""));
  renameSync(`${file}.new`, file);
}

/**
 * From here on, every client of this process reaches pods by their names inside the cluster; for clients in other
 * processes the names stand in `hostsFile`.
 */
export async function resolvePodNames(kube: Kube, hostsFile: string): Promise<{ stop(): Promise<void> }> {
  const list = () => kube.core.listPodForAllNamespaces();
  const pods = makeInformer<V1Pod>(kube.config, "/api/v1/pods", list);
  let isStopped = false;
  const again = (): void => {
    // An API server that is away refuses the listing too, and nothing but this tells of that.
    if (!isStopped) pods.start().catch(later);
  };
  const later = (): void => void setTimeout(again, WATCH_AGAIN_MS);
  pods.on("error", later);
  const noteAll = (): void => writeHosts(hostsFile, pods.list());
  for (const verb of ["add", "update", "delete"] as const) pods.on(verb, noteAll);
  await pods.start();
  noteAll();
  const addressOf = (host: string): string | null => {
    const [, name = "", namespace = ""] = host.match(podName) ?? [];
    return pods.get(name, namespace)?.status?.podIP ?? null;
  };
  const original = dns.lookup;
  const lookup = (host: string, options: unknown, callback: Callback): void => {
    const answer = (typeof options === "function" ? options : callback) as Callback;
    if (!podName.test(host)) return Reflect.apply(original, dns, [host, options, callback]);
    const address = addressOf(host);
    if (address === null) {
      const error: NodeJS.ErrnoException = new Error(`${host} has no address yet`);
      error.code = "ENOTFOUND";
      process.nextTick(answer, error);
      return;
    }
    const wantsAll = typeof options === "object" && options !== null && "all" in options && options.all === true;
    if (wantsAll) process.nextTick(answer, null, [{ address, family: 4 }]);
    else process.nextTick(answer, null, address, 4);
  };
  Reflect.set(dns, "lookup", lookup);
  return {
    async stop() {
      isStopped = true;
      Reflect.set(dns, "lookup", original);
      await pods.stop();
    },
  };
}
