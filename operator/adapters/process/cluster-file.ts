import { readText, writeJson } from "./local-files.ts";

/** `cluster.json` of a data folder: what runs, always true. */
export interface ClusterFile {
  /** Kafka addresses, comma-separated, as clients want them. */
  readonly bootstrap: string;
  readonly clusterId: string;
  /** The process that started the others. */
  readonly supervisor: { readonly pid: number };
  readonly controller: ProcessEntry & { readonly url: string };
  readonly brokers: readonly BrokerEntry[];
}

export interface ProcessEntry {
  /** null while it does not run. */
  readonly pid: number | null;
  /** Names this very process; null until it has said so. */
  readonly incarnation: string | null;
}

export interface BrokerEntry extends ProcessEntry {
  readonly id: number;
  /** host:port for Kafka clients. */
  readonly kafka: string;
  /** Base URL. */
  readonly http: string;
  /** Base URL of the HTTP API for applications; absent when it is not served. */
  readonly api?: string;
}

/** `identity.json`: what stays the same over every start on a data folder. */
export interface Identity {
  readonly clusterId: string;
  /** Name of the Cluster resource. */
  readonly name: string;
  readonly ports: LocalPorts;
}

/** By broker id; as many as there are brokers. */
export interface LocalPorts {
  readonly controller: number;
  readonly kafka: readonly number[];
  readonly http: readonly number[];
  /** Of the HTTP API for applications; none when it is not served. */
  readonly api: readonly number[];
}

export const CLUSTER_FILE = "cluster.json";
export const IDENTITY_FILE = "identity.json";
/** The cluster's internal token; for its owner's eyes only. */
export const TOKEN_FILE = "token";

function parse<T>(text: string | null): T | null {
  if (text === null) return null;
  try {
    return JSON.parse(text) as T;
  } catch {
    return null;
  }
}

/** Null when there is none, or nothing readable: then nothing of it is relied on. */
export function readClusterFile(path: string): ClusterFile | null {
  const file = parse<ClusterFile>(readText(path));
  return file !== null && Array.isArray(file.brokers) && typeof file.controller === "object" ? file : null;
}

/** Null when the folder is new; "unreadable" when it is not, but cannot be understood. */
export function readIdentity(path: string): Identity | null | "unreadable" {
  const text = readText(path);
  if (text === null) return null;
  const identity = parse<Identity>(text);
  const isWhole = typeof identity?.clusterId === "string" && Array.isArray(identity.ports?.kafka);
  return isWhole ? identity : "unreadable";
}

export const writeIdentity = (path: string, identity: Identity): void =>
  writeJson(path, identity, { survivesPowerCut: true });
export const writeClusterFile = (path: string, file: ClusterFile): void =>
  writeJson(path, file, { survivesPowerCut: false });
