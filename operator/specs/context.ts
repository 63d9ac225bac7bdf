import type { ClusterResource } from "./custom-resources.ts";

/** Where a broker of one listener is reached from outside, once its Service has it. */
export interface AdvertisedAddress {
  readonly broker: number;
  readonly host?: string;
  readonly port?: number;
}

/** What a spec needs besides the Cluster itself. */
export interface SpecContext {
  readonly cluster: ClusterResource;
  /** Image where the Cluster names none. */
  readonly brokerImage: string;
  /** Namespace of the operator: brokers find their controller there, and it may reach their HTTP port. */
  readonly operatorNamespace: string;
  /** "" until the cluster has one. */
  readonly clusterId: string;
  /** Settings of brokers that the Cluster's author wrote and that were found valid. */
  readonly config: Readonly<Record<string, string>>;
  /** Brokers that there are to be now: between the present and the wished number while a scale is under way. */
  readonly replicas: number;
  /** By listener; only nodeport and loadbalancer. */
  readonly advertised: ReadonlyMap<string, readonly AdvertisedAddress[]>;
}

export const namespaceOf = (cluster: ClusterResource): string => cluster.metadata.namespace ?? "default";
