import { ApiServer } from "./api-server.ts";
import { cluster, type CreateCase, type StatusCase, topic } from "./case.ts";
import { adapters } from "./cases/adapters.ts";
import { behaviours } from "./cases/behaviour.ts";
import { clusterCases } from "./cases/cluster.ts";
import { limitCases, statusCases } from "./cases/limits.ts";
import { ratcheting } from "./cases/ratcheting.ts";
import { topicCases } from "./cases/topic.ts";
import { updateCases } from "./cases/updates.ts";
import { installDefinitions } from "./installed.ts";
import { judgeCreate, judgeStatus, judgeUpdate, stored } from "./judge.ts";
import { type Notice, ruleRemovals } from "./rules-needed.ts";

/** `make test-crds`: a real API server judges every case; the last line says how many passed. */
const say = (line: string): void => void process.stdout.write(`${line}\n`);

interface Judged {
  readonly says: string;
  /** What is wrong, or null. */
  judge(): Promise<string | null>;
}

async function suites(server: ApiServer): Promise<Record<string, readonly Judged[]>> {
  const names = { Cluster: await stored(server, "Cluster", cluster()), Topic: await stored(server, "Topic", topic()) };
  const ofStatus = ({ kind, ...rest }: StatusCase): Judged => ({
    says: rest.says,
    judge: () => judgeStatus(server, kind === "Topic" ? names.Topic : names.Cluster, { kind, ...rest }),
  });
  const creates = [...clusterCases, ...topicCases];
  const notices: readonly Notice[] = [
    ...creates.map((one) => ({ kind: one.kind, about: "", judge: () => judgeCreate(server, one) })),
    ...updateCases.map((one) => ({ kind: one.kind, about: "", judge: () => judgeUpdate(server, one) })),
    ...limitCases.map((one) => ({ kind: one.kind, about: fieldOf(one), judge: () => judgeCreate(server, one) })),
  ];
  return {
    rules: creates.map((one) => ({ says: `${one.kind}: ${one.says}`, judge: () => judgeCreate(server, one) })),
    "limits of every field": limitCases.map((one) => ({ says: one.says, judge: () => judgeCreate(server, one) })),
    "limits of every status": statusCases.map(ofStatus),
    changes: updateCases.map((one) => ({ says: one.says, judge: () => judgeUpdate(server, one) })),
    behaviour: behaviours.map((one) => ({ says: one.says, judge: () => one.judge(server) })),
    "operator's adapters": adapters.map((one) => ({ says: one.says, judge: () => one.judge(server) })),
    // These put other schemas in place, and so come last.
    ratcheting: ratcheting.map((one) => ({ says: one.says, judge: () => one.judge(server) })),
    "rules taken away": [...ruleRemovals(server, "Cluster", notices), ...ruleRemovals(server, "Topic", notices)],
  };
}

/** "Cluster spec.listeners[0].port: the most" is about spec.listeners.port. */
const fieldOf = ({ says }: CreateCase): string => (says.split(" ")[1] ?? "").replace(/:$/, "").replaceAll("[0]", "");

async function judgeAll(server: ApiServer): Promise<{ passed: number; failed: number }> {
  let [passed, failed] = [0, 0];
  for (const [suite, cases] of Object.entries(await suites(server))) {
    const startMs = performance.now();
    if (cases.length === 0) throw new Error(`${suite} has no cases: that proves nothing`);
    for (const { says, judge } of cases) {
      const fault = await judge();
      if (fault === null) passed++;
      else {
        failed++;
        say(`FAILED ${suite}: ${says}: ${fault}`);
      }
    }
    say(`${suite}: ${cases.length} cases in ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
  }
  return { passed, failed };
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
const server = await ApiServer.start(say);
try {
  await installDefinitions(server);
  const { passed, failed } = await judgeAll(server);
  say(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
} finally {
  await server.stop();
}
