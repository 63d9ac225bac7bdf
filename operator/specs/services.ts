import type { KubernetesObject } from "../ports/kubernetes.ts";
import { HTTP_API_PORT_NAME } from "../resources/http-api.ts";
import { advertisedPortOf, BROKER_HTTP_PORT, BROKER_HTTP_PORT_NAME } from "../resources/listeners.ts";
import { type Listener, listenersOf } from "./broker-json.ts";
import { namespaceOf } from "./context.ts";
import type { ClusterResource } from "./custom-resources.ts";
import { BROKER_LABEL, labelsOf, namesOf, ownerOf, selectorOf } from "./naming.ts";

const LISTENER_LABEL = "tidemark.dev/listener";

interface ServiceOptions {
  readonly name: string;
  readonly spec: Record<string, unknown>;
  readonly labels?: Readonly<Record<string, string>>;
}

const service = (cluster: ClusterResource, { name, spec, labels }: ServiceOptions): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: {
    name,
    namespace: namespaceOf(cluster),
    labels: { ...labelsOf(cluster.metadata.name), ...labels },
    ownerReferences: [ownerOf(cluster)],
  },
  spec,
});

const portOf = ({ name, port }: Listener): object => ({ name, port, targetPort: name, protocol: "TCP" });

/** Names of the pods. Not-ready ones too: a broker that catches up must be found by those it copies from. */
export const headlessServiceOf = (cluster: ClusterResource): KubernetesObject =>
  service(cluster, {
    name: namesOf(cluster.metadata.name).headless,
    spec: {
      clusterIP: "None",
      publishNotReadyAddresses: true,
      selector: selectorOf(cluster.metadata.name),
      ports: [
        ...listenersOf(cluster).map(portOf),
        { name: BROKER_HTTP_PORT_NAME, port: BROKER_HTTP_PORT, targetPort: BROKER_HTTP_PORT_NAME, protocol: "TCP" },
      ],
    },
  });

/** Where clients inside begin: any broker that is ready. */
export const bootstrapServiceOf = (cluster: ClusterResource): KubernetesObject =>
  service(cluster, {
    name: namesOf(cluster.metadata.name).bootstrap,
    spec: {
      type: "ClusterIP",
      selector: selectorOf(cluster.metadata.name),
      ports: listenersOf(cluster)
        .filter(({ type = "internal" }) => type === "internal")
        .map(portOf),
    },
  });

/** Where applications begin that speak HTTP: any broker that is ready, since each serves every partition. */
export const httpServiceOf = (cluster: ClusterResource, port: number): KubernetesObject =>
  service(cluster, {
    name: namesOf(cluster.metadata.name).http,
    spec: {
      type: "ClusterIP",
      selector: selectorOf(cluster.metadata.name),
      ports: [{ name: HTTP_API_PORT_NAME, port, targetPort: HTTP_API_PORT_NAME, protocol: "TCP" }],
    },
  });

export const isExternal = ({ type = "internal" }: Listener): boolean => type !== "internal";

const kubernetesType = ({ type }: Listener): string => (type === "nodeport" ? "NodePort" : "LoadBalancer");

/** The node port that a broker's Service must have; null where Kubernetes chooses it. */
export const wantedNodePort = ({ type, advertisedPort }: Listener, broker: number): number | null =>
  type === "nodeport" && advertisedPort !== undefined ? advertisedPortOf(advertisedPort, broker) : null;

function brokerPortOf(listener: Listener, broker: number): object {
  const nodePort = wantedNodePort(listener, broker);
  return { ...portOf(listener), ...(nodePort === null ? {} : { nodePort }) };
}

/** Of each listener for outside: one Service to begin at, and one for each broker, ready or not. */
export function externalServicesOf(cluster: ClusterResource, brokers: readonly number[]): KubernetesObject[] {
  const { name } = cluster.metadata;
  const names = namesOf(name);
  return listenersOf(cluster)
    .filter(isExternal)
    .flatMap((listener) => {
      const type = kubernetesType(listener);
      const labels = { [LISTENER_LABEL]: listener.name };
      const bootstrap = service(cluster, {
        name: names.listener(listener.name),
        labels,
        spec: { type, ports: [portOf(listener)], selector: selectorOf(name) },
      });
      const each = brokers.map((broker) =>
        service(cluster, {
          name: names.brokerListener(listener.name, broker),
          labels: { ...labels, [BROKER_LABEL]: String(broker) },
          spec: {
            type,
            ports: [brokerPortOf(listener, broker)],
            publishNotReadyAddresses: true,
            externalTrafficPolicy: listener.type === "nodeport" ? "Cluster" : "Local",
            selector: { ...selectorOf(name), "statefulset.kubernetes.io/pod-name": names.pod(broker) },
          },
        }),
      );
      return [bootstrap, ...each];
    });
}
