import { breaches, type Schema } from "../../operator/resources/check.ts";
import { clusterSchema } from "../../operator/resources/cluster.ts";
import { metadataShardSchema } from "../../operator/resources/metadata-shard.ts";
import { topicSchema } from "../../operator/resources/topic.ts";
import type { Answer, ApiServer } from "./api-server.ts";
import type { CreateCase, Kind, StatusCase, UpdateCase, Value } from "./case.ts";
import { messageOf, pathOf } from "./installed.ts";

const API_VERSION = "tidemark.dev/v1alpha1";
const schemas: Readonly<Record<Kind, unknown>> = {
  Cluster: clusterSchema,
  Topic: topicSchema,
  MetadataShard: metadataShardSchema,
};
/** Our schema of a kind, to read like a file's. */
export const schemaAsWritten = (kind: Kind): Schema => schemas[kind] as Schema;

export const objectOf = (kind: Kind, name: string, spec: unknown) => ({
  apiVersion: API_VERSION,
  kind,
  metadata: { name },
  spec,
});

/** What is wrong with an answer, or null. `refused`: a part of the message that must be in it. */
export function faultOf(answer: Answer, refused: string | undefined): string | null {
  const isTaken = answer.status === 200 || answer.status === 201;
  if (refused === undefined) return isTaken ? null : `was refused: ${messageOf(answer)}`;
  if (isTaken) return `was accepted, but must be refused with: ${refused}`;
  if (answer.status !== 422 && answer.status !== 400) return `failed in another way: ${messageOf(answer)}`;
  return messageOf(answer).includes(refused) ? null : `was refused with another message: ${messageOf(answer)}`;
}

/** The object of a case as it is sent: what JSON drops is not there. */
const bodyOf = ({ kind, name = "a", spec }: CreateCase): Value =>
  JSON.parse(JSON.stringify(objectOf(kind, name, spec))) as Value;

/** Asks without storing; the same object must be judged alike by the API server and by `tidemark up`. */
export async function judgeCreate(server: ApiServer, one: CreateCase): Promise<string | null> {
  const target = `${pathOf(one.kind)}?dryRun=All&fieldValidation=Strict`;
  const answer = await server.call({ method: "POST", path: target, body: bodyOf(one) });
  return faultOf(answer, one.refused) ?? differenceOf(one.becomes, answer.body["spec"]) ?? judgeLocally(one);
}

/** What `tidemark up` makes of the object of a case: it is to refuse the same, or the case says why not. */
export function judgeLocally(one: CreateCase): string | null {
  const [breach] = breaches(schemaAsWritten(one.kind), bodyOf(one));
  const isAlike = (breach !== undefined) === (one.refused !== undefined);
  if (isAlike === (one.localDiffers === undefined)) return null;
  const says = breach === undefined ? "accepts it" : `refuses it: ${breach.path} ${breach.says}`;
  return isAlike ? `tidemark up judges alike, though: ${one.localDiffers}` : `tidemark up ${says}`;
}

/** Null if `part` is in `whole` as it stands; lists are compared whole. */
function differenceOf(part: unknown, whole: unknown, path = "spec"): string | null {
  if (part === undefined) return null;
  if (typeof part !== "object" || part === null || Array.isArray(part)) {
    const [wanted, found] = [JSON.stringify(part), JSON.stringify(whole)];
    return wanted === found ? null : `${path} must become ${wanted}, not ${found}`;
  }
  for (const [key, value] of Object.entries(part)) {
    const fault = differenceOf(value, (whole as Value | undefined)?.[key], `${path}.${key}`);
    if (fault !== null) return fault;
  }
  return null;
}

let objectCount = 0;

/** Stores an object that is right, with its status; gives its name. */
export async function stored(server: ApiServer, kind: Kind, spec: unknown, status?: Value): Promise<string> {
  const name = `stored-${objectCount++}`;
  const answer = await server.call({ method: "POST", path: pathOf(kind), body: objectOf(kind, name, spec) });
  if (answer.status !== 201) throw new Error(`what comes before the case was refused: ${messageOf(answer)}`);
  if (status === undefined) return name;
  const written = await server.call({
    method: "PUT",
    path: pathOf(kind, name, "status"),
    body: { ...answer.body, status },
  });
  if (written.status !== 200) throw new Error(`the status before the case was refused: ${messageOf(written)}`);
  return name;
}

export async function judgeUpdate(server: ApiServer, one: UpdateCase): Promise<string | null> {
  const { kind, after } = one;
  const name = await stored(server, kind, one.before, one.status);
  return faultOf(await write(server, { kind, name }, after), one.refused);
}

/** Writes over an object, as people and autoscalers do. */
export async function write(
  server: ApiServer,
  { kind, name }: { kind: Kind; name: string },
  after: UpdateCase["after"],
): Promise<Answer> {
  const strict = "?fieldValidation=Strict";
  if ("scale" in after) {
    const { body } = await server.call({ method: "GET", path: pathOf(kind, name, "scale") });
    const scale = { ...body, spec: { replicas: after.scale } };
    return server.call({ method: "PUT", path: pathOf(kind, name, "scale"), body: scale });
  }
  const { body } = await server.call({ method: "GET", path: pathOf(kind, name) });
  const metadata = body["metadata"] as Value;
  const changed =
    "spec" in after
      ? { ...body, spec: after.spec }
      : { ...body, metadata: { ...metadata, labels: { changed: after.label } } };
  return server.call({ method: "PUT", path: `${pathOf(kind, name)}${strict}`, body: changed });
}

/** Writes a status over an object of the kind without storing it. */
export async function judgeStatus(server: ApiServer, name: string, one: StatusCase): Promise<string | null> {
  const target = pathOf(one.kind, name);
  const { body } = await server.call({ method: "GET", path: target });
  const answer = await server.call({
    method: "PUT",
    path: `${target}/status?dryRun=All&fieldValidation=Strict`,
    body: { ...body, status: one.status },
  });
  return faultOf(answer, one.refused);
}
