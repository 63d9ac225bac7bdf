import type { Address, ExchangeServer } from "#ports/network.ts";
import type { Tokens } from "#ports/tokens.ts";
import { HostedController, type HostPorts } from "./hosted-controller.ts";
import type { ClusterControl, ClusterControlOptions, ClusterControls, ClusterName } from "./ports/cluster-control.ts";

export interface ControllerHostOptions {
  /** Where brokers reach this process. */
  readonly address: Address;
  /** `host:port` of whoever holds the Lease, as far as it is known. */
  readonly holder: () => string | null;
}

const keyOf = ({ namespace, name }: ClusterName): string => `${namespace}/${name}`;
export const prefixOf = ({ namespace, name }: ClusterName): string => `/clusters/${namespace}/${name}`;

/** Which cluster a path is about, and the rest of it; null when about none. */
export function clusterInPath(path: string): { cluster: ClusterName; rest: string } | null {
  const [, namespace, name, rest] = /^\/clusters\/([^/]+)\/([^/]+)(\/.*)$/.exec(path) ?? [];
  if (namespace === undefined || name === undefined || rest === undefined) return null;
  return { cluster: { namespace, name }, rest };
}

/** The controllers of all clusters behind one HTTP server, while this process is the one that has them. */
export class ControllerHost implements ClusterControls {
  readonly exchangeServer: ExchangeServer;
  readonly #ports: HostPorts;
  readonly #options: ControllerHostOptions;
  readonly #hosted = new Map<string, HostedController>();
  #isActive = false;

  constructor(ports: HostPorts, options: ControllerHostOptions) {
    this.#ports = ports;
    this.#options = options;
    this.exchangeServer = {
      incarnation: ports.random.id(),
      onExchange: (path, accept, refuse) => {
        const found = this.#find(path);
        if ("status" in found) refuse(found.status, found.text);
        else found.hosted.onExchange(found.rest, accept, refuse);
      },
      onPost: async (path, body) => {
        const found = this.#find(path);
        if ("status" in found) return { status: found.status, body: { error: found.text } };
        return found.hosted.onPost(found.rest, body);
      },
    };
  }

  get clusters(): readonly HostedController[] {
    return [...this.#hosted.values()];
  }

  /** From here on `ensure` makes controllers. */
  activate(): void {
    this.#isActive = true;
  }

  /** Ends every controller: another process has them now. */
  async deactivate(): Promise<void> {
    this.#isActive = false;
    const hosted = this.clusters;
    this.#hosted.clear();
    await Promise.all(hosted.map((one) => one.stop()));
  }

  ensure(cluster: ClusterName, options: ClusterControlOptions): ClusterControl {
    const known = this.#hosted.get(keyOf(cluster));
    if (known !== undefined) {
      known.update(options);
      return known;
    }
    const address = { ...this.#options.address, path: prefixOf(cluster) };
    // Whoever asks after the Lease was lost gets one that has ended.
    const isIdle = !this.#isActive;
    const made = new HostedController(this.#ports, { ...options, cluster, address: () => address, isIdle });
    if (!isIdle) this.#hosted.set(keyOf(cluster), made);
    return made;
  }

  get(cluster: ClusterName): ClusterControl | null {
    return this.#hosted.get(keyOf(cluster)) ?? null;
  }

  async release(cluster: ClusterName): Promise<void> {
    const known = this.#hosted.get(keyOf(cluster));
    this.#hosted.delete(keyOf(cluster));
    await known?.stop();
  }

  /** Whom a request must show a token of; null when nothing is there that could be asked. */
  tokensAt(path: string): Tokens | null {
    const found = this.#find(path);
    return "status" in found ? null : found.hosted.tokens;
  }

  /** Answers GET of a path below a cluster's: its status, or where else to ask. */
  pageAt(path: string): { status: number; body: unknown } {
    const found = this.#find(path);
    if ("status" in found) return { status: found.status, body: { error: found.text } };
    if (found.rest === "/v1/status") return { status: 200, body: found.hosted.status() };
    return { status: 404, body: { error: `there is no ${found.rest}; see /v1/status` } };
  }

  #find(path: string): { hosted: HostedController; rest: string } | { status: number; text: string } {
    const named = clusterInPath(path);
    if (named === null) return { status: 404, text: "no such path; see /clusters/NAMESPACE/NAME/v1/control" };
    if (!this.#isActive) return this.#elsewhere(named.cluster);
    const hosted = this.#hosted.get(keyOf(named.cluster));
    if (hosted === undefined) return { status: 503, text: `no controller of Cluster ${keyOf(named.cluster)} yet` };
    return { hosted, rest: named.rest };
  }

  /** 421 with the holder's address, which brokers follow. */
  #elsewhere(cluster: ClusterName): { status: number; text: string } {
    const holder = this.#options.holder();
    const [, host, port] = /^(.+):(\d+)$/.exec(holder ?? "") ?? [];
    if (host === undefined) return { status: 503, text: "nobody holds the Lease now" };
    return { status: 421, text: JSON.stringify({ host, port: Number(port), path: prefixOf(cluster) }) };
  }
}
