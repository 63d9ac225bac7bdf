import { parse } from "yaml";
import type { Answer, ApiServer } from "./api-server.ts";
import { type Kind, PLURALS } from "./case.ts";
import { crdFiles } from "./files.ts";

const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const LIMIT_MS = 30_000;
const LOOK_MS = 50;

export const messageOf = ({ status, body }: Answer): string =>
  `${status} ${typeof body["message"] === "string" ? body["message"] : JSON.stringify(body)}`;

/** Objects of one kind in the namespace `default`; one of them, or a subresource of it. */
export const pathOf = (kind: Kind, name = "", subresource = ""): string =>
  ["/apis/tidemark.dev/v1alpha1/namespaces/default", PLURALS[kind], name, subresource].filter(Boolean).join("/");

export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + LIMIT_MS;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`${what}: not within ${LIMIT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** Applies every definition of `crds/`; resolves once the API server serves their objects. */
export async function installDefinitions(server: ApiServer): Promise<void> {
  for (const { kind, text } of crdFiles()) {
    const answer = await server.call({ method: "POST", path: DEFINITIONS, body: parse(text) as unknown });
    if (answer.status !== 201) throw new Error(`${kind} is refused: ${messageOf(answer)}`);
    if (answer.warnings.length > 0) throw new Error(`${kind} has warnings: ${answer.warnings.join("; ")}`);
  }
  for (const kind of Object.keys(PLURALS) as Kind[]) {
    const isServed = async () => (await server.call({ method: "GET", path: pathOf(kind) })).status === 200;
    await until(`${kind} is served`, isServed);
  }
}

interface Definition {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly spec: { readonly versions: readonly { readonly schema: unknown }[] };
}

/** Puts another schema in place of a kind's, as an earlier or later version of the chart would. */
export async function replaceSchema(server: ApiServer, kind: Kind, schema: unknown): Promise<void> {
  const target = `${DEFINITIONS}/${PLURALS[kind]}.tidemark.dev`;
  const { body } = await server.call({ method: "GET", path: target });
  const { spec, ...rest } = body as unknown as Definition;
  const [version] = spec.versions;
  const changed = { ...rest, spec: { ...spec, versions: [{ ...version, schema: { openAPIV3Schema: schema } }] } };
  const answer = await server.call({ method: "PUT", path: target, body: changed });
  if (answer.status !== 200) throw new Error(`another schema for ${kind} is refused: ${messageOf(answer)}`);
}

/** The schema of a kind as `crds/` has it. */
export function schemaOf(kind: Kind): unknown {
  const text = crdFiles().find((file) => file.kind === kind)?.text ?? "";
  const { spec } = parse(text) as { spec: { versions: { schema: { openAPIV3Schema: unknown } }[] } };
  return spec.versions[0]?.schema.openAPIV3Schema;
}
