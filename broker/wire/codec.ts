import { assert } from "../base/assert.ts";
import type { Reader } from "./reader.ts";
import type { AnyField, Kind, Shape } from "./schema.ts";
import { inRange } from "./schema.ts";
import type { Writer } from "./writer.ts";

/*
 * Turns a schema into straight-line code for one version and one direction. Interpreting the schema for every message
 * measured fifteen times slower; compiled code equals code written by hand (docs/adr/0003).
 */

/** Names a message in one version, for stack traces and for the errors of writers. */
export interface Target {
  readonly name: string;
  readonly version: number;
  readonly isFlexible: boolean;
}

interface Emitter extends Target {
  fresh(): string;
}

/** Compiles the function that reads `shape` in one version. */
export function compileReader(shape: Shape, target: Target): (reader: Reader) => unknown {
  const out: string[] = [];
  const value = emitReadStruct(emitter(target), shape, out);
  // oxlint-disable-next-line typescript/no-implied-eval -- the code comes from our own declarations, never from input
  return new Function("r", source(target, "read", [...out, `return ${value};`])) as (reader: Reader) => unknown;
}

/** Compiles the function that writes `shape` in one version. `refuse` is called for a value the version cannot hold. */
export function compileWriter(shape: Shape, target: Target): (writer: Writer, value: unknown) => void {
  const out: string[] = [];
  emitWriteStruct(emitter(target), shape, { value: "o", path: "" }, out);
  // oxlint-disable-next-line typescript/no-implied-eval -- the code comes from our own declarations, never from input
  const write = new Function("w", "o", "refuse", source(target, "write", out)) as CompiledWriter;
  const refuse = (path: string): never => {
    const field = path.slice(1);
    assert(false, `${target.name} v${target.version} can hold the value given for ${field}`);
  };
  return (writer, value) => write(writer, value, refuse);
}

type CompiledWriter = (writer: Writer, value: unknown, refuse: (path: string) => never) => void;

const source = ({ name, version }: Target, direction: string, lines: readonly string[]): string =>
  `"use strict";\n${lines.join("\n")}\n//# sourceURL=tidemark:${direction}-${name}-v${version}.js`;

function emitter(target: Target): Emitter {
  let next = 0;
  return { ...target, fresh: () => `v${next++}` };
}

interface SplitShape {
  readonly plain: readonly (readonly [string, AnyField])[];
  readonly tagged: readonly (readonly [string, AnyField])[];
  readonly absent: readonly (readonly [string, AnyField])[];
}

function split(shape: Shape, { version, isFlexible }: Target): SplitShape {
  const plain: [string, AnyField][] = [];
  const tagged: [string, AnyField][] = [];
  const absent: [string, AnyField][] = [];
  for (const [name, field] of Object.entries(shape)) {
    assert(/^[a-z][A-Za-z0-9]*$/.test(name), `${name} is a plain identifier: it becomes code`);
    if (!inRange(field.versions, version)) absent.push([name, field]);
    else if (field.tag === undefined) plain.push([name, field]);
    else {
      assert(isFlexible, `tagged field ${name} stands in flexible versions only`);
      tagged.push([name, field]);
    }
  }
  tagged.sort(([, left], [, right]) => left.tag! - right.tag!);
  return { plain, tagged, absent };
}

const isNullable = (field: AnyField, version: number): boolean => inRange(field.nullableVersions, version);

const SIZED: ReadonlySet<Kind> = new Set(["string", "bytes", "records"]);

/** The reader's or writer's method for a scalar: compact and nullable forms by version. */
function scalarMethod(field: AnyField, target: Target): string {
  const { kind } = field;
  if (!SIZED.has(kind)) return kind;
  const base = kind === "string" ? "String" : "BytesView";
  const name = `${target.isFlexible ? "compact" : ""}${isNullable(field, target.version) ? "Nullable" : ""}${base}`;
  return name.charAt(0).toLowerCase() + name.slice(1);
}

function countMethod(field: AnyField, target: Target): string {
  const nullable = isNullable(field, target.version);
  if (target.isFlexible) return nullable ? "compactNullableCount" : "compactCount";
  return nullable ? "nullableCount" : "count";
}

const FIXED_BYTES: Readonly<Partial<Record<Kind, number>>> = {
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  uint16: 2,
  uint32: 4,
  boolean: 1,
  float64: 8,
  uuid: 16,
};

/** Least bytes that `field` takes on the wire: bounds an array's count before anything is allocated for it. */
function leastBytes(field: AnyField, target: Target): number {
  const { kind, shape } = field;
  const fixed = FIXED_BYTES[kind];
  if (fixed !== undefined) return fixed;
  if (kind === "struct") {
    if (isNullable(field, target.version)) return 1;
    const own = split(shape!, target).plain.reduce((sum, [, inner]) => sum + leastBytes(inner, target), 0);
    return own + (target.isFlexible ? 1 : 0);
  }
  if (target.isFlexible) return 1;
  return kind === "string" ? 2 : 4;
}

/** An expression for the value of a field that is not there. */
function fallbackExpression(field: AnyField): string {
  if (field.kind === "struct" && field.fallback === undefined) {
    const parts = Object.entries(field.shape!).map(([name, inner]) => `${name}: ${fallbackExpression(inner)}`);
    return `{ ${parts.join(", ")} }`;
  }
  if (field.fallback === null) return "null";
  if (field.kind === "array") return "[]";
  if (field.kind === "bytes") return "new Uint8Array(0)";
  return JSON.stringify(field.fallback);
}

function emitReadStruct(at: Emitter, shape: Shape, out: string[]): string {
  const { plain, tagged } = split(shape, at);
  const locals = new Map<string, string>();
  for (const [name, field] of plain) {
    const local = at.fresh();
    const value = emitRead(at, field, out);
    out.push(`const ${local} = ${value};`);
    locals.set(name, local);
  }
  if (tagged.length > 0) emitReadTags(at, { tagged, locals }, out);
  else if (at.isFlexible) out.push("r.skipTags();");
  const parts = Object.entries(shape).map(
    ([name, field]) => `${name}: ${locals.get(name) ?? fallbackExpression(field)}`,
  );
  return `{ ${parts.join(", ")} }`;
}

interface TagReading {
  readonly tagged: SplitShape["tagged"];
  /** Receives the local that holds each tagged field. */
  readonly locals: Map<string, string>;
}

function emitReadTags(at: Emitter, { tagged, locals }: TagReading, out: string[]): void {
  for (const [name, field] of tagged) {
    const local = at.fresh();
    locals.set(name, local);
    out.push(`let ${local} = ${fallbackExpression(field)};`);
  }
  const [left, tag, end] = [at.fresh(), at.fresh(), at.fresh()];
  out.push(`for (let ${left} = r.uvarint(); ${left} > 0; ${left}--) {`);
  out.push(`const ${tag} = r.uvarint(), ${end} = r.tagEnd();`, `switch (${tag}) {`);
  for (const [name, field] of tagged) {
    out.push(`case ${field.tag}: {`);
    const value = emitRead(at, field, out);
    out.push(`${locals.get(name)} = ${value};`, `r.closeTag(${end});`, "break; }");
  }
  out.push(`default: r.at = ${end};`, "} }");
}

/** Emits what reads one field and returns the expression that holds it. */
function emitRead(at: Emitter, field: AnyField, out: string[]): string {
  if (field.kind === "array") return emitReadArray(at, field, out);
  if (field.kind !== "struct") return `r.${scalarMethod(field, at)}()`;
  if (!isNullable(field, at.version)) return emitReadStruct(at, field.shape!, out);
  const local = at.fresh();
  out.push(`let ${local} = null;`, "if (r.isPresent()) {");
  const value = emitReadStruct(at, field.shape!, out);
  out.push(`${local} = ${value};`, "}");
  return local;
}

function emitReadArray(at: Emitter, field: AnyField, out: string[]): string {
  const [list, count, index] = [at.fresh(), at.fresh(), at.fresh()];
  const element = field.element!;
  const least = Math.max(1, leastBytes(element, at));
  out.push(`const ${count} = r.${countMethod(field, at)}(${least});`);
  out.push(`const ${list} = ${count} < 0 ? null : new Array(${count});`);
  out.push(`for (let ${index} = 0; ${index} < ${count}; ${index}++) {`);
  const value = emitRead(at, element, out);
  out.push(`${list}[${index}] = ${value};`, "}");
  return list;
}

/** Where a value to be written comes from. */
interface Source {
  /** Expression that holds it. */
  readonly value: string;
  /** What errors call it: `.topics[].name`. */
  readonly path: string;
}

function emitWriteStruct(at: Emitter, shape: Shape, from: Source, out: string[]): void {
  const { plain, tagged, absent } = split(shape, at);
  for (const [name, field] of absent) {
    if (field.isIgnorable) continue;
    const { value, path } = emitMember(at, { name, from }, out);
    out.push(`if (${isGivenExpression(field, value)}) refuse(${JSON.stringify(path)});`);
  }
  for (const [name, field] of plain) {
    const member = emitMember(at, { name, from }, out);
    if (field.kind === "struct" && field.fallback === undefined) emitWrite(at, field, member, out);
    else emitWrite(at, field, { ...member, value: emitDefaulted(at, field, member.value, out) }, out);
  }
  if (tagged.length > 0) emitWriteTags(at, { tagged, from }, out);
  else if (at.isFlexible) out.push("w.int8(0);");
}

/** Emits the local for one member of a struct; undefined there means that it was left out. */
function emitMember(at: Emitter, { name, from }: { name: string; from: Source }, out: string[]): Source {
  const local = at.fresh();
  out.push(`const ${local} = ${from.value}.${name};`);
  return { value: local, path: `${from.path}.${name}` };
}

/** Emits a local that holds `value`, or the field's default where it was left out. */
function emitDefaulted(at: Emitter, field: AnyField, value: string, out: string[]): string {
  const local = at.fresh();
  out.push(`const ${local} = ${value} === undefined ? ${fallbackExpression(field)} : ${value};`);
  return local;
}

function emitWriteTags(
  at: Emitter,
  { tagged, from }: { tagged: SplitShape["tagged"]; from: Source },
  out: string[],
): void {
  const members = tagged.map(([name, field]) => {
    const member = emitMember(at, { name, from }, out);
    const isWritten = at.fresh();
    out.push(`const ${isWritten} = ${isGivenExpression(field, member.value)};`);
    return { field, member, isWritten };
  });
  out.push(`w.uvarint(${members.map(({ isWritten }) => `(${isWritten} ? 1 : 0)`).join(" + ")});`);
  for (const { field, member, isWritten } of members) {
    const opened = at.fresh();
    out.push(`if (${isWritten}) {`, `const ${opened} = w.openTag(${field.tag});`);
    emitWrite(at, field, member, out);
    out.push(`w.closeTag(${opened});`, "}");
  }
}

function emitWrite(at: Emitter, field: AnyField, from: Source, out: string[]): void {
  const canBeNull = SIZED.has(field.kind) || field.kind === "array" || field.kind === "struct";
  const isNull = `${from.value} === null`;
  if (canBeNull && !isNullable(field, at.version)) out.push(`if (${isNull}) refuse(${JSON.stringify(from.path)});`);
  if (field.kind === "array") return emitWriteArray(at, field, from, out);
  if (field.kind !== "struct") {
    out.push(`w.${scalarMethod(field, at)}(${from.value});`);
    return;
  }
  if (!isNullable(field, at.version)) return emitWriteStruct(at, field.shape!, from, out);
  out.push(`if (${isNull}) w.int8(-1);`, "else {", "w.int8(1);");
  emitWriteStruct(at, field.shape!, from, out);
  out.push("}");
}

function emitWriteArray(at: Emitter, field: AnyField, from: Source, out: string[]): void {
  const [count, index, element] = [at.fresh(), at.fresh(), at.fresh()];
  const length = `${from.value} === null ? -1 : ${from.value}.length`;
  out.push(`const ${count} = ${length};`, at.isFlexible ? `w.uvarint(${count} + 1);` : `w.int32(${count});`);
  out.push(`for (let ${index} = 0; ${index} < ${count}; ${index}++) {`, `const ${element} = ${from.value}[${index}];`);
  emitWrite(at, field.element!, { value: element, path: `${from.path}[]` }, out);
  out.push("}");
}

/** An expression that is true when `value` is there and is not the field's default. */
const isGivenExpression = (field: AnyField, value: string): string =>
  `${value} !== undefined && !(${isDefaultExpression(field, value)})`;

/** An expression that is true when `value` is what a reader assumes for an absent field. */
function isDefaultExpression(field: AnyField, value: string): string {
  if (field.fallback === null) return `${value} === null`;
  if (field.kind === "array" || field.kind === "bytes") return `${value} !== null && ${value}.length === 0`;
  if (field.kind !== "struct") return `${value} === ${JSON.stringify(field.fallback)}`;
  const members = Object.entries(field.shape!).map(([name, inner]) => {
    const member = `${value}.${name}`;
    return `(${member} === undefined || (${isDefaultExpression(inner, member)}))`;
  });
  return `${value} !== null && ${members.join(" && ")}`;
}
