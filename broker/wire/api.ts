import { assert } from "../base/assert.ts";
import { compileReader, compileWriter } from "./codec.ts";
import type { Reader } from "./reader.ts";
import type { AnyField, Draft, Infer, Shape } from "./schema.ts";
import type { Writer } from "./writer.ts";

/** What one file of `apis/` declares: one API key with all its versions. */
export interface ApiDeclaration<Q extends Shape, S extends Shape> {
  readonly key: number;
  /** Kafka's name of the key. */
  readonly name: string;
  /** Versions declared, both ends included. What is served is the handlers' decision. */
  readonly versions: { readonly min: number; readonly max: number };
  /** First version with compact lengths and tagged fields (KIP-482); Infinity when no version has them. */
  readonly flexibleFrom: number;
  readonly request: Q;
  readonly response: S;
}

/**
 * One API key. The four functions read and write bodies without their headers; each version is compiled when it is
 * first used. Readers throw MalformedError; writers assert that the version can hold what they are given.
 */
export interface Api<Q extends Shape = Shape, S extends Shape = Shape> extends ApiDeclaration<Q, S> {
  isFlexible(version: number): boolean;
  /** Whether requests hold byte strings: those are views on the frame, good for as long as it is. */
  readonly hasViewsInRequest: boolean;
  readRequest(reader: Reader, version: number): Infer<Q>;
  writeRequest(writer: Writer, version: number, body: Draft<Q>): void;
  readResponse(reader: Reader, version: number): Infer<S>;
  writeResponse(writer: Writer, version: number, body: Draft<S>): void;
}

/** Whether something in `shape` is read as a view on the frame. */
const hasViews = (shape: Shape): boolean => Object.values(shape).some(isView);
const isView = ({ kind, element, shape }: AnyField): boolean =>
  kind === "bytes" ||
  kind === "records" ||
  (element !== undefined && isView(element)) ||
  (shape !== undefined && hasViews(shape));

export function defineApi<const Q extends Shape, const S extends Shape>(declaration: ApiDeclaration<Q, S>): Api<Q, S> {
  const { name, versions, flexibleFrom, request, response } = declaration;
  const isFlexible = (version: number): boolean => version >= flexibleFrom;
  const perVersion = <T>(part: string, compile: (target: Parameters<typeof compileReader>[1]) => T) => {
    const compiled: T[] = [];
    return (version: number): T => {
      const known = compiled[version];
      if (known !== undefined) return known;
      assert(versions.min <= version && version <= versions.max, `${name} has a version ${version}`);
      const fresh = compile({ name: `${name}${part}`, version, isFlexible: isFlexible(version) });
      compiled[version] = fresh;
      return fresh;
    };
  };
  const requestReader = perVersion("Request", (target) => compileReader(request, target));
  const requestWriter = perVersion("Request", (target) => compileWriter(request, target));
  const responseReader = perVersion("Response", (target) => compileReader(response, target));
  const responseWriter = perVersion("Response", (target) => compileWriter(response, target));
  return {
    ...declaration,
    isFlexible,
    hasViewsInRequest: hasViews(request),
    readRequest: (reader, version) => requestReader(version)(reader) as Infer<Q>,
    writeRequest: (writer, version, body) => requestWriter(version)(writer, body),
    readResponse: (reader, version) => responseReader(version)(reader) as Infer<S>,
    writeResponse: (writer, version, body) => responseWriter(version)(writer, body),
  };
}
