import { existsSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import path from "node:path";
import { stateFolder } from "./settings.ts";
import { until } from "./shell.ts";

/*
 * What runs is read from the machine, not from notes: an earlier run that was killed left no true notes.
 */

export interface FoundProcess {
  readonly pid: number;
  /** Name of the program: `kube`, `containerd-shim-runc-v2`, … */
  readonly program: string;
  readonly args: readonly string[];
}

const programs = new Set(["etcd", "kube", "containerd", "containerd-shim-runc-v2", "node"]);

function readProcess(pid: number): FoundProcess | null {
  try {
    const args = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
    return { pid, program: path.basename(args[0] ?? ""), args };
  } catch {
    // It has ended meanwhile.
    return null;
  }
}

/** Programs of a cluster whose arguments name `folder`; whoever merely reads a file in it is none of ours. */
export function processesOf(folder = stateFolder): FoundProcess[] {
  const names = (arg: string): boolean => arg.endsWith(folder) || arg.includes(`${folder}/`);
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((name) => readProcess(Number(name)))
    .filter((found) => found !== null)
    .filter(({ program, args }) => programs.has(program) && args.slice(1).some(names))
    .filter(({ program, args }) => program !== "node" || args.some((arg) => arg.endsWith("infrastructure/main.ts")));
}

/** Folders of a cgroup in every hierarchy (version 1), or its one folder (version 2). */
export function cgroupFolders(name: string): string[] {
  const root = "/sys/fs/cgroup";
  if (existsSync(path.join(root, "cgroup.controllers"))) return [path.join(root, name)];
  return readdirSync(root).map((hierarchy) => path.join(root, hierarchy, name));
}

/** The folder itself and all below it, the deepest first. */
function foldersBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const below = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => path.join(entry.parentPath, entry.name));
  return [folder, ...below].sort((a, b) => b.length - a.length);
}

/** Every process in a cgroup and those below it. */
export function processesInCgroup(name: string): number[] {
  const folders = cgroupFolders(name);
  const folder = folders.find((each) => each.includes("/pids/")) ?? folders[0];
  return (folder === undefined ? [] : foldersBelow(folder)).flatMap((each) => {
    try {
      return readFileSync(path.join(each, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
    } catch {
      // The cgroup was taken away meanwhile, so nothing runs in it.
      return [];
    }
  });
}

/** What a container holds in memory: usage less the page cache that nobody uses, as the kubelet counts it. */
export function memoryBytes(node: string, containerId: string): number {
  const folders = cgroupFolders(node);
  const top = folders.find((each) => each.includes("/memory/")) ?? folders[0] ?? "";
  const folder = foldersBelow(top).find((each) => each.endsWith(`/${containerId}`));
  if (folder === undefined) throw new Error(`${node} has no cgroup of container ${containerId}`);
  const read = (name: string): string => readFileSync(path.join(folder, name), "utf8");
  const isVersion1 = existsSync(path.join(folder, "memory.usage_in_bytes"));
  const usage = Number(read(isVersion1 ? "memory.usage_in_bytes" : "memory.current"));
  const [, inactive = "0"] = read("memory.stat").match(/^(?:total_)?inactive_file (\d+)$/m) ?? [];
  return usage - Number(inactive);
}

export function removeCgroup(name: string): void {
  for (const folder of cgroupFolders(name).flatMap(foldersBelow)) {
    try {
      rmdirSync(folder);
    } catch {
      // A process that has not quite ended holds it; `down` looks again.
    }
  }
}

export const isRunning = (pid: number): boolean => {
  try {
    // A zombie has ended; whoever should collect it is not our business.
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
};

export function signal(pid: number, name: "SIGKILL" | "SIGTERM" | "SIGSTOP" | "SIGCONT"): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Kills processes and waits until they are gone. */
export async function killAll(pids: readonly number[]): Promise<void> {
  for (const pid of pids) signal(pid, "SIGKILL");
  await until(`processes ${pids.join(", ")} are gone`, () => !pids.some(isRunning), { limitMs: 20_000, stepMs: 20 });
}
