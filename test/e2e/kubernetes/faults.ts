import type { V1Pod } from "@kubernetes/client-node";
import type { Binaries } from "./cluster/binaries.ts";
import { apiServerReady, startApiServer } from "./cluster/control-plane.ts";
import { containerPid, loseNode, returnNode } from "./cluster/node.ts";
import { killAll, memoryBytes, processesOf, signal } from "./cluster/processes.ts";
import { type NodePlace, nodes } from "./cluster/settings.ts";
import { nodeOf } from "./kube.ts";

const placeOf = (name: string): NodePlace => {
  const place = nodes.find((node) => node.name === name);
  if (place === undefined) throw new Error(`there is no node ${name}`);
  return place;
};

/** A container's process, as the machine sees it. */
export function processOf(pod: V1Pod, container?: string): Promise<number> {
  const statuses = pod.status?.containerStatuses ?? [];
  const status = container === undefined ? statuses[0] : statuses.find(({ name }) => name === container);
  return containerPid(placeOf(nodeOf(pod)), status?.containerID ?? "");
}

/** Of a pod's only container. */
export function memoryOf(pod: V1Pod): number {
  const id = pod.status?.containerStatuses?.[0]?.containerID?.replace("containerd://", "") ?? "";
  return memoryBytes(placeOf(nodeOf(pod)).scope, id);
}

/** What no client of Kubernetes can do: it takes the machine on which the nodes run. */
export class Faults {
  readonly #binaries: Binaries;

  constructor(binaries: Binaries) {
    this.#binaries = binaries;
  }

  /** SIGKILL, without a word to anybody. */
  async killContainer(pod: V1Pod): Promise<void> {
    signal(await processOf(pod), "SIGKILL");
  }

  /** Holds a container's process; what this answers lets it go on. */
  async freezeContainer(pod: V1Pod): Promise<() => void> {
    const pid = await processOf(pod);
    signal(pid, "SIGSTOP");
    return () => signal(pid, "SIGCONT");
  }

  loseNode(name: string): Promise<void> {
    return loseNode(placeOf(name));
  }

  returnNode(name: string): Promise<void> {
    return returnNode(placeOf(name), this.#binaries);
  }

  async stopApiServer(): Promise<void> {
    await killAll(
      processesOf()
        .filter(({ args }) => args.includes("kube-apiserver"))
        .map(({ pid }) => pid),
    );
  }

  async startApiServer(): Promise<void> {
    startApiServer(this.#binaries);
    await apiServerReady();
  }
}
