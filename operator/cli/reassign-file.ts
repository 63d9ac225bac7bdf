import { TidemarkError } from "#base/errors.ts";
import { topicNameProblem } from "#contract/topic-name.ts";
import { keyOf, type Place } from "./places.ts";

/** A partition, and the brokers that are to have it; the preferred leader comes first. */
export interface Target extends Place {
  readonly replicas: readonly number[];
}

const FILE_FIELDS = ["version", "partitions", "moves"];
const PARTITION_FIELDS = ["topic", "partition", "replicas", "log_dirs"];
/** Kafka's word for "in whichever folder the broker likes". */
const ANY_FOLDER = "any";

/** The JSON that `kafka-reassign-partitions --reassignment-json-file` reads. */
export const reassignmentJson = (targets: readonly Target[]) => ({
  version: 1,
  partitions: targets.map(({ topic, partition, replicas }) => ({ topic, partition, replicas })),
});

/**
 * Reads a file of `kafka-reassign-partitions`, or of `tidemark reassign plan`, whose `moves` are for people only.
 * @param name  For messages.
 * @throws TidemarkError BAD_INPUT naming the first place that is wrong.
 */
export function readReassignments(text: string, name: string): Target[] {
  const file = objectOf(parsed(text, name), { name, at: "the file", fields: FILE_FIELDS });
  if (file["version"] !== 1) throw wrong(name, `version must be 1, not ${JSON.stringify(file["version"])}`);
  const { partitions } = file;
  if (!Array.isArray(partitions)) throw wrong(name, "partitions must be a list");
  if (partitions.length === 0) throw wrong(name, "partitions is empty");
  const seen = new Set<string>();
  return partitions.map((entry: unknown, index) => {
    const target = targetOf(entry, { name, at: `partitions[${index}]` });
    if (seen.has(keyOf(target))) throw wrong(name, `${target.topic}-${target.partition} stands there twice`);
    seen.add(keyOf(target));
    return target;
  });
}

function parsed(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason = Error.isError(cause) ? cause.message : String(cause);
    throw new TidemarkError("BAD_INPUT", `${name}: is no JSON: ${reason}`, { cause });
  }
}

interface Spot {
  readonly name: string;
  readonly at: string;
}

function objectOf(value: unknown, { name, at, fields }: Spot & { fields: readonly string[] }): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(name, `${at} must be an object`);
  const unknown = Object.keys(value).find((key) => !fields.includes(key));
  if (unknown !== undefined)
    throw wrong(name, `${at} has an unknown field ${JSON.stringify(unknown)}; known: ${fields.join(", ")}`);
  return value as Record<string, unknown>;
}

function targetOf(entry: unknown, spot: Spot): Target {
  const { name, at } = spot;
  const { topic, partition, replicas, log_dirs: folders } = objectOf(entry, { ...spot, fields: PARTITION_FIELDS });
  // Names are printed: of a stranger's file they are no more than names.
  const isName = typeof topic === "string" && topicNameProblem(topic) === null;
  if (!isName) throw wrong(name, `${at}.topic must be the name of a topic`);
  if (!isId(partition)) throw wrong(name, `${at}.partition must be a whole number from 0`);
  const isList = Array.isArray(replicas) && replicas.length > 0 && replicas.every(isId);
  if (!isList) throw wrong(name, `${at}.replicas must be a list of brokers' ids`);
  if (new Set(replicas).size < replicas.length) throw wrong(name, `${at}.replicas names a broker twice`);
  const isAnywhere = folders === undefined || (Array.isArray(folders) && folders.every((one) => one === ANY_FOLDER));
  if (!isAnywhere) throw wrong(name, `${at}.log_dirs: a broker has one folder here; leave it out`);
  return { topic, partition, replicas };
}

const isId = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 31;

const wrong = (name: string, what: string): TidemarkError => new TidemarkError("BAD_INPUT", `${name}: ${what}`);
