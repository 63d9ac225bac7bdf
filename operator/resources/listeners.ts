import Type from "typebox";
import { matching, rules } from "./cel.ts";
import { closed, onKubernetes } from "./fields.ts";

/** What brokers, operator and Prometheus talk to: a port of every broker pod that no listener may take. */
export const BROKER_HTTP_PORT = 8081;
/** Its name in the pod. */
export const BROKER_HTTP_PORT_NAME = "http";
export const DEFAULT_LISTENERS = [{ name: "internal", port: 9092, type: "internal" }] as const;
const PORT_MAX = 65_535;

/** With it the longest name of a Service is 63 characters: see CLUSTER_NAME_LENGTH_MAX. */
const NAME_LENGTH_MAX = 12;
const PLACEHOLDERS = ["{pod}", "{ordinal}", "{podIp}", "{nodeName}", "{nodeIp}", "{namespace}"] as const;

const listenerSchema = closed({
  name: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: NAME_LENGTH_MAX,
      default: "internal",
      description: "Name of the listener: of the pods' port, and part of its Services' names.",
      ...matching(
        "^[a-z](-?[a-z0-9])*$",
        "be lower-case letters, digits and single '-', beginning with a letter and ending with a letter or digit",
      ),
      ...rules({
        rule: `self != '${BROKER_HTTP_PORT_NAME}'`,
        message: `must not be ${BROKER_HTTP_PORT_NAME}, which is the brokers' own port; choose another name`,
        holds: (name: string) => name !== BROKER_HTTP_PORT_NAME,
      }),
    }),
  ),
  port: Type.Integer({
    minimum: 1,
    maximum: PORT_MAX,
    description:
      "Port of Kafka clients. In Kubernetes every broker has it; " +
      "on one machine the first broker takes it, the others the next ones.",
    ...rules({
      rule: `self != ${BROKER_HTTP_PORT}`,
      message: `must not be ${BROKER_HTTP_PORT}, on which brokers talk to each other; choose another port`,
      holds: (port: number) => port !== BROKER_HTTP_PORT,
    }),
  }),
  type: Type.Optional(
    Type.Enum(["internal", "nodeport", "loadbalancer"], {
      type: "string",
      default: "internal",
      description:
        "internal: within Kubernetes. nodeport: every broker on a port of the nodes. " +
        "loadbalancer: a load balancer for each broker and one for the bootstrap address.",
      "x-tidemark-kubernetes-only": ["nodeport", "loadbalancer"],
    }),
  ),
  advertisedHost: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 253,
      description:
        `Host by which clients find a broker; may hold ${PLACEHOLDERS.join(", ")}. ` +
        "Left out: what the listener's type gives.",
      ...matching(
        "^([a-zA-Z0-9.-]|[{](pod|ordinal|podIp|nodeName|nodeIp|namespace)[}])+$",
        `be a host name in which ${PLACEHOLDERS.join(", ")} may stand for what differs between brokers`,
      ),
      ...onKubernetes,
    }),
  ),
  advertisedPort: Type.Optional(
    Type.Unsafe<string | number>({
      type: ["string", "integer"],
      minimum: 1,
      maximum: PORT_MAX,
      maxLength: 16,
      description:
        "Port by which clients find a broker: a number, or one for each broker by a sum, such as 31000+{ordinal}. " +
        "With type nodeport it is the port of the nodes, and a sum, since two brokers cannot share one. " +
        "Left out: what the listener's type gives.",
      "x-kubernetes-int-or-string": true,
      ...matching(
        "^[1-9][0-9]{0,4}([+][{]ordinal[}])?$",
        "be a port, or the sum of one and {ordinal}, such as 31000 or 31000+{ordinal}",
      ),
      ...onKubernetes,
    }),
  ),
});

type Listener = Type.Static<typeof listenerSchema>;

export const listenersSchema = Type.Array(listenerSchema, {
  minItems: 1,
  maxItems: 8,
  default: DEFAULT_LISTENERS,
  description: "Where Kafka clients connect.",
  "x-kubernetes-list-type": "map",
  "x-kubernetes-list-map-keys": ["name"],
  "x-tidemark-local-items-max": 1,
  ...rules(
    {
      rule: "self.all(one, self.exists_one(other, other.port == one.port))",
      message: "must have different ports; give every listener its own",
      holds: (listeners: readonly Listener[]) => new Set(listeners.map(({ port }) => port)).size === listeners.length,
    },
    {
      rule:
        "self.all(one, !has(one.type) || one.type != 'nodeport' || !has(one.advertisedPort) || " +
        "string(one.advertisedPort).endsWith('{ordinal}'))",
      message:
        "must have an advertisedPort such as 31000+{ordinal} where the type is nodeport: " +
        "each broker needs a port of the nodes for itself",
      holds: (listeners: readonly Listener[]) =>
        listeners.every(
          ({ type, advertisedPort }) =>
            type !== "nodeport" || advertisedPort === undefined || String(advertisedPort).endsWith("{ordinal}"),
        ),
    },
  ),
});

const FIRST_PORT = "int(string(one.advertisedPort).replace('+{ordinal}', ''))";
const ORDINAL = "(string(one.advertisedPort).endsWith('{ordinal}') ? self.replicas - 1 : 0)";

/** The port that one broker's clients are told: 31000+{ordinal} is 31002 for broker 2. */
export function advertisedPortOf(advertisedPort: string | number, ordinal: number): number {
  const first = Number(String(advertisedPort).replace("+{ordinal}", ""));
  return String(advertisedPort).endsWith("{ordinal}") ? first + ordinal : first;
}

/** A rule of spec, because only the number of brokers tells the last port. */
export const advertisedPortsFit = {
  rule:
    "!has(self.listeners) || self.listeners.all(one, !has(one.advertisedPort) || " +
    `${FIRST_PORT} + ${ORDINAL} <= ${PORT_MAX})`,
  message: `must have an advertisedPort of at most ${PORT_MAX} for every broker; begin with a smaller one`,
  holds: ({ replicas, listeners = [] }: { replicas: number; listeners?: readonly Listener[] }) =>
    listeners.every(({ advertisedPort = 1 }) => advertisedPortOf(advertisedPort, replicas - 1) <= PORT_MAX),
};
