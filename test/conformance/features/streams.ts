import path from "node:path";
import { until } from "../cluster.ts";
import { Program } from "../program.ts";
import type { Bench, Feature } from "./feature.ts";
import { withFolder } from "./folder.ts";

const LIMIT_MS = 300_000;
const PARTITIONS = 2;
const LINES = ["the tide comes in", "the tide goes out", "in and out goes the tide"];

/** What a word count over `times` times those lines ends at. */
function countsOf(times: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of LINES.flatMap((line) => line.split(" "))) counts.set(word, (counts.get(word) ?? 0) + times);
  return counts;
}

const write = ({ cluster, topic }: Bench, times: number): Promise<void> =>
  cluster.write(topic, { values: Array.from({ length: times }, () => LINES).flat(), partitions: PARTITIONS });

/** The last count of each word; the application writes `WORD=COUNT`, each word to one partition. */
async function counted({ cluster }: Bench, output: string): Promise<Map<string, number>> {
  const pairs = (await cluster.values(output)).map((value) => value.split("="));
  return new Map(pairs.map(([word, count]) => [`${word}`, Number(count)]));
}

async function untilCounted(bench: Bench, { program, output, times }: Counting): Promise<void> {
  const wanted = countsOf(times);
  await until(`every word is counted, ${times} times the lines`, async () => {
    if (program.hasEnded) throw new Error(program.complaint());
    const found = await counted(bench, output);
    return [...wanted].every(([word, count]) => found.get(word) === count);
  });
}

interface Counting {
  readonly program: Program;
  readonly output: string;
  readonly times: number;
}

async function count(bench: Bench): Promise<void> {
  const { cluster, command, topic } = bench;
  const output = `${topic}.counts`;
  await cluster.makeTopic(topic, { partitions: PARTITIONS });
  await cluster.makeTopic(output, { partitions: PARTITIONS });
  await withFolder(async (folder) => {
    // The second life has nothing on its disk: what the first counted comes back from the changelog topic.
    for (const life of [1, 2]) {
      const state = path.join(folder, `state-${life}`);
      const program = new Program(command, [cluster.bootstrap, topic, topic, output, state], LIMIT_MS);
      await write(bench, 50);
      await untilCounted(bench, { program, output, times: 50 * life });
      program.endInput();
      await program.success();
    }
  });
  const changelog = `${topic}-counts-changelog`;
  if ((await cluster.partitionsOf(changelog)) !== PARTITIONS) throw new Error(`${changelog} has other partitions`);
}

export const streams: readonly Feature[] = [
  {
    name: "word count",
    what:
      "Words are counted at least once in a state store; the application is stopped, started with an empty disk, and " +
      "counts on from what its changelog topic gives back: the counts are exact.",
    run: count,
  },
];
