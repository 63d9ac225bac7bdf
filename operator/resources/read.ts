import { type Document, LineCounter, parseAllDocuments } from "yaml";
import { TidemarkError } from "#base/errors.ts";
import { type Breach, breaches, isMap, type Schema, show } from "./check.ts";
import { type Cluster, clusterSchema } from "./cluster.ts";
import { API_VERSION } from "./fields.ts";
import { fieldsWithoutEffect } from "./local-effects.ts";
import { nearest } from "./nearest.ts";
import { type Topic, topicNameOf, topicSchema } from "./topic.ts";

/** What the files of one `up` say. */
export interface Resources {
  /** Null when no file has a Cluster. */
  readonly cluster: Cluster | null;
  readonly topics: readonly Topic[];
  /** Fields that are given and valid but count on Kubernetes only, each once. */
  readonly withoutEffect: readonly string[];
}

/** What may stand in `spec.config` of one kind. */
export interface ConfigRules {
  /** Every key that exists. */
  readonly names: readonly string[];
  /** One line that says what is wrong with the values of known keys, or null. */
  validate(config: Readonly<Record<string, string>>): string | null;
}

export interface AllConfigRules {
  readonly Cluster: ConfigRules;
  readonly Topic: ConfigRules;
}

export interface SourceFile {
  /** As people wrote it, for messages. */
  readonly name: string;
  readonly text: string;
}

/** Documents of one file above this are refused before they are read. */
const FILE_BYTES_MAX = 4 * 1024 * 1024;
const schemas = { Cluster: clusterSchema, Topic: topicSchema } as const;
const kinds = Object.keys(schemas);

interface Found {
  readonly resource: Cluster | Topic;
  /** "cluster.yaml: document 2 (Topic orders)". */
  readonly where: string;
}

function refuse(where: string, says: string): never {
  throw new TidemarkError("BAD_INPUT", `${where}: ${says}`);
}

/**
 * Reads and checks resources out of YAML files of one or several documents.
 * @throws TidemarkError BAD_INPUT, one line: file, document, field, what is wrong and what to do.
 */
export function readResources(files: readonly SourceFile[], rules: AllConfigRules): Resources {
  const found = files.flatMap((file) => readFile(file));
  for (const { resource, where } of found) checkConfig(resource, where, rules[resource.kind]);
  const clusters = found.filter(({ resource }) => resource.kind === "Cluster");
  const second = clusters[1];
  if (second !== undefined)
    refuse(second.where, "is a second Cluster; `up` runs one: move the other to a file of its own");
  const cluster = (clusters[0]?.resource as Cluster | undefined) ?? null;
  const topics: Topic[] = [];
  const names = new Set<string>();
  for (const { resource, where } of found) {
    if (resource.kind !== "Topic") continue;
    checkTopic(resource, where, cluster, names);
    names.add(topicNameOf(resource));
    topics.push(resource);
  }
  return { cluster, topics, withoutEffect: fieldsWithoutEffect(cluster, topics) };
}

function checkTopic(topic: Topic, where: string, cluster: Cluster | null, names: ReadonlySet<string>): void {
  const name = topicNameOf(topic);
  if (names.has(name)) refuse(where, `topic ${name} is there twice; remove one`);
  if (cluster === null) refuse(where, "there is no Cluster in the files; add the Cluster that it names");
  const wanted = topic.spec.clusterRef.name;
  if (wanted !== cluster.metadata.name) {
    refuse(where, `spec.clusterRef.name is ${show(wanted)}, but the Cluster is ${show(cluster.metadata.name)}`);
  }
  const factor = topic.spec.replicationFactor ?? 1;
  if (factor > cluster.spec.replicas) {
    const has = cluster.spec.replicas;
    const says = `spec.replicationFactor ${factor} is more than the ${has} brokers of Cluster ${wanted}`;
    refuse(where, `${says}; raise its spec.replicas or lower the factor`);
  }
}

function checkConfig(resource: Cluster | Topic, where: string, rules: ConfigRules): void {
  const config = resource.spec.config ?? {};
  for (const key of Object.keys(config)) {
    if (rules.names.includes(key)) continue;
    const meant = nearest(key, rules.names);
    const hint = meant === null ? "docs/configuration.md lists the known keys" : `did you mean ${meant}?`;
    refuse(where, `spec.config.${show(key)} is an unknown key; ${hint}`);
  }
  const says = rules.validate(config);
  if (says !== null) refuse(where, `spec.config: ${says}`);
}

function readFile(file: SourceFile): Found[] {
  if (file.text.length > FILE_BYTES_MAX) refuse(file.name, `is larger than ${FILE_BYTES_MAX} bytes; split it`);
  const lines = new LineCounter();
  const parsed = parseAllDocuments(file.text, { lineCounter: lines, prettyErrors: false });
  const documents: Document[] = "empty" in parsed ? [] : parsed;
  const found: Found[] = [];
  for (const [index, document] of documents.entries()) {
    const fault = document.errors[0];
    if (fault !== undefined) {
      const { line, col } = lines.linePos(fault.pos[0]);
      refuse(`${file.name}:${line}:${col}`, `is no YAML: ${firstLine(fault.message)}`);
    }
    const value = plainValue(document, file.name);
    if (value === null) continue;
    found.push(readDocument(value, { file: file.name, number: documents.length > 1 ? index + 1 : null }));
  }
  if (found.length === 0)
    refuse(file.name, "has no resource in it; examples/quickstart.yaml shows what one looks like");
  return found;
}

const firstLine = (text: string): string => text.split("\n", 1)[0] ?? text;

function plainValue(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 }) as unknown;
  } catch (error) {
    return refuse(file, `cannot be read: ${Error.isError(error) ? firstLine(error.message) : "bad alias"}`);
  }
}

function readDocument(value: unknown, at: { file: string; number: number | null }): Found {
  const place = at.number === null ? at.file : `${at.file}: document ${at.number}`;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    refuse(place, `must be a map with apiVersion, kind, metadata and spec, not ${show(value)}`);
  }
  const { apiVersion, kind, metadata } = value as {
    apiVersion?: unknown;
    kind?: unknown;
    metadata?: { name?: unknown };
  };
  if (apiVersion !== API_VERSION) refuse(place, `apiVersion must be ${API_VERSION}, not ${show(apiVersion)}`);
  if (typeof kind !== "string" || !Object.hasOwn(schemas, kind)) {
    const meant = typeof kind === "string" ? nearest(kind, kinds) : null;
    const hint = meant === null ? `known kinds: ${kinds.join(", ")}` : `did you mean ${meant}?`;
    refuse(place, `kind ${show(kind)} is unknown; ${hint}`);
  }
  const name = typeof metadata?.name === "string" ? ` ${metadata.name}` : "";
  const where = `${place} (${kind}${name})`;
  const schema: unknown = schemas[kind as keyof typeof schemas];
  const resource = asWritten(value);
  const all = breaches(schema as Schema, resource);
  if (all.length > 0) refuse(where, summary(all));
  return { resource: resource as unknown as Cluster | Topic, where };
}

/**
 * What its author wrote: without the status that Kubernetes adds. Files for one machine may write 2, true and "2" alike
 * in a configuration, which is text only in Kafka and in the resource.
 */
function asWritten({ status: _, ...value }: { status?: unknown; spec?: unknown }): object {
  const { spec } = value;
  if (!isMap(spec) || !isMap(spec["config"])) return value;
  const texts = Object.entries(spec["config"]).map(([key, one]) => [
    key,
    typeof one === "number" || typeof one === "boolean" ? String(one) : one,
  ]);
  return { ...value, spec: { ...spec, config: Object.fromEntries(texts) as unknown } };
}

/** The first breach in full; how many more there are. */
function summary(all: readonly Breach[]): string {
  const [first] = all;
  const more = all.length > 1 ? ` (and ${all.length - 1} more)` : "";
  return first === undefined ? "" : `${first.path} ${first.says}${more}`;
}
