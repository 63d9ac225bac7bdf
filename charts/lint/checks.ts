import type { Rendered } from "../helm.ts";

/** What a check looks at. */
export interface CheckInput {
  readonly objects: readonly Rendered[];
  /** Renders once more, with other values. @throws Error with helm's words. */
  render(values: readonly string[]): readonly Rendered[];
  /** Names of the files of custom resource definitions that the chart has. */
  readonly crds: readonly string[];
}

/** A sentence about the chart, and what is found to break it when it is rendered with `values`. */
export interface Check {
  readonly promise: string;
  readonly values: readonly string[];
  breaks(input: CheckInput): string[];
}

const namespaced = ["watchNamespaces={one,two}"];
const everything = [
  "rbac.nodes=true",
  "rbac.aggregate=true",
  "monitoring.podMonitor.enabled=true",
  "monitoring.prometheusRule.enabled=true",
  "monitoring.dashboards.enabled=true",
];

const ofKind = (objects: readonly Rendered[], kind: string): Rendered[] => objects.filter((one) => one.kind === kind);

const isHook = (object: Rendered): boolean => object.metadata.annotations?.["helm.sh/hook"] !== undefined;

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

const rulesOf = (objects: readonly Rendered[]): Rule[] =>
  objects
    .filter(({ kind }) => kind === "Role" || kind === "ClusterRole")
    .flatMap((role) => role["rules"] as readonly Rule[]);

/** Verbs of the operator on a resource, in whatever role. */
const verbsOn = (objects: readonly Rendered[], resource: string): string[] => [
  ...new Set(
    rulesOf(objects.filter((one) => !isHook(one) && !/-(?:view|edit)$/.test(one.metadata.name)))
      .filter((rule) => rule.resources.includes(resource))
      .flatMap((rule) => rule.verbs),
  ),
];

const podsOf = (objects: readonly Rendered[]) =>
  objects
    .filter((object) => object["spec"]?.template?.spec?.containers !== undefined)
    .map((object) => ({ name: `${object.kind} ${object.metadata.name}`, spec: object["spec"].template.spec }));

function restrictedBreaks({ name, spec }: ReturnType<typeof podsOf>[number]): string[] {
  const { securityContext: pod, containers, volumes = [] } = spec;
  const found: string[] = [];
  if (pod?.runAsNonRoot !== true) found.push(`${name} may run as root`);
  if (pod?.seccompProfile?.type !== "RuntimeDefault") found.push(`${name} has no seccomp profile`);
  for (const { securityContext: own } of containers) {
    if (own?.allowPrivilegeEscalation !== false) found.push(`${name} may gain privileges`);
    if (own?.readOnlyRootFilesystem !== true) found.push(`${name} can write to its image`);
    if (own?.capabilities?.drop?.[0] !== "ALL") found.push(`${name} keeps capabilities`);
  }
  for (const volume of volumes) if (volume.hostPath !== undefined) found.push(`${name} mounts a path of its node`);
  return found;
}

/** What `values` should be refused for, if it is not. */
const refused = ({ render }: CheckInput, values: readonly string[], words: RegExp): string[] => {
  try {
    render(values);
    return [`${values.join(",")} is accepted`];
  } catch (error) {
    const said = Error.isError(error) ? error.message : String(error);
    return words.test(said) ? [] : [`${values.join(",")} is refused with other words: ${said}`];
  }
};

const missing = (wanted: readonly string[], found: readonly string[], what: string): string[] => [
  ...wanted.filter((one) => !found.includes(one)).map((one) => `${what} lacks ${one}`),
  ...found.filter((one) => !wanted.includes(one)).map((one) => `${what} has ${one} too`),
];

const crdsOf = (objects: readonly Rendered[]): Rendered[] => ofKind(objects, "CustomResourceDefinition");

const rbacChecks: readonly Check[] = [
  {
    promise: "no rule has a wildcard, and nobody may run programs in pods",
    values: everything,
    breaks: ({ objects }) =>
      rulesOf(objects).flatMap(({ apiGroups, resources, verbs }) =>
        [...apiGroups, ...resources, ...verbs].filter((word) => /[*]|exec|attach|impersonate|escalate|bind/.test(word)),
      ),
  },
  {
    promise: "in namespaces only, there are Roles in each of them and nothing cluster-wide but the definitions",
    values: namespaced,
    breaks: ({ objects }) => [
      ...objects.filter(({ kind }) => kind.startsWith("ClusterRole")).map((one) => `${one.kind} ${one.metadata.name}`),
      ...missing(
        ["one", "ops", "two"],
        ofKind(objects, "Role").flatMap((role) => (isHook(role) ? [] : [role.metadata.namespace ?? ""])),
        "the list of namespaces with a Role",
      ),
    ],
  },
  {
    promise: "every binding names a role that is there and the operator's ServiceAccount",
    values: [...namespaced, ...everything],
    breaks: ({ objects }) =>
      objects
        .filter(({ kind }) => kind.endsWith("Binding"))
        .flatMap((binding) => {
          const { kind, name } = binding["roleRef"];
          const role = objects.find(
            (one) =>
              one.kind === kind &&
              one.metadata.name === name &&
              (kind === "ClusterRole" || one.metadata.namespace === binding.metadata.namespace),
          );
          const [subject] = binding["subjects"];
          const account = objects.find(
            (one) =>
              one.kind === "ServiceAccount" &&
              one.metadata.name === subject.name &&
              one.metadata.namespace === subject.namespace,
          );
          return [
            ...(role === undefined ? [`${binding.metadata.name} names ${kind} ${name}, which is not there`] : []),
            ...(account === undefined ? [`${binding.metadata.name} binds ${subject.name}, which is not there`] : []),
          ];
        }),
  },
  {
    promise: "nodes are read only when a value says so, and then with get alone",
    values: [],
    breaks: ({ objects, render }) => [
      ...verbsOn(objects, "nodes").map((verb) => `nodes: ${verb} by default`),
      ...missing(["get"], verbsOn(render(["rbac.nodes=true"]), "nodes"), "nodes"),
      ...missing(["get"], verbsOn(render(["rbac.nodes=true", ...namespaced]), "nodes"), "nodes, with Roles"),
    ],
  },
  {
    promise: "volumes and pods are never made by the operator, custom resources, metadata and secrets never deleted",
    values: [],
    breaks: ({ objects }) => [
      ...missing(["get", "list", "watch", "patch", "delete"], verbsOn(objects, "pods"), "pods"),
      ...missing(["get", "list", "watch", "patch", "delete"], verbsOn(objects, "persistentvolumeclaims"), "volumes"),
      ...missing(["get", "list", "watch"], verbsOn(objects, "clusters"), "clusters"),
      ...missing(["get", "list", "watch"], verbsOn(objects, "topics"), "topics"),
      ...missing(["get", "list", "create", "update", "patch"], verbsOn(objects, "metadatashards"), "metadata"),
      ...missing(["get", "list", "watch", "create", "patch"], verbsOn(objects, "secrets"), "secrets"),
    ],
  },
  {
    promise: "without rbac.create there are no roles but the test's",
    values: ["rbac.create=false"],
    breaks: ({ objects }) =>
      objects.filter((one) => /Role/.test(one.kind) && !isHook(one)).map((one) => `${one.kind} ${one.metadata.name}`),
  },
];

const podChecks: readonly Check[] = [
  {
    promise: "every pod fits the restricted profile",
    values: [],
    breaks: ({ objects }) => podsOf(objects).flatMap(restrictedBreaks),
  },
  {
    promise: "the operator has two pods on different nodes where possible, with a budget and a service that find them",
    values: [],
    breaks: ({ objects }) => {
      const [deployment] = ofKind(objects, "Deployment");
      const [budget] = ofKind(objects, "PodDisruptionBudget");
      const [service] = ofKind(objects, "Service");
      const labels = deployment?.["spec"].template.metadata.labels ?? {};
      const selects = (selector: Record<string, string>): boolean =>
        Object.entries(selector).every(([key, value]) => labels[key] === value);
      return [
        ...(deployment?.["spec"].replicas === 2 ? [] : ["not two replicas"]),
        ...(deployment?.["spec"].template.spec.affinity.podAntiAffinity === undefined ? ["no anti-affinity"] : []),
        ...(selects(deployment?.["spec"].selector.matchLabels) ? [] : ["the Deployment misses its pods"]),
        ...(selects(budget?.["spec"].selector.matchLabels) ? [] : ["the budget misses the pods"]),
        ...(selects(service?.["spec"].selector) ? [] : ["the Service misses the pods"]),
        // Brokers' NetworkPolicies let the operator in by this label.
        ...(labels["app.kubernetes.io/name"] === "tidemark-operator" ? [] : ["the pods have another name"]),
      ];
    },
  },
  {
    promise: "Node's heap follows the memory limit, and a limit too small is refused by name",
    values: ["resources.limits.memory=1Gi"],
    breaks: (input) => {
      const command = String(
        podsOf(input.objects).find(({ name }) => name.startsWith("Deployment"))?.spec.containers[0].command,
      );
      return [
        ...(command.includes("--max-old-space-size=912") ? [] : [`1Gi gives ${command}`]),
        ...refused(input, ["resources.limits.memory=100Mi"], /needs 144Mi at least/),
        ...refused(input, ["resources.limits.memory=1G"], /give it in Mi or Gi/),
      ];
    },
  },
  {
    promise: "image, tag and digest make one name, and brokers have the operator's image unless another is named",
    values: ["image.repository=example.org/t", "image.tag=v2"],
    breaks: ({ objects, render }) => {
      const imageOf = (all: readonly Rendered[]) => {
        const [{ image, env }] = podsOf(all).find(({ name }) => name.startsWith("Deployment"))?.spec.containers ?? [{}];
        const brokers = env.find((one: { name: string }) => one.name === "BROKER_IMAGE").value;
        return `${image} ${brokers}`;
      };
      const digest = `sha256:${"a".repeat(64)}`;
      const withDigest = imageOf(render([`image.digest=${digest}`, "brokerImage=b:1", "image.repository=r"]));
      return [
        ...(imageOf(objects) === "example.org/t:v2 example.org/t:v2" ? [] : [imageOf(objects)]),
        ...(withDigest === `r@${digest} b:1` ? [] : [withDigest]),
      ];
    },
  },
];

const releaseChecks: readonly Check[] = [
  {
    promise: "the custom resource definitions belong to the release and outlive it",
    values: [],
    breaks: ({ objects, render, crds }) => [
      ...missing(
        crds.map(() => "keep"),
        crdsOf(objects).map((crd) => crd.metadata.annotations?.["helm.sh/resource-policy"] ?? "delete"),
        "the definitions' policy",
      ),
      ...(crdsOf(objects).length === crds.length ? [] : [`${crdsOf(objects).length} of ${crds.length} are rendered`]),
      ...crdsOf(render(["crds.install=false"])).map((crd) => `${crd.metadata.name} with crds.install=false`),
    ],
  },
  {
    promise: "a value that is not known is refused by name",
    values: [],
    breaks: (input) => [
      ...refused(input, ["replica=3"], /replica/),
      ...refused(input, ["rbac.node=true"], /node/),
      ...refused(input, ["image.pullPolicy=Sometimes"], /pullPolicy/),
      ...refused(input, ["watchNamespaces={Not_A_Name}"], /watchNamespaces/),
      ...refused(input, ["replicas=0"], /replicas/),
    ],
  },
  {
    promise: "what helm test makes goes again, and it runs where the operator looks",
    values: namespaced,
    breaks: ({ objects }) =>
      objects.filter(isHook).flatMap((hook) => {
        const policy = hook.metadata.annotations?.["helm.sh/hook-delete-policy"] ?? "";
        const place = hook.kind === "Role" || hook.kind === "RoleBinding" ? "one" : "ops";
        return [
          ...(/before-hook-creation,hook-succeeded/.test(policy) ? [] : [`${hook.kind} stays`]),
          ...(hook.metadata.namespace === place ? [] : [`${hook.kind} is in ${hook.metadata.namespace}`]),
        ];
      }),
  },
  {
    promise: "what watches is off by default, and each is there when its value says so",
    values: [],
    breaks: ({ objects, render }) => {
      const kinds = (all: readonly Rendered[]): string =>
        ["PodMonitor", "PrometheusRule", "ConfigMap"].map((kind) => ofKind(all, kind).length > 0).join(" ");
      const on = everything.filter((value) => value.startsWith("monitoring."));
      return [
        ...(kinds(objects) === "false false false" ? [] : [`by default: ${kinds(objects)}`]),
        ...(kinds(render(on)) === "true true true" ? [] : [`switched on: ${kinds(render(on))}`]),
      ];
    },
  },
  {
    promise: "every object has a namespace that is told, or belongs to none",
    values: everything,
    breaks: ({ objects }) =>
      objects
        .filter((one) => !/^(?:ClusterRole|ClusterRoleBinding|CustomResourceDefinition)$/.test(one.kind))
        .filter((one) => one.metadata.namespace === undefined)
        .map((one) => `${one.kind} ${one.metadata.name}`),
  },
];

export const checks: readonly Check[] = [...rbacChecks, ...podChecks, ...releaseChecks];
