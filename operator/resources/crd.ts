import { type Structural, structural } from "./structural.ts";
import type { Schema } from "./check.ts";
import { clusterSchema } from "./cluster.ts";
import { API_GROUP, API_VERSION_NAME } from "./fields.ts";
import { metadataShardSchema } from "./metadata-shard.ts";
import { clusterColumns, metadataShardColumns, type PrinterColumn, topicColumns } from "./printer-columns.ts";
import { topicSchema } from "./topic.ts";

interface Definition {
  readonly kind: string;
  readonly plural: string;
  readonly shortName: string;
  readonly categories: readonly string[];
  readonly schema: unknown;
  readonly columns: readonly PrinterColumn[];
  readonly subresources: Structural;
}

const definitions: readonly Definition[] = [
  {
    kind: "Cluster",
    plural: "clusters",
    shortName: "tmc",
    categories: ["tidemark"],
    schema: clusterSchema,
    columns: clusterColumns,
    subresources: {
      status: {},
      scale: {
        specReplicasPath: ".spec.replicas",
        statusReplicasPath: ".status.replicas",
        labelSelectorPath: ".status.selector",
      },
    },
  },
  {
    kind: "Topic",
    plural: "topics",
    shortName: "tmt",
    categories: ["tidemark"],
    schema: topicSchema,
    columns: topicColumns,
    subresources: { status: {} },
  },
  {
    // No category: `kubectl get tidemark` shows what people write.
    kind: "MetadataShard",
    plural: "metadatashards",
    shortName: "tms",
    categories: [],
    schema: metadataShardSchema,
    columns: metadataShardColumns,
    subresources: {},
  },
];

/** A CustomResourceDefinition, and the name of its file. */
export interface NamedDefinition {
  readonly kind: string;
  readonly file: string;
  readonly definition: Structural;
}

/** Every CustomResourceDefinition, out of the schemas. */
export const customResourceDefinitions = (): NamedDefinition[] =>
  definitions.map((one) => ({ kind: one.kind, file: `${one.plural}.yaml`, definition: definitionOf(one) }));

function definitionOf(of: Definition): Structural {
  const { kind, plural, categories } = of;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${API_GROUP}` },
    spec: {
      group: API_GROUP,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        shortNames: [of.shortName],
        ...(categories.length === 0 ? {} : { categories }),
      },
      scope: "Namespaced",
      versions: [
        {
          name: API_VERSION_NAME,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: rootOf(of.schema as Schema) },
          ...(Object.keys(of.subresources).length === 0 ? {} : { subresources: of.subresources }),
          additionalPrinterColumns: of.columns,
        },
      ],
    },
  };
}

/** The API server itself looks after apiVersion, kind and metadata. */
function rootOf(schema: Schema): Structural {
  const { spec, status } = schema.properties ?? {};
  return {
    ...structural({ ...schema, properties: {}, required: ["spec"] }),
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      metadata: { type: "object" },
      ...(spec === undefined ? {} : { spec: structural(spec) }),
      ...(status === undefined ? {} : { status: structural(status) }),
    },
  };
}
