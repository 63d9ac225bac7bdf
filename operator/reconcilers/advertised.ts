import { type AddressParts, filledAddress } from "#contract/address-template.ts";
import type { ControllerStatus } from "../ports/cluster-control.ts";
import type { KubernetesObject } from "../ports/kubernetes.ts";
import { type Listener, listenersOf } from "../specs/broker-json.ts";
import type { AdvertisedAddress } from "../specs/context.ts";
import type { ClusterResource } from "../specs/custom-resources.ts";
import { namesOf } from "../specs/naming.ts";
import { isExternal, wantedNodePort } from "../specs/services.ts";
import type { BrokerPod } from "./pods.ts";

interface ServiceParts {
  readonly spec?: { readonly ports?: readonly { readonly nodePort?: number }[] };
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly { ip?: string; hostname?: string }[] } };
}

/** Nodes of which one bootstrap address is made: enough to find one that is there. */
const BOOTSTRAP_HOSTS_MAX = 3;

/** Host of a Service's load balancer; null until it has one. Of several the same one, in whatever order they come. */
function balancerHost(service: KubernetesObject | undefined): string | null {
  const ingress = (service as ServiceParts | undefined)?.status?.loadBalancer?.ingress ?? [];
  const [first] = ingress.flatMap(({ hostname, ip }) => hostname ?? ip ?? []).sort();
  return first ?? null;
}

const nodePort = (service: KubernetesObject | undefined): number | null =>
  (service as ServiceParts | undefined)?.spec?.ports?.[0]?.nodePort ?? null;

/** What one broker says of one listener; null until its Service has what is needed for it. */
function addressOf(
  listener: Listener,
  service: KubernetesObject | undefined,
  broker: number,
): AdvertisedAddress | null {
  if (listener.type === "nodeport") {
    const port = nodePort(service);
    return port === null || port !== (wantedNodePort(listener, broker) ?? port) ? null : { broker, port };
  }
  if (listener.advertisedHost !== undefined) return service === undefined ? null : { broker };
  const host = balancerHost(service);
  return host === null ? null : { broker, host };
}

export interface Advertised {
  readonly byListener: ReadonlyMap<string, readonly AdvertisedAddress[]>;
  /** Brokers, from 0 on, whose addresses are all known. */
  readonly ready: number;
  /** Services that have no address yet. */
  readonly waiting: readonly string[];
}

/** Addresses of the listeners for outside, of brokers 0 to `brokers` − 1. */
export function advertisedOf(
  cluster: ClusterResource,
  services: readonly KubernetesObject[],
  brokers: number,
): Advertised {
  const byName = new Map(services.map((service) => [service.metadata.name, service]));
  const names = namesOf(cluster.metadata.name);
  const byListener = new Map<string, AdvertisedAddress[]>();
  const waiting: string[] = [];
  let ready = brokers;
  for (const listener of listenersOf(cluster).filter(isExternal)) {
    const addresses: AdvertisedAddress[] = [];
    for (let broker = 0; broker < brokers; broker++) {
      const name = names.brokerListener(listener.name, broker);
      const address = addressOf(listener, byName.get(name), broker);
      if (address === null) {
        waiting.push(name);
        ready = Math.min(ready, broker);
      } else if (address.host !== undefined || address.port !== undefined) addresses.push(address);
    }
    byListener.set(listener.name, addresses);
  }
  return { byListener, ready, waiting };
}

/** Brokers that registered under another address than their Services have by now. */
export function astrayBrokers({ byListener }: Advertised, brokers: ControllerStatus["brokers"]): readonly number[] {
  const isAstray = ({ id, endpoints }: ControllerStatus["brokers"][number]): boolean =>
    [...byListener].some(([name, addresses]) => {
      const address = addresses.find(({ broker }) => broker === id);
      const told = endpoints.find(({ listener }) => listener === name);
      if (address === undefined || told === undefined) return false;
      return told.host !== (address.host ?? told.host) || told.port !== (address.port ?? told.port);
    });
  return brokers.filter(isAstray).map(({ id }) => id);
}

/** Where clients of a listener begin, as hosts and ports; null where it is not known yet. */
export function bootstrapOf(
  cluster: ClusterResource,
  listener: Listener,
  { services, pods }: { services: readonly KubernetesObject[]; pods: readonly BrokerPod[] },
): string | null {
  const { name, namespace = "default" } = cluster.metadata;
  const names = namesOf(name);
  if (!isExternal(listener)) return `${names.bootstrap}.${namespace}.svc:${listener.port}`;
  const service = services.find(({ metadata }) => metadata.name === names.listener(listener.name));
  if (listener.type === "nodeport") {
    const port = nodePort(service);
    const hosts = nodeHosts(listener, pods, namespace);
    return port === null || hosts.length === 0 ? null : hosts.map((host) => joined(host, port)).join(",");
  }
  const host = balancerHost(service);
  return host === null ? null : joined(host, listener.port);
}

const joined = (host: string, port: number): string => (host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`);

/** Every node has the port; those with a broker that serves are known to be there. Named as clients are told them. */
function nodeHosts({ advertisedHost }: Listener, pods: readonly BrokerPod[], namespace: string): string[] {
  const hosts = pods
    .filter(({ isReady, hostIp }) => isReady && hostIp !== "")
    .map((pod) => (advertisedHost === undefined ? pod.hostIp : filled(advertisedHost, pod, namespace)));
  return [...new Set(hosts)].slice(0, BOOTSTRAP_HOSTS_MAX);
}

function filled(template: string, { name, broker, podIp, node, hostIp }: BrokerPod, namespace: string): string {
  const parts: AddressParts = { pod: name, ordinal: String(broker), podIp, nodeName: node, nodeIp: hostIp, namespace };
  const values = new Map(Object.entries(parts));
  return filledAddress(template, (part, placeholder) => values.get(part) ?? placeholder);
}
