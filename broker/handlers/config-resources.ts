import type { ConfigResource } from "../contract/control.ts";

/** Kinds of resources that have configuration here, by their number on the wire. */
const kinds: ReadonlyMap<number, ConfigResource["kind"]> = new Map([
  [2, "topic"],
  [4, "broker"],
]);

export const resourceKind = (type: number): ConfigResource["kind"] | undefined => kinds.get(type);

export const resourceType = (kind: ConfigResource["kind"]): number => (kind === "topic" ? 2 : 4);

export const unknownResourceType = (type: number): string =>
  `resources of type ${type} have no configuration here; topics (2) and brokers (4) have`;
