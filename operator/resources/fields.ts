import Type, { type TObjectOptions, type TProperties } from "typebox";
import { matching } from "./cel.ts";

/** Of every custom resource of this project. */
export const API_GROUP = "tidemark.dev";
export const API_VERSION_NAME = "v1alpha1";
export const API_VERSION = `${API_GROUP}/${API_VERSION_NAME}`;

/** What counts on Kubernetes only: `tidemark up` says so of whoever gives it. */
export const onKubernetes = { "x-tidemark-kubernetes-only": true } as const;

/** A map of these fields and no others. */
export const closed = <Properties extends TProperties>(properties: Properties, options: TObjectOptions = {}) =>
  Type.Object(properties, { additionalProperties: false, ...options });

/** RFC 1123 subdomain, as Kubernetes names objects. */
export const objectName = (description: string, maxLength = 253) =>
  Type.String({
    description,
    minLength: 1,
    maxLength,
    ...matching(
      "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
      "be lower-case letters, digits, '-' and '.', beginning and ending with a letter or digit",
    ),
  });

/** RFC 1123 label, as Kubernetes names namespaces. */
export const namespaceName = (description: string) =>
  Type.String({
    description,
    minLength: 1,
    maxLength: 63,
    ...matching(
      "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
      "be lower-case letters, digits and '-', beginning and ending with a letter or digit",
    ),
  });

/** Its longest Service is NAME-bootstrap-LISTENER (or NAME-broker-99-LISTENER): 63 characters with a listener's 12. */
export const CLUSTER_NAME_LENGTH_MAX = 40;
export const CLUSTER_NAME_PATTERN = "^[a-z]([-a-z0-9]*[a-z0-9])?$";
export const clusterName = (description: string) =>
  Type.String({
    description,
    minLength: 1,
    maxLength: CLUSTER_NAME_LENGTH_MAX,
    ...matching(
      CLUSTER_NAME_PATTERN,
      "be lower-case letters, digits and '-', beginning with a letter and ending with a letter or digit",
    ),
  });

export const INT32_MAX = 2 ** 31 - 1;

/** An integer that fits a JavaScript number. */
export const wholeNumber = (description: string, minimum = 0) =>
  Type.Integer({ description, format: "int64", minimum, maximum: Number.MAX_SAFE_INTEGER });

/** A number of brokers, topics or partitions, in a status. */
export const count = (description: string) =>
  Type.Optional(Type.Integer({ description, format: "int32", minimum: 0, maximum: INT32_MAX }));

/** Set by hand or by Kubernetes; only the name matters here. Other keys of Kubernetes' ObjectMeta are let through. */
export const metadata = <Name extends ReturnType<typeof Type.String>>(name: Name) =>
  Type.Object({ name }, { additionalProperties: true });
