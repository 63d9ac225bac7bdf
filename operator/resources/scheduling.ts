import Type from "typebox";
import { closed, INT32_MAX, wholeNumber } from "./fields.ts";
import { labelSelector, plainLabelKey } from "./label-fields.ts";

/** Pod scheduling, field for field as in Kubernetes 1.30 to 1.34, so that a slip is refused when it is applied. */
const TERMS_MAX = 16;

const nodeRequirements = (description: string) =>
  Type.Array(
    closed({
      key: plainLabelKey("Label or field of the node."),
      operator: Type.Enum(["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"], { type: "string" }),
      values: Type.Optional(Type.Array(Type.String({ maxLength: 253 }), { maxItems: 64 })),
    }),
    { maxItems: TERMS_MAX, description },
  );

const nodeTerm = closed({
  matchExpressions: Type.Optional(nodeRequirements("Labels of the node.")),
  matchFields: Type.Optional(nodeRequirements("Fields of the node: metadata.name.")),
});

const weight = Type.Integer({ minimum: 1, maximum: 100, description: "Weight among the preferences." });

const nodeAffinity = closed({
  requiredDuringSchedulingIgnoredDuringExecution: Type.Optional(
    closed({ nodeSelectorTerms: Type.Array(nodeTerm, { minItems: 1, maxItems: TERMS_MAX }) }),
  ),
  preferredDuringSchedulingIgnoredDuringExecution: Type.Optional(
    Type.Array(closed({ weight, preference: nodeTerm }), { maxItems: TERMS_MAX }),
  ),
});

const labelKeys = (description: string) =>
  Type.Optional(
    Type.Array(plainLabelKey("Label of the pod."), { maxItems: 16, description, "x-kubernetes-list-type": "set" }),
  );

const podTerm = closed({
  topologyKey: plainLabelKey("Label of nodes that makes them one place."),
  labelSelector: Type.Optional(labelSelector("Pods that are looked for.")),
  namespaces: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 63 }), { maxItems: 64 })),
  namespaceSelector: Type.Optional(labelSelector("Namespaces of those pods.")),
  matchLabelKeys: labelKeys("Labels that must be as the pod's own."),
  mismatchLabelKeys: labelKeys("Labels that must not be as the pod's own."),
});

const podAffinity = closed({
  requiredDuringSchedulingIgnoredDuringExecution: Type.Optional(Type.Array(podTerm, { maxItems: TERMS_MAX })),
  preferredDuringSchedulingIgnoredDuringExecution: Type.Optional(
    Type.Array(closed({ weight, podAffinityTerm: podTerm }), { maxItems: TERMS_MAX }),
  ),
});

export const affinitySchema = closed(
  {
    nodeAffinity: Type.Optional(nodeAffinity),
    podAffinity: Type.Optional(podAffinity),
    podAntiAffinity: Type.Optional(podAffinity),
  },
  { description: "Where broker pods may run, as in a pod; left out: rather not two brokers on one node." },
);

export const tolerationsSchema = Type.Array(
  closed({
    key: Type.Optional(plainLabelKey("Taint that is tolerated; all of them when left out.")),
    operator: Type.Optional(Type.Enum(["Exists", "Equal"], { type: "string" })),
    value: Type.Optional(Type.String({ maxLength: 63 })),
    effect: Type.Optional(Type.Enum(["NoSchedule", "PreferNoSchedule", "NoExecute"], { type: "string" })),
    tolerationSeconds: Type.Optional(wholeNumber("How long NoExecute is tolerated; for ever when left out.")),
  }),
  { maxItems: 32, description: "Taints of nodes that broker pods tolerate, as in a pod." },
);

export const topologySpreadConstraintsSchema = Type.Array(
  closed({
    maxSkew: Type.Integer({ minimum: 1, maximum: INT32_MAX, description: "Greatest difference between two places." }),
    topologyKey: plainLabelKey("Label of nodes that makes them one place."),
    whenUnsatisfiable: Type.Enum(["DoNotSchedule", "ScheduleAnyway"], { type: "string" }),
    labelSelector: Type.Optional(labelSelector("Pods that are counted; the Cluster's brokers when left out.")),
    matchLabelKeys: labelKeys("Labels that must be as the pod's own."),
    minDomains: Type.Optional(Type.Integer({ minimum: 1, maximum: INT32_MAX, description: "Fewest places." })),
    nodeAffinityPolicy: Type.Optional(Type.Enum(["Honor", "Ignore"], { type: "string" })),
    nodeTaintsPolicy: Type.Optional(Type.Enum(["Honor", "Ignore"], { type: "string" })),
  }),
  { maxItems: 8, description: "How broker pods spread over zones and nodes, as in a pod." },
);
