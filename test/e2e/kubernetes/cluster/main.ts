import { binariesFolder, ensureBinaries } from "./binaries.ts";
import { bringUp, importEverywhere } from "./cluster.ts";
import { kubeconfigFile, stateFolder } from "./settings.ts";
import { HarnessError } from "./shell.ts";
import { tearDown } from "./teardown.ts";

const say = (line: string): void => void process.stderr.write(`kube: ${line}\n`);

const USAGE = "usage: node test/e2e/kubernetes/cluster/main.ts up | down | build | import FILE…";

async function main(): Promise<void> {
  const [command, ...args] = process.argv.slice(2);
  switch (command) {
    case "up": {
      await bringUp(say);
      say(`logs are in ${stateFolder}/logs, kubectl and helm in ${binariesFolder()}`);
      process.stdout.write(`export KUBECONFIG=${kubeconfigFile} PATH=${binariesFolder()}:$PATH\n`);
      return;
    }
    case "down":
      await tearDown();
      return say(`nothing is left but the logs in ${stateFolder}/logs`);
    case "build":
      return void process.stdout.write(`${(await ensureBinaries(say)).folder}\n`);
    case "import":
      for (const file of args) await importEverywhere(file);
      return say(`imported on every node: ${args.join(" ")}`);
    default:
      throw new HarnessError(USAGE);
  }
}

try {
  await main();
} catch (error) {
  const isOurs = error instanceof HarnessError;
  const told = isOurs ? error.message : Error.isError(error) ? (error.stack ?? error.message) : String(error);
  say(told);
  process.exitCode = 1;
}
