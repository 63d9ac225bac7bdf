import { COREDNS_IMAGE, DNS_ADDRESS } from "./settings.ts";

const metadata = { name: "coredns", namespace: "kube-system" };
const labels = { "k8s-app": "kube-dns" };

// A cached answer would hide for its lifetime that a pod has moved. Names of the world outside do not exist: a refusal
// instead would make resolvers try again and again.
const corefile = `.:53 {
  errors
  ready
  cache 1
  kubernetes cluster.local in-addr.arpa ip6.arpa {
    pods insecure
    ttl 1
    fallthrough
  }
  template ANY ANY {
    rcode NXDOMAIN
  }
}
`;

const container = {
  name: "coredns",
  image: COREDNS_IMAGE,
  imagePullPolicy: "Never",
  args: ["-conf", "/etc/coredns/Corefile"],
  ports: [
    { name: "dns", containerPort: 53, protocol: "UDP" },
    { name: "dns-tcp", containerPort: 53, protocol: "TCP" },
  ],
  readinessProbe: { httpGet: { path: "/ready", port: 8181 }, periodSeconds: 1 },
  volumeMounts: [{ name: "config", mountPath: "/etc/coredns" }],
};

// Two, on two nodes: a lost node is not to take the cluster's names with it.
const spread = {
  maxSkew: 1,
  topologyKey: "kubernetes.io/hostname",
  whenUnsatisfiable: "DoNotSchedule",
  labelSelector: { matchLabels: labels },
};

/** A lost node's pods leave after 5 s, not after five minutes. */
const tolerations = ["not-ready", "unreachable"].map((condition) => ({
  key: `node.kubernetes.io/${condition}`,
  operator: "Exists",
  effect: "NoExecute",
  tolerationSeconds: 5,
}));

/** CoreDNS for the cluster's own names, as objects to apply. */
export const dnsObjects: readonly object[] = [
  { apiVersion: "v1", kind: "ServiceAccount", metadata },
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name: "coredns" },
    rules: [
      { apiGroups: [""], resources: ["services", "pods", "namespaces"], verbs: ["list", "watch"] },
      { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
    ],
  },
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: "coredns" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "coredns" },
    subjects: [{ kind: "ServiceAccount", ...metadata }],
  },
  { apiVersion: "v1", kind: "ConfigMap", metadata, data: { Corefile: corefile } },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "kube-dns", namespace: "kube-system", labels },
    spec: {
      clusterIP: DNS_ADDRESS,
      selector: labels,
      ports: [
        { name: "dns", port: 53, protocol: "UDP" },
        { name: "dns-tcp", port: 53, protocol: "TCP" },
      ],
    },
  },
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata,
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: "coredns",
          priorityClassName: "system-cluster-critical",
          topologySpreadConstraints: [spread],
          tolerations,
          containers: [container],
          volumes: [{ name: "config", configMap: { name: "coredns" } }],
        },
      },
    },
  },
];
