import path from "node:path";
import { startOnIslands } from "../island-system.ts";
import { Islands } from "../islands.ts";
import { root } from "../jars.ts";
import { nowMs, sleep } from "../machine.ts";
import { Probe } from "../probe.ts";
import type { Row } from "../report.ts";
import { makeTopic, type Running, type RunningBroker, signal } from "../system.ts";
import { type Context, type Figures, note, row, say, withSystem } from "./context.ts";

const partitions = 6;

/** A leader of some partition that is not the active controller: what a lone broker's death costs. */
function leaderOtherThan(running: Running, probe: Probe, controllerPid: number): RunningBroker {
  for (let partition = 0; partition < partitions; partition++) {
    const broker = running.brokers.find((candidate) => candidate.id === probe.leaderOf(partition));
    if (broker !== undefined && broker.pid !== controllerPid) return broker;
  }
  throw new Error("every partition is led by the controller's own process");
}

type Strike<R extends Running> = (running: R, probe: Probe, controllerPid: number) => void;

/** Does something bad to a cluster under load; answers the longest pause of the worst partition, milliseconds. */
async function gapAfter<R extends Running>(running: R, strike: Strike<R>): Promise<number> {
  await makeTopic(running.brokers[0] as RunningBroker, { name: "failover", partitions });
  const controllerPid = await running.controllerPid();
  const probe = new Probe(running, "failover", partitions);
  probe.start();
  try {
    if (!(await probe.untilServing(3000, 60_000))) throw new Error("the probe is not served");
    const atMs = nowMs();
    strike(running, probe, controllerPid);
    await sleep(1000);
    if (!(await probe.untilServing(3000, 90_000))) throw new Error("the probe is not served after the fault");
    return probe.longestGapMs(atMs);
  } finally {
    probe.stop();
  }
}

interface Fault {
  readonly figure: string;
  readonly target?: number;
  readonly limitMs?: number;
  readonly strike: Strike<Running>;
}

const faults: readonly Fault[] = [
  {
    figure: "time without a leader after kill -9 of one (no restart), worst partition",
    target: 1 / 15,
    strike: (running, probe, controllerPid) => signal(leaderOtherThan(running, probe, controllerPid).pid, "SIGKILL"),
  },
  {
    figure: "the same after SIGSTOP of a leader (session timeout: 4 s, Kafka's 9 s)",
    limitMs: 5000,
    strike: (running, probe, controllerPid) => signal(leaderOtherThan(running, probe, controllerPid).pid, "SIGSTOP"),
  },
  {
    figure: "the same after kill -9 of controller and a leader together",
    limitMs: 2000,
    strike(running, probe, controllerPid) {
      const isBroker = running.brokers.some((broker) => broker.pid === controllerPid);
      signal(controllerPid, "SIGKILL");
      if (!isBroker) signal(leaderOtherThan(running, probe, controllerPid).pid, "SIGKILL");
    },
  },
];

/** Pauses that faults cause to a producer of 600 records a second on six partitions. */
export async function failoverFigures(context: Context): Promise<Row[]> {
  const rows: Row[] = [];
  for (const fault of faults) {
    const figures: Figures = {};
    for (let run = 0; run < Math.min(3, context.extent.runs); run++) {
      for (const system of context.systems) {
        const gapMs = await withSystem(system, { restartsBrokers: false }, (running) =>
          gapAfter(running, fault.strike),
        );
        say(`${system.name}: ${fault.figure}: ${Math.round(gapMs)} ms`);
        note(figures, system.name, gapMs);
      }
    }
    const aim = fault.limitMs === undefined ? {} : { limit: fault.limitMs };
    const target = fault.target === undefined ? {} : { target: fault.target };
    rows.push(row(figures, { figure: fault.figure, unit: "ms", better: "less", ...aim, ...target }));
  }
  if (context.systems.some(({ name }) => name === "Tidemark")) rows.push(await cutOffFigure(context));
  return rows;
}

/** Each broker in a network namespace of its own; Kafka is not measured so. */
async function cutOffFigure(context: Context): Promise<Row> {
  const figures: Figures = {};
  const about = { unit: "ms", better: "less", limit: 5000 } as const;
  const figure = "the same after a leader is cut off from everyone (session timeout: 4 s)";
  if (!Islands.arePossible()) {
    say("Tidemark: no leader is cut off: network namespaces need Linux and root");
    return row(figures, { ...about, figure: `${figure}; not measured: network namespaces need Linux and root` });
  }
  for (let run = 0; run < Math.min(3, context.extent.runs); run++) {
    const cluster = await startOnIslands(path.join(root, ".cache", "bench", "islands"));
    try {
      const gapMs = await gapAfter(cluster, ({ islands }, probe, controllerPid) =>
        islands.cut(leaderOtherThan(cluster, probe, controllerPid).id),
      );
      say(`Tidemark: ${figure}: ${Math.round(gapMs)} ms`);
      note(figures, "Tidemark", gapMs);
    } finally {
      await cluster.stop();
    }
  }
  return row(figures, { ...about, figure });
}
