import { TidemarkError } from "#base/errors.ts";
import type { Dial } from "../adapters/kubernetes/dial.ts";
import { bootstrapOf } from "./running.ts";

/** Which cluster a command is for. */
export interface ClientOptions {
  readonly data: string;
  readonly bootstrap?: string;
  /** NAMESPACE/NAME, or NAME, of a Cluster on Kubernetes. */
  readonly cluster?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
}

/** How brokers are reached for the length of one command. */
export interface BrokerAccess {
  /** host:port of those that are asked first. */
  readonly brokers: readonly string[];
  /** For messages. */
  readonly name: string;
  /** Null: at the addresses that they advertise. */
  readonly dial: Dial | null;
  close(): void;
}

/** @throws TidemarkError BAD_INPUT, PEER_UNREACHABLE, REFUSED. */
export async function brokerAccess(options: ClientOptions): Promise<BrokerAccess> {
  const { cluster, kubeconfig, context } = options;
  if (cluster !== undefined) {
    const { kubernetesAccess } = await import("./kubernetes-access.ts");
    return kubernetesAccess(cluster, { file: kubeconfig ?? null, context: context ?? null });
  }
  const alone = kubeconfig === undefined ? "--context" : "--kubeconfig";
  if ((kubeconfig ?? context) !== undefined) throw new TidemarkError("BAD_INPUT", `${alone} is for --cluster`);
  const brokers = bootstrapOf(options);
  return { brokers, name: brokers.join(","), dial: null, close: () => {} };
}
