import type { V1Pod } from "@kubernetes/client-node";
import path from "node:path";
import { until } from "../cluster/shell.ts";
import { type Context, figuresOf } from "../context.ts";
import { EARLIER_REVISION, type EarlierChart, earlierChart } from "../earlier.ts";
import { isPodReady } from "../kube.ts";

export const name = "upgrade the chart from an earlier revision, and roll back";

const STEP_LIMIT_MS = 300_000;
const LOOK_MS = 200;
const MIN_IN_SYNC = 2;

const chart = path.join(import.meta.dirname, "../../../../charts/tidemark");

/** What must hold at every moment of every step. */
interface Watched {
  inSyncMin: number;
  readyMin: number;
  /** What the Cluster said while it was not Ready; it never is to. */
  readonly notReady: Set<string>;
}

const imageOf = (pod: V1Pod): string => pod.spec?.containers[0]?.image ?? "";

/** The image that the release's operator runs now. */
async function currentTag({ kube, operatorNamespace }: Context): Promise<string> {
  const [operator] = await kube.operatorPods(operatorNamespace);
  return operator === undefined ? "" : (imageOf(operator).split(":").at(-1) ?? "");
}

/** Waits until operators and brokers all run `tag`, looking at what must hold meanwhile. */
async function rolledTo(context: Context, { topic, tag }: { topic: string; tag: string }, watched: Watched) {
  const { kube, cluster, operatorNamespace } = context;
  const isRolled = async (): Promise<boolean> => {
    // A client that asks a broker just as it goes is told nothing: the next look counts.
    const states = await context.partitions(topic).catch(() => []);
    for (const { isr } of states) watched.inSyncMin = Math.min(watched.inSyncMin, isr.length);
    const found = await kube.read("Cluster", cluster);
    const ready = found?.status?.conditions?.find(({ type }) => type === "Ready");
    if (ready?.status === "False") watched.notReady.add(`${ready.reason}: ${ready.message}`);
    const brokers = await kube.brokerPods(cluster);
    watched.readyMin = Math.min(watched.readyMin, brokers.filter(isPodReady).length);
    const pods = [...brokers, ...(await kube.operatorPods(operatorNamespace))];
    return brokers.length === 3 && pods.every((pod) => isPodReady(pod) && imageOf(pod).endsWith(`:${tag}`));
  };
  await until(`operators and brokers run ${tag}`, isRolled, { limitMs: STEP_LIMIT_MS, stepMs: LOOK_MS });
  await context.whole(topic);
}

interface Step {
  readonly told: string;
  readonly args: readonly string[];
  readonly tag: string;
}

function stepsOf(release: string, earlier: EarlierChart, tag: string): readonly Step[] {
  const upgrade = (to: string, toTag: string): string[] => {
    const values = ["--reset-values", "--set", `image.tag=${toTag}`, "--set", "rbac.nodes=true"];
    return ["upgrade", release, to, ...values, "--wait", "--timeout=120s"];
  };
  return [
    { told: `to ${EARLIER_REVISION}`, args: upgrade(earlier.chart, earlier.tag), tag: earlier.tag },
    { told: "to this", args: upgrade(chart, tag), tag },
    { told: "rolled back", args: ["rollback", release, "--wait", "--timeout=120s"], tag: earlier.tag },
    { told: "to this again", args: upgrade(chart, tag), tag },
  ];
}

/** Definitions, operators and brokers of one revision, then of another, then back, while clients write. */
export async function run(context: Context): Promise<string> {
  const tag = await currentTag(context);
  const steps = stepsOf(context.release, await earlierChart(), tag);
  const watched: Watched = {
    inSyncMin: Number.POSITIVE_INFINITY,
    readyMin: Number.POSITIVE_INFINITY,
    notReady: new Set(),
  };
  const outcome = await context.underLoad(async (topic, load) => {
    const told: string[] = [];
    load.forgetGaps();
    try {
      for (const step of steps) {
        const started = performance.now();
        await context.helm(step.args);
        await rolledTo(context, { topic, tag: step.tag }, watched);
        told.push(`${step.told} in ${((performance.now() - started) / 1000).toFixed(0)} s`);
      }
    } finally {
      // The scenarios after this one are about what stands here.
      if (told.length < steps.length) await context.helm(steps.at(-1)?.args ?? []);
    }
    if (watched.notReady.size > 0) throw new Error(`the Cluster was not Ready: ${[...watched.notReady].join("; ")}`);
    if (watched.inSyncMin < MIN_IN_SYNC) throw new Error(`a partition was down to ${watched.inSyncMin} in sync`);
    if (watched.readyMin < MIN_IN_SYNC) throw new Error(`only ${watched.readyMin} brokers were ready at one moment`);
    return `${told.join(", ")}; never below ${watched.inSyncMin} in sync and ${watched.readyMin} brokers ready`;
  });
  return `${outcome.told}; ${figuresOf(outcome)}`;
}
