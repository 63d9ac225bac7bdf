import type { KubernetesObject } from "../ports/kubernetes.ts";
import { type Listener, listenersOf } from "../specs/broker-json.ts";
import type { AdvertisedAddress } from "../specs/context.ts";
import type { ClusterResource } from "../specs/custom-resources.ts";
import { namesOf } from "../specs/naming.ts";
import { isExternal } from "../specs/services.ts";

interface ServiceParts {
  readonly spec?: { readonly ports?: readonly { readonly nodePort?: number }[] };
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly { ip?: string; hostname?: string }[] } };
}

/** Host of a Service's load balancer; null until it has one. */
function balancerHost(service: KubernetesObject | undefined): string | null {
  const ingress = (service as ServiceParts | undefined)?.status?.loadBalancer?.ingress?.[0];
  return ingress?.hostname ?? ingress?.ip ?? null;
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
    if (listener.advertisedPort !== undefined) return { broker };
    const port = nodePort(service);
    return port === null ? null : { broker, port };
  }
  if (listener.advertisedHost !== undefined) return { broker };
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

/** Where clients of a listener begin, as host and port; null where it is not known yet. */
export function bootstrapOf(
  cluster: ClusterResource,
  listener: Listener,
  services: readonly KubernetesObject[],
): string | null {
  const { name, namespace = "default" } = cluster.metadata;
  const names = namesOf(name);
  if (!isExternal(listener)) return `${names.bootstrap}.${namespace}.svc:${listener.port}`;
  const service = services.find(({ metadata }) => metadata.name === names.listener(listener.name));
  if (listener.type === "nodeport") {
    const port = nodePort(service);
    return port === null ? null : `<any node>:${port}`;
  }
  const host = balancerHost(service);
  return host === null ? null : `${host}:${listener.port}`;
}
