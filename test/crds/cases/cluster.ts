import { cluster, type CreateCase } from "../case.ts";

const create = (says: string, over: Record<string, unknown>, rest: Partial<CreateCase> = {}): CreateCase => ({
  says,
  kind: "Cluster",
  spec: cluster(over),
  ...rest,
});
const named = (name: string, refused?: string): CreateCase => ({
  says: `a Cluster named ${name.length > 45 ? `with ${name.length} characters` : JSON.stringify(name)}`,
  kind: "Cluster",
  name,
  spec: cluster(),
  ...(refused === undefined ? {} : { refused }),
});
const listeners = (...all: Record<string, unknown>[]) => ({ listeners: all });
const sized = (size: unknown, refused?: string): CreateCase => ({
  says: `storage of ${JSON.stringify(size)}`,
  kind: "Cluster",
  spec: cluster({ storage: { size } }),
  ...(refused === undefined ? {} : { refused }),
});
const NAME_RULE = "must have a metadata.name of at most 40 lower-case letters";
const onKubernetesOnly = { localDiffers: "one machine has its data folder" };

export const clusterCases: readonly CreateCase[] = [
  create(
    "the least that a Cluster must say",
    {},
    {
      becomes: {
        listeners: [{ name: "internal", port: 9092, type: "internal" }],
        storage: { size: "10Gi", ephemeral: false, deletionPolicy: "Retain" },
        imagePullPolicy: "IfNotPresent",
        podDisruptionBudget: { enabled: true },
        networkPolicy: { enabled: true },
        allowedNamespaces: { from: "Same" },
      },
    },
  ),
  create(
    "empty objects, which get their defaults",
    {
      podDisruptionBudget: {},
      networkPolicy: {},
      allowedNamespaces: {},
      monitoring: { podMonitor: {} },
      listeners: [{ port: 9094 }],
    },
    {
      becomes: {
        podDisruptionBudget: { enabled: true },
        networkPolicy: { enabled: true },
        allowedNamespaces: { from: "Same" },
        monitoring: { podMonitor: { enabled: false } },
        listeners: [{ name: "internal", port: 9094, type: "internal" }],
      },
    },
  ),

  named("a"),
  named("a-0"),
  named(`a${"b".repeat(39)}`),
  named(`a${"b".repeat(40)}`, NAME_RULE),
  named("0a", NAME_RULE),
  named("a.b", NAME_RULE),

  sized("10Gi"),
  sized("1e9"),
  sized("1.5Gi"),
  sized(".5Gi"),
  sized("+1Gi"),
  sized(1_000_000_000),
  sized("1000"),
  sized("500m"),
  sized("12 GB", "must be a quantity such as 10Gi"),
  sized("12GB", "must be a quantity such as 10Gi"),
  sized("10gi", "must be a quantity such as 10Gi"),
  sized("1e", "must be a quantity such as 10Gi"),
  sized("Gi", "must be more than 0"),
  sized("", "must be a quantity such as 10Gi"),
  sized("10Gi ", "must be a quantity such as 10Gi"),
  sized("0", "must be more than 0"),
  sized("0Gi", "must be more than 0"),
  sized(0, "must be more than 0"),
  sized("-1Gi", "must be more than 0"),
  sized(true, "spec.storage.size"),
  sized(1.5, "spec.storage.size"),
  create(
    "no storage at all",
    { storage: undefined },
    { refused: "must have storage: {size: 10Gi}", ...onKubernetesOnly },
  ),
  create("storage without size", { storage: {} }, { refused: "must say size, such as 10Gi", ...onKubernetesOnly }),
  create(
    "ephemeral: false without size",
    { storage: { ephemeral: false } },
    {
      refused: "must say size, such as 10Gi",
      ...onKubernetesOnly,
    },
  ),
  create("ephemeral storage without size", { storage: { ephemeral: true } }),
  create("ephemeral storage with a size, its limit", { storage: { ephemeral: true, size: "1Gi" } }),
  create(
    "ephemeral storage with a class",
    { storage: { ephemeral: true, size: "1Gi", storageClass: "a" } },
    {
      refused: "must not have both ephemeral: true and a storageClass",
    },
  ),
  create(
    "a class with capitals",
    { storage: { size: "1Gi", storageClass: "Fast" } },
    {
      refused: "must be lower-case letters, digits, '-' and '.'",
    },
  ),

  create(
    "listeners of all types",
    listeners(
      { name: "internal", port: 9092 },
      { name: "nodes", port: 9093, type: "nodeport" },
      { name: "balanced", port: 9094, type: "loadbalancer" },
    ),
  ),
  create("two listeners of one name", listeners({ name: "a", port: 1 }, { name: "a", port: 2 }), {
    refused: "spec.listeners[1]: Duplicate value",
  }),
  create("two listeners without a name", listeners({ port: 9092 }, { port: 9093 }), {
    refused: "spec.listeners[1]: Duplicate value",
  }),
  create("two listeners of one port", listeners({ name: "a", port: 9092 }, { name: "b", port: 9092 }), {
    refused: "must have different ports; give every listener its own",
  }),
  create("a listener on the brokers' own port", listeners({ port: 8081 }), {
    refused: "must not be 8081, on which brokers talk to each other; choose another port",
  }),
  create("a listener named as the brokers' own port", listeners({ name: "http", port: 9092 }), {
    refused: "must not be http, which is the brokers' own port; choose another name",
  }),
  ...["A", "1a", "a-", "a--b", "a_b", "a.b"].map((name) =>
    create(`a listener named ${name}`, listeners({ name, port: 9092 }), {
      refused: "must be lower-case letters, digits and single '-'",
    }),
  ),
  create("a listener with a name of 12 characters", listeners({ name: "abcdefghijkl", port: 9092 })),
  create("no listeners", listeners(), { refused: "spec.listeners" }),

  create("an HTTP API", { http: {} }, { becomes: { http: { port: 8082 } } }),
  create(
    "an HTTP API on the brokers' own port",
    { http: { port: 8081 } },
    {
      refused: "must not be 8081, on which brokers talk to each other; choose another port",
    },
  ),
  create(
    "an HTTP API on a listener's port",
    { http: { port: 9094 }, ...listeners({ port: 9094 }) },
    {
      refused: "must have an http.port that no listener has; choose another port",
    },
  ),
  create(
    "an HTTP API on the port of the listener that is there by default",
    { http: { port: 9092 } },
    {
      refused: "must have an http.port that no listener has; choose another port",
    },
  ),
  create(
    "a listener on the API's port by default",
    { http: {}, ...listeners({ port: 8082 }) },
    {
      refused: "must have an http.port that no listener has; choose another port",
    },
  ),

  ...[
    "{pod}.example.org",
    "{ordinal}.a-b.example.org",
    "{podIp}",
    "{nodeName}",
    "{nodeIp}",
    "{pod}.{namespace}.x",
    "10.0.0.1",
  ].map((advertisedHost) => create(`advertised host ${advertisedHost}`, listeners({ port: 9092, advertisedHost }))),
  ...["{node}", "a b", "{pod", "a:9092", "pod}", "http://a"].map((advertisedHost) =>
    create(`advertised host ${advertisedHost}`, listeners({ port: 9092, advertisedHost }), {
      refused: "must be a host name in which {pod}, {ordinal}, {podIp}, {nodeName}, {nodeIp}, {namespace} may stand",
    }),
  ),
  ...[1, 65_535, "31000", "31000+{ordinal}"].map((advertisedPort) =>
    create(`advertised port ${JSON.stringify(advertisedPort)}`, listeners({ port: 9092, advertisedPort })),
  ),
  ...[
    0,
    65_536,
    -1,
    "0",
    "{ordinal}",
    "{ordinal}+1",
    "3100{ordinal}",
    "1+1",
    "31000 + {ordinal}",
    "31 000",
    "3{pod}",
  ].map((advertisedPort) =>
    create(`advertised port ${JSON.stringify(advertisedPort)}`, listeners({ port: 9092, advertisedPort }), {
      refused: "spec.listeners[0].advertisedPort",
    }),
  ),
  create("ports of which the last still fits", {
    replicas: 36,
    ...listeners({ port: 9092, advertisedPort: "65500+{ordinal}" }),
  }),
  create(
    "ports of which the last does not fit",
    { replicas: 37, ...listeners({ port: 9092, advertisedPort: "65500+{ordinal}" }) },
    {
      refused: "must have an advertisedPort of at most 65535 for every broker; begin with a smaller one",
    },
  ),
  create("a port of the nodes for each broker", {
    ...listeners({ port: 9092, type: "nodeport", advertisedPort: "31000+{ordinal}" }),
  }),
  create("one port of the nodes for all brokers", listeners({ port: 9092, type: "nodeport", advertisedPort: 31_000 }), {
    refused: "must have an advertisedPort such as 31000+{ordinal} where the type is nodeport",
  }),
  create("a port in text above the last", listeners({ port: 9092, advertisedPort: "70000" }), {
    refused: "must have an advertisedPort of at most 65535",
  }),

  create("configuration of all types", {
    config: {
      "num.partitions": "6",
      "log.retention.ms": "-1",
      "auto.create.topics.enable": "FALSE",
      "x.y": "any thing",
    },
  }),
  ...[6, true, { a: "b" }, ["a"]].map((value) =>
    create(
      `a configuration value ${JSON.stringify(value)}`,
      { config: { "num.partitions": value } },
      {
        refused: "spec.config.num.partitions",
      },
    ),
  ),
  ...["six", "12 GB", "", "1.5", "0x10", "9".repeat(20), "6 "].map((value) =>
    create(
      `num.partitions: ${JSON.stringify(value)}`,
      { config: { "num.partitions": value } },
      {
        refused: "must have whole numbers for keys that end in ms",
      },
    ),
  ),
  create(
    "a configuration value of nothing, which is not there",
    { config: { "num.partitions": null, "log.retention.ms": "1" } },
    { becomes: { config: { "log.retention.ms": "1" } }, localDiffers: "an empty field in a file is pointed at" },
  ),
  create(
    "a truth value that is none",
    { config: { "auto.create.topics.enable": "yes" } },
    {
      refused: "must have 'true' or 'false' for keys that end in enable",
    },
  ),
  create("a key of 249 characters", { config: { ["k".repeat(249)]: "a" } }),
  create(
    "a key of 250 characters",
    { config: { ["k".repeat(250)]: "a" } },
    { refused: "must have keys of 1 to 249 characters" },
  ),
  create("a key of no characters", { config: { "": "a" } }, { refused: "must have keys of 1 to 249 characters" }),
  create("as many copies as brokers", { config: { "default.replication.factor": "3" } }),
  create(
    "more copies than brokers",
    { config: { "default.replication.factor": "4" } },
    {
      refused: "must have at least as many replicas as config default.replication.factor; lower that or raise replicas",
    },
  ),

  create("requests within limits", {
    resources: { requests: { cpu: 1, memory: "1Gi" }, limits: { cpu: "1", memory: "1024Mi" } },
  }),
  ...(["cpu", "memory", "ephemeral-storage"] as const).map((name) =>
    create(
      `a request of ${name} above its limit`,
      { resources: { requests: { [name]: "2Gi" }, limits: { [name]: "1Gi" } } },
      {
        refused: `must not request more ${name} than the limit; lower requests.${name} or raise limits.${name}`,
      },
    ),
  ),
  create(
    "a memory limit without its unit",
    { resources: { limits: { memory: 512 } } },
    {
      refused: "must have limits.memory of at least 64Mi, such as 512Mi; was a unit forgotten?",
    },
  ),
  ...(["cpu", "memory", "ephemeral-storage"] as const).map((name) =>
    create(
      `a limit of no ${name}`,
      { resources: { limits: { [name]: 0 } } },
      { refused: `spec.resources.limits.${name}: Invalid value: "": must be more than 0` },
    ),
  ),
  create("the least memory limit", { resources: { limits: { memory: "64Mi" } } }),
  create(
    "a resource that is none",
    { resources: { limits: { memroy: "1Gi" } } },
    { refused: 'unknown field "spec.resources.limits.memroy"' },
  ),
  create(
    "a quantity of words",
    { resources: { limits: { cpu: "two" } } },
    { refused: "must be a quantity such as 500m or 2" },
  ),

  ...["app.kubernetes.io/name", "tidemark.dev/cluster"].flatMap((key) =>
    ["podLabels", "podAnnotations"].map((field) =>
      create(
        `${field} that would take ${key} from the operator`,
        { [field]: { [key]: "a" } },
        {
          refused:
            "must not set keys under app.kubernetes.io/ or tidemark.dev/: the operator sets them; choose other keys",
        },
      ),
    ),
  ),
  create(
    "a label's key that is none",
    { podLabels: { "a b": "c" } },
    { refused: "must have keys such as example.com/team" },
  ),
  create("a label's value that is none", { podLabels: { a: "b c" } }, { refused: "must be the value of a label" }),
  create("a label without a value", { podLabels: { a: "" } }),

  ...["labels", "annotations"].map((field) =>
    create(
      `${field} of a PodMonitor that would take a key from the operator`,
      { monitoring: { podMonitor: { [field]: { "tidemark.dev/cluster": "a" } } } },
      { refused: "must not set keys under app.kubernetes.io/ or tidemark.dev/: the operator sets them" },
    ),
  ),

  create("namespaces by name", { allowedNamespaces: { from: "Names", names: ["a", "b"] } }),
  ...[{ from: "Names" }, { from: "Names", names: [] }, { from: "All", names: ["a"] }, { names: ["a"] }].map(
    (allowedNamespaces) =>
      create(
        `allowedNamespaces ${JSON.stringify(allowedNamespaces)}`,
        { allowedNamespaces },
        {
          refused: "must have names if, and only if, it says from: Names; add names, or remove them",
        },
      ),
  ),
  create("all namespaces", { allowedNamespaces: { from: "All" } }),
  create(
    "a namespace that cannot be",
    { allowedNamespaces: { from: "Names", names: ["A"] } },
    { refused: "must be lower-case" },
  ),
  create("a rack", { rack: { topologyKey: "topology.kubernetes.io/zone" } }),
  create("a rack without its key", { rack: {} }, { refused: "spec.rack.topologyKey: Required value" }),
  create("an image with spaces", { image: "a b" }, { refused: "must be the name of an image, without spaces" }),
  create("no image, the operator's", { image: "" }),
  create(
    "nulls, which kubectl drops, as if they were not there",
    { rack: null, image: null, podDisruptionBudget: null },
    {
      becomes: { podDisruptionBudget: { enabled: true } },
      localDiffers: "an empty field in a file is pointed at",
    },
  ),
  create("a field misspelt", { replica: 3 }, { refused: 'unknown field "spec.replica"' }),
];
