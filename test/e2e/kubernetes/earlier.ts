import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import path from "node:path";
import { importEverywhere } from "./cluster/cluster.ts";
import { cacheFolder } from "./cluster/settings.ts";
import { run } from "./cluster/shell.ts";

const root = path.join(import.meta.dirname, "../../..");

/**
 * The revision from which upgrades are shown. There is no release yet, so this is a commit of main whose scenarios
 * passed; once there is a release, it is the first.
 */
export const EARLIER_REVISION = "b6f046e";

export interface EarlierChart {
  readonly chart: string;
  readonly tag: string;
}

/** The chart and the image of that revision, made by its own build script; the image is then on every node. */
export async function earlierChart(): Promise<EarlierChart> {
  const folder = path.join(cacheFolder, "earlier", EARLIER_REVISION);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const archive = `${folder}.tar`;
  await run("git", ["-C", root, "archive", `--output=${archive}`, EARLIER_REVISION]);
  await run("tar", ["--extract", "--file", archive, "--directory", folder]);
  // Its dependencies are those of this checkout: what its lock file names and this one lacks would end the build.
  symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"));
  const tag = `e2e-${EARLIER_REVISION}`;
  const image = path.join(folder, "image.tar");
  const build = [path.join(folder, "charts/image/build.ts"), image, `docker.io/local/tidemark:${tag}`];
  await run(process.execPath, build, { timeoutMs: 300_000 });
  await importEverywhere(image);
  rmSync(archive);
  rmSync(image);
  return { chart: path.join(folder, "charts/tidemark"), tag };
}
