import Type, { type Static } from "typebox";

/** Of every custom resource of this project. */
export const API_VERSION = "tidemark.dev/v1alpha1";

/** RFC 1123 subdomain, as Kubernetes names objects. */
const objectName = (description: string) =>
  Type.String({
    description,
    minLength: 1,
    maxLength: 253,
    pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
    "x-tidemark-must": "be lower-case letters, digits, '-' and '.', beginning and ending with a letter or digit",
  });

/** Set by hand or by Kubernetes; only the name matters here. Other keys of Kubernetes' ObjectMeta are let through. */
export const metadataSchema = Type.Object(
  { name: objectName("Name of the object, unique among its kind.") },
  { additionalProperties: true },
);

export const clusterRefSchema = Type.Object(
  { name: objectName("Name of the Cluster.") },
  { additionalProperties: false, description: "The Cluster that has the topic." },
);

/** YAML writes 2, true and "2" alike; Kafka's configuration knows text only. */
export const configSchema = Type.Record(
  Type.String(),
  Type.Unsafe<string | number | boolean>({ type: ["string", "number", "boolean"] }),
  { description: "Kafka's configuration keys and their values.", "x-kubernetes-preserve-unknown-fields": true },
);

/** A Kubernetes quantity of bytes: 10Gi, 500M, 1e9. */
export const quantitySchema = (description: string) =>
  Type.Unsafe<string | number>({
    type: ["string", "integer"],
    description,
    minimum: 1,
    pattern: "^[0-9]+(\\.[0-9]+)?(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?$",
    "x-kubernetes-int-or-string": true,
    "x-tidemark-must": "be a quantity such as 10Gi or 500M",
  });

const factors: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
};

/** Bytes of a valid quantity. */
export function quantityBytes(quantity: string | number): number {
  const [, digits = "0", unit = ""] = /^([0-9.]+)([A-Za-z]*)$/.exec(String(quantity)) ?? [];
  return Math.floor(Number(digits) * (factors[unit] ?? 1));
}

/** Configuration as Kafka has it: text for every key. */
export const configText = (config: Static<typeof configSchema> | undefined): Record<string, string> =>
  Object.fromEntries(Object.entries(config ?? {}).map(([key, value]) => [key, String(value)]));
