import { setTimeout as sleep } from "node:timers/promises";
import { writesOf } from "../audit.ts";
import type { Context } from "../context.ts";
import { memoryOf } from "../faults.ts";
import { OPERATOR_NAME } from "../kube.ts";

export const name = "five idle minutes";

const IDLE_MS = 300_000;
const MEBIBYTE = 1024 * 1024;
const OPERATOR_MEBIBYTES_MAX = 160;
const BROKER_MEBIBYTES_MAX = 128;

/** Nothing changes, so nothing is written but the Lease; and this is what all of it holds in memory. */
export async function run({ kube, cluster, operatorNamespace }: Context): Promise<string> {
  const from = new Date();
  await sleep(IDLE_MS);
  const writes = await writesOf(`system:serviceaccount:${operatorNamespace}:${OPERATOR_NAME}`, { from });
  const others = [...writes].filter(([what]) => !what.endsWith(" leases"));
  if (others.length > 0) throw new Error(`writes with nothing to do: ${others.join("; ")}`);
  const inMebibytes = (bytes: number): number => Math.round(bytes / MEBIBYTE);
  const operators = (await kube.operatorPods(operatorNamespace)).map((pod) => inMebibytes(memoryOf(pod)));
  const brokers = (await kube.brokerPods(cluster)).map((pod) => inMebibytes(memoryOf(pod)));
  const isTooMuch =
    operators.some((size) => size > OPERATOR_MEBIBYTES_MAX) || brokers.some((size) => size > BROKER_MEBIBYTES_MAX);
  const told = `operators ${operators.join(", ")} MiB, brokers ${brokers.join(", ")} MiB`;
  if (isTooMuch) throw new Error(`${told}: more than ${OPERATOR_MEBIBYTES_MAX} and ${BROKER_MEBIBYTES_MAX}`);
  const renewals = [...writes.values()].reduce((sum, count) => sum + count, 0);
  return `no writes but ${renewals} of the Lease; ${told}`;
}
