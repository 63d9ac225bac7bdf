/*
 * Compares every declaration of broker/wire/apis with Kafka's own, field by field and version by version: name, order,
 * type, presence, nullability, tag, default and whether an old version may drop it.
 *
 *   node test/protocol/compare-with-kafka.ts [--from JAR|FOLDER] [--allow-missing]
 *
 * Ends with 1 on any difference, and when Kafka's definitions cannot be had unless --allow-missing is given.
 */
import { parseArgs } from "node:util";
import type { Api } from "../../broker/wire/api.ts";
import type { AnyField, Shape } from "../../broker/wire/schema.ts";
import { inRange } from "../../broker/wire/schema.ts";
import { declaredApis, versionsOf } from "./declared-apis.ts";
import type { KafkaField, KafkaMessage } from "./kafka-definitions.ts";
import { kafkaDefinitions } from "./kafka-definitions.ts";

/** One field in one version, in words that both sides can be brought to. */
interface FieldView {
  readonly path: string;
  readonly type: string;
  readonly isNullable: boolean;
  readonly tag: number | undefined;
  readonly fallback: unknown;
  readonly isIgnorable: boolean;
}

const namedKinds = new Set([
  "int8",
  "int16",
  "int32",
  "int64",
  "uint16",
  "uint32",
  "bool",
  "float64",
  "uuid",
  "string",
]);
const plainKinds = new Set([...namedKinds, "bytes", "records"]);

function parseVersions(text: string | undefined): { first: number; last: number } | undefined {
  if (text === undefined || text === "" || text === "none") return undefined;
  const [first, last] = text.split("-");
  if (text.endsWith("+")) return { first: Number.parseInt(text, 10), last: Number.POSITIVE_INFINITY };
  return { first: Number(first), last: Number(last ?? first) };
}

/** Ours, flattened for one version. */
function viewOurs(shape: Shape, version: number, path = ""): FieldView[] {
  return Object.entries(shape).flatMap(([name, field]) => {
    if (!inRange(field.versions, version)) return [];
    const own = `${path}.${name}`;
    const holder = field.kind === "array" && field.element !== undefined ? field.element : field;
    const view: FieldView = {
      path: own,
      type: ourType(field),
      isNullable: inRange(field.nullableVersions, version),
      tag: field.tag,
      fallback: ourFallback(field),
      isIgnorable: field.isIgnorable,
    };
    return [view, ...(holder.shape === undefined ? [] : viewOurs(holder.shape, version, own))];
  });
}

function ourType(field: AnyField): string {
  if (field.kind === "array") return `[]${field.element === undefined ? "" : ourType(field.element)}`;
  return field.kind === "boolean" ? "bool" : field.kind;
}

function ourFallback(field: AnyField): unknown {
  if (field.fallback === null || field.kind === "struct") return field.fallback;
  if (field.kind === "array" || field.kind === "bytes") return "empty";
  return field.fallback;
}

type Structs = ReadonlyMap<string, readonly KafkaField[]>;

/** Kafka's, flattened for one version. */
function viewKafka(fields: readonly KafkaField[], version: number, structs: Structs, path = ""): FieldView[] {
  return fields.flatMap((field) => {
    if (!inRange(parseVersions(field.versions), version)) return [];
    const own = `${path}.${field.name.charAt(0).toLowerCase()}${field.name.slice(1)}`;
    const element = field.type.replace("[]", "");
    const isPlain = plainKinds.has(element);
    const view: FieldView = {
      path: own,
      type: `${field.type.startsWith("[]") ? "[]" : ""}${isPlain ? element : "struct"}`,
      isNullable: inRange(parseVersions(field.nullableVersions), version),
      tag: inRange(parseVersions(field.taggedVersions), version) ? field.tag : undefined,
      fallback: kafkaFallback(field),
      isIgnorable: field.ignorable ?? false,
    };
    const inner = isPlain ? [] : (field.fields ?? structs.get(element) ?? []);
    return [view, ...viewKafka(inner, version, structs, own)];
  });
}

function kafkaFallback({ type, default: given }: KafkaField): unknown {
  if (given === "null" || type === "records") return null;
  if (type.startsWith("[]") || type === "bytes") return "empty";
  if (type === "string") return given ?? "";
  if (type === "bool") return given === true || given === "true";
  if (type === "uuid") return "0".repeat(32);
  if (!namedKinds.has(type)) return undefined;
  const number = Number(given ?? 0);
  return Number.isSafeInteger(number) ? number : Math.sign(number) * Number.MAX_SAFE_INTEGER;
}

interface Tally {
  versions: number;
  fields: number;
  readonly differences: string[];
}

function compareShape(shape: Shape, kafka: KafkaMessage, versions: readonly number[], tally: Tally): void {
  const structs: Structs = new Map((kafka.commonStructs ?? []).map(({ name, fields }) => [name, fields]));
  for (const version of versions) {
    const ours = viewOurs(shape, version).map((view) => JSON.stringify(view));
    const theirs = viewKafka(kafka.fields, version, structs).map((view) => JSON.stringify(view));
    tally.versions++;
    tally.fields += theirs.length;
    const where = `${kafka.name} v${version}`;
    for (const view of theirs.filter((each) => !ours.includes(each))) {
      tally.differences.push(`${where}: Kafka has ${view}`);
    }
    for (const view of ours.filter((each) => !theirs.includes(each)))
      tally.differences.push(`${where}: we have ${view}`);
    if (ours.join() !== theirs.join()) tally.differences.push(`${where}: fields or their order differ`);
  }
}

function compareApi(api: Api, messages: readonly KafkaMessage[], tally: Tally): void {
  for (const direction of ["request", "response"] as const) {
    const kafka = messages.find(({ apiKey, type }) => apiKey === api.key && type === direction);
    if (kafka === undefined) {
      tally.differences.push(`key ${api.key}: Kafka has no ${direction}`);
      continue;
    }
    const valid = parseVersions(kafka.validVersions);
    const flexible = parseVersions(kafka.flexibleVersions);
    if (valid?.first !== api.versions.min || valid.last !== api.versions.max) {
      tally.differences.push(
        `${kafka.name}: versions ${api.versions.min}-${api.versions.max}, Kafka ${kafka.validVersions}`,
      );
    }
    if ((flexible?.first ?? Number.POSITIVE_INFINITY) !== api.flexibleFrom) {
      tally.differences.push(`${kafka.name}: flexible from ${api.flexibleFrom}, Kafka ${kafka.flexibleVersions}`);
    }
    if (!kafka.name.startsWith(api.name)) tally.differences.push(`${kafka.name} is called ${api.name} here`);
    compareShape(api[direction], kafka, versionsOf(api), tally);
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { from: { type: "string" }, "allow-missing": { type: "boolean" } } });
  const definitions = kafkaDefinitions(values.from);
  if (!definitions.ok) {
    console.error(`Kafka's message definitions cannot be had: ${definitions.reason}`);
    return values["allow-missing"] === true ? 0 : 1;
  }
  const apis = await declaredApis();
  const tally: Tally = { versions: 0, fields: 0, differences: [] };
  for (const api of apis) compareApi(api, definitions.messages, tally);
  for (const difference of tally.differences) console.error(difference);
  console.log(
    `compared ${apis.length} keys, ${tally.versions} versions of requests and responses and ${tally.fields} fields ` +
      `with ${definitions.from}: ${tally.differences.length} differences`,
  );
  return tally.differences.length === 0 && tally.fields > 0 ? 0 : 1;
}

process.exitCode = await main();
