import type { AdminRequest, AdminResponse, Reassignment } from "#contract/control.ts";
import type { PartitionRow, TopicRow } from "#contract/rows.ts";
import { askJson } from "./small-http.ts";

/** What the controller answers to GET /v1/status, as far as it is used here. */
export interface ControllerStatus {
  readonly clusterId: string;
  /** `starting`, `active`, `storeUnreachable`, `blocked` or `ended`. */
  readonly condition: string;
  /** One line for people; null when all is well. */
  readonly reason: string | null;
  readonly brokers: readonly BrokerStatus[];
  readonly topics: readonly TopicRow[];
  readonly partitions: readonly PartitionStatus[];
  readonly reassignments: readonly Reassignment[];
}

export interface BrokerStatus {
  readonly id: number;
  readonly incarnation: string;
  readonly isFenced: boolean;
  readonly isShuttingDown: boolean;
  readonly isDraining: boolean;
}

export interface PartitionStatus extends PartitionRow {
  /** Names the brokers without which no leader can be elected; absent when it has a leader. */
  readonly waitingFor?: readonly number[];
}

const STATUS_TIMEOUT_MS = 2000;
const ADMIN_TIMEOUT_MS = 15_000;

/** Where a controller is, and the cluster's internal token. */
export interface ControllerAt {
  readonly url: string;
  readonly token: string;
}

/** Null when no controller answers there, or it is not ready yet. */
export async function controllerStatus({ url, token }: ControllerAt): Promise<ControllerStatus | null> {
  const answer = await askJson(`${url}/v1/status`, { timeoutMs: STATUS_TIMEOUT_MS, token });
  return answer?.status === 200 ? (answer.body as ControllerStatus) : null;
}

/** An administrative request to a controller; null when none answers. */
export async function controllerAdmin(
  { url, token }: ControllerAt,
  request: AdminRequest,
): Promise<AdminResponse | null> {
  const answer = await askJson(`${url}/v1/admin`, { timeoutMs: ADMIN_TIMEOUT_MS, token, body: request });
  return answer?.status === 200 ? (answer.body as AdminResponse) : null;
}

/** The incarnation that the process at `url` answers with; null when none does, or it does not know it yet. */
export async function incarnationAt(url: string, timeoutMs: number): Promise<string | null> {
  const answer = await askJson(`${url}/v1/incarnation`, { timeoutMs });
  const incarnation = (answer?.body as { incarnation?: unknown } | undefined)?.incarnation;
  const isKnown = answer?.status === 200 && typeof incarnation === "string" && incarnation !== "";
  return isKnown ? incarnation : null;
}
