import Type from "typebox";
import { matching, rules } from "./cel.ts";
import { closed, objectName, onKubernetes } from "./fields.ts";
import { annotationsSchema, labelsSchema } from "./label-fields.ts";
import { quantitySchema } from "./quantity.ts";
import { quantityValue } from "./quantity-value.ts";
import { affinitySchema, tolerationsSchema, topologySpreadConstraintsSchema } from "./scheduling.ts";

const amounts = (description: string) =>
  closed(
    {
      cpu: Type.Optional(quantitySchema("CPUs.", "500m or 2")),
      memory: Type.Optional(quantitySchema("Memory in bytes.", "512Mi or 2Gi")),
      "ephemeral-storage": Type.Optional(quantitySchema("Room in bytes for what lies in the pod.", "1Gi")),
    },
    { description },
  );
type Amounts = Type.Static<ReturnType<typeof amounts>>;
interface Resources {
  readonly requests?: Amounts;
  readonly limits?: Amounts;
}
const RESOURCES = ["cpu", "memory", "ephemeral-storage"] as const;

/** Node itself takes more than this before the first line runs: less is a unit forgotten. */
const MEMORY_LIMIT_LEAST = "64Mi";

function requestsWithin(name: (typeof RESOURCES)[number]) {
  // A name with '-' is read in CEL as `ephemeral__dash__storage`.
  const field = name.replaceAll("-", "__dash__");
  const [request, limit] = [`self.requests.${field}`, `self.limits.${field}`];
  const both = `has(self.requests) && has(self.limits) && has(${request}) && has(${limit})`;
  const areQuantities = `isQuantity(string(${request})) && isQuantity(string(${limit}))`;
  return {
    rule: `!(${both} && ${areQuantities}) || quantity(string(${request})).compareTo(quantity(string(${limit}))) <= 0`,
    message: `must not request more ${name} than the limit; lower requests.${name} or raise limits.${name}`,
    holds: ({ requests, limits }: Resources) => {
      const [wanted, most] = [requests?.[name], limits?.[name]];
      return wanted === undefined || most === undefined || quantityValue(wanted) <= quantityValue(most);
    },
  };
}

const resourcesSchema = closed(
  {
    requests: Type.Optional(amounts("What a broker is promised.")),
    limits: Type.Optional(amounts("What a broker may use; its heap follows the memory limit.")),
  },
  {
    description: "Resources of a broker's container.",
    ...onKubernetes,
    ...rules(...RESOURCES.map(requestsWithin), {
      rule:
        "!(has(self.limits) && has(self.limits.memory) && isQuantity(string(self.limits.memory))) || " +
        `quantity(string(self.limits.memory)).compareTo(quantity('${MEMORY_LIMIT_LEAST}')) >= 0`,
      message: `must have limits.memory of at least ${MEMORY_LIMIT_LEAST}, such as 512Mi; was a unit forgotten?`,
      holds: ({ limits }: Resources) =>
        limits?.memory === undefined || quantityValue(limits.memory) >= quantityValue(MEMORY_LIMIT_LEAST),
    }),
  },
);

/** What a Cluster says of its broker pods. */
export const podFields = {
  image: Type.Optional(
    Type.String({
      maxLength: 512,
      description: "Image of the brokers; empty: the one that the operator was installed with.",
      ...matching("^(\\S*)$", "be the name of an image, without spaces"),
      ...onKubernetes,
    }),
  ),
  imagePullPolicy: Type.Optional(
    Type.Enum(["Always", "IfNotPresent", "Never"], {
      type: "string",
      default: "IfNotPresent",
      description: "When nodes pull the image.",
      ...onKubernetes,
    }),
  ),
  imagePullSecrets: Type.Optional(
    Type.Array(closed({ name: objectName("Name of a Secret in the Cluster's namespace.") }), {
      maxItems: 8,
      description: "Secrets for the image's registry.",
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["name"],
      ...onKubernetes,
    }),
  ),
  resources: Type.Optional(resourcesSchema),
  affinity: Type.Optional({ ...affinitySchema, ...onKubernetes }),
  tolerations: Type.Optional({ ...tolerationsSchema, ...onKubernetes }),
  topologySpreadConstraints: Type.Optional({ ...topologySpreadConstraintsSchema, ...onKubernetes }),
  priorityClassName: Type.Optional({ ...objectName("PriorityClass of broker pods."), ...onKubernetes }),
  podLabels: Type.Optional({ ...labelsSchema("Further labels of broker pods."), ...onKubernetes }),
  podAnnotations: Type.Optional({ ...annotationsSchema("Further annotations of broker pods."), ...onKubernetes }),
};
