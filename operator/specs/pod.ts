import { NODE_FLAGS } from "#contract/node-flags.ts";
import type { ClusterSpec } from "../resources/cluster.ts";
import { HTTP_API_PORT_NAME } from "../resources/http-api.ts";
import { BROKER_HTTP_PORT, BROKER_HTTP_PORT_NAME } from "../resources/listeners.ts";
import { configHash, configKeyOf, httpApiPortOf, listenersOf } from "./broker-json.ts";
import type { SpecContext } from "./context.ts";
import type { ClusterResource } from "./custom-resources.ts";
import { CONFIG_HASH_ANNOTATION, labelsOf, namesOf, RESTART_ANNOTATION, selectorOf } from "./naming.ts";
import { quantityOf } from "./quantity.ts";

const MEBIBYTE = 2 ** 20;
const USER_ID = 65532;
/** A controlled shutdown moves every leader away and syncs the logs. */
const GRACE_SECONDS = 60;
/** Of the memory limit: the rest is for buffers of sockets and files, and for Node itself. */
const HEAP_SHARE = 0.5;
/** Less than this Node cannot run in, whatever the limit. */
const HEAP_LEAST_BYTES = 32 * MEBIBYTE;

type Resources = NonNullable<ClusterSpec["resources"]>;

export const DEFAULT_RESOURCES: Resources = {
  requests: { cpu: "100m", memory: "192Mi" },
  limits: { memory: "512Mi" },
};

export const resourcesOf = (cluster: ClusterResource): Resources => cluster.spec.resources ?? DEFAULT_RESOURCES;

/** Without a memory limit Node's own bound holds. */
export function heapFlags(resources: Resources): string[] {
  const limit = resources.limits?.memory;
  const bytes = limit === undefined ? null : quantityOf(limit);
  if (bytes === null) return [];
  return [`--max-old-space-size=${Math.floor(Math.max(HEAP_LEAST_BYTES, bytes * HEAP_SHARE) / MEBIBYTE)}`];
}

/** The pod template of brokers: fits the `restricted` Pod Security profile, and has no token of the API server. */
export function podTemplateOf(context: SpecContext): Record<string, unknown> {
  const { cluster } = context;
  const { metadata, spec } = cluster;
  const restartedAt = metadata.annotations?.[RESTART_ANNOTATION];
  return {
    metadata: {
      labels: { ...spec.podLabels, ...labelsOf(metadata.name) },
      annotations: {
        ...spec.podAnnotations,
        [CONFIG_HASH_ANNOTATION]: configHash(context),
        ...(restartedAt === undefined ? {} : { [RESTART_ANNOTATION]: restartedAt }),
      },
    },
    spec: {
      serviceAccountName: namesOf(metadata.name).serviceAccount,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: GRACE_SECONDS,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: USER_ID,
        runAsGroup: USER_ID,
        fsGroup: USER_ID,
        fsGroupChangePolicy: "OnRootMismatch",
        seccompProfile: { type: "RuntimeDefault" },
      },
      ...scheduling(cluster),
      ...(spec.imagePullSecrets === undefined ? {} : { imagePullSecrets: spec.imagePullSecrets }),
      containers: [container(context)],
      volumes: volumes(context),
    },
  };
}

function scheduling({ metadata, spec }: ClusterResource): Record<string, unknown> {
  return {
    ...(spec.affinity === undefined ? {} : { affinity: spec.affinity }),
    ...(spec.tolerations === undefined ? {} : { tolerations: spec.tolerations }),
    ...(spec.priorityClassName === undefined ? {} : { priorityClassName: spec.priorityClassName }),
    topologySpreadConstraints: spec.topologySpreadConstraints ?? defaultSpread(metadata.name, spec.rack?.topologyKey),
  };
}

/** Over nodes, and over racks where there are any; rather badly spread than not at all. */
function defaultSpread(cluster: string, rackKey: string | undefined): object[] {
  const keys = [...(rackKey === undefined ? [] : [rackKey]), "kubernetes.io/hostname"];
  return keys.map((topologyKey) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: "ScheduleAnyway",
    labelSelector: { matchLabels: selectorOf(cluster) },
  }));
}

function container(context: SpecContext): Record<string, unknown> {
  const { cluster, brokerImage } = context;
  const { image, imagePullPolicy } = cluster.spec;
  const resources = resourcesOf(cluster);
  const apiPort = httpApiPortOf(cluster);
  return {
    name: "broker",
    image: image === undefined || image === "" ? brokerImage : image,
    ...(imagePullPolicy === undefined ? {} : { imagePullPolicy }),
    command: ["node", ...NODE_FLAGS, ...heapFlags(resources), "broker/pod-main.ts"],
    workingDir: "/app",
    env: environment(),
    ports: [
      ...listenersOf(cluster).map(({ name, port }) => ({ name, containerPort: port, protocol: "TCP" })),
      { name: BROKER_HTTP_PORT_NAME, containerPort: BROKER_HTTP_PORT, protocol: "TCP" },
      ...(apiPort === null ? [] : [{ name: HTTP_API_PORT_NAME, containerPort: apiPort, protocol: "TCP" }]),
    ],
    resources,
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    // Alive = the event loop answers. Neither recovery nor the ISR count: a restart would mend neither.
    livenessProbe: probe("/healthz", { periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 }),
    readinessProbe: probe("/readyz", { periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 3 }),
    volumeMounts: [
      { name: "config", mountPath: "/etc/tidemark", readOnly: true },
      { name: "token", mountPath: "/etc/tidemark-token", readOnly: true },
      { name: "data", mountPath: "/var/lib/tidemark" },
      { name: "tmp", mountPath: "/tmp" },
    ],
  };
}

const probe = (path: string, timing: object): object => ({ httpGet: { path, port: BROKER_HTTP_PORT_NAME }, ...timing });

function environment(): object[] {
  const fields = {
    POD_NAME: "metadata.name",
    POD_NAMESPACE: "metadata.namespace",
    POD_UID: "metadata.uid",
    POD_IP: "status.podIP",
    NODE_NAME: "spec.nodeName",
    NODE_IP: "status.hostIP",
  };
  // The version of the path is written out, because the API server writes it in and would seem to differ.
  return Object.entries(fields).map(([name, fieldPath]) => ({
    name,
    valueFrom: { fieldRef: { apiVersion: "v1", fieldPath } },
  }));
}

function volumes(context: SpecContext): object[] {
  const { metadata, spec } = context.cluster;
  const names = namesOf(metadata.name);
  const { ephemeral = false, size } = spec.storage ?? {};
  return [
    {
      name: "config",
      configMap: {
        name: names.configMap,
        items: [{ key: configKeyOf(configHash(context)), path: "broker.json" }],
      },
    },
    { name: "token", secret: { secretName: names.secret } },
    { name: "tmp", emptyDir: { sizeLimit: "64Mi" } },
    ...(ephemeral ? [{ name: "data", emptyDir: size === undefined ? {} : { sizeLimit: String(size) } }] : []),
  ];
}
