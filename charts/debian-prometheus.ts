import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import path from "node:path";

const folder = path.resolve(import.meta.dirname, "..", ".cache", "prometheus");

const runs = (program: string): boolean => spawnSync(program, ["--version"]).status === 0;

/**
 * A program of Prometheus: the one that the environment names (`PROMETHEUS`, `PROMTOOL`), the one on the PATH, or
 * Debian's, unpacked into the checkout's cache.
 * @throws Error if there is none and Debian's package cannot be had.
 */
export function prometheusProgram(name: "prometheus" | "promtool"): string {
  const own = path.join(folder, "usr", "bin", name);
  const candidates = [process.env[name.toUpperCase()], name, own];
  const found = candidates.find((program) => program !== undefined && runs(program));
  if (found !== undefined) return found;
  mkdirSync(folder, { recursive: true });
  spawnSync("apt-get", ["download", "prometheus"], { cwd: folder });
  const [archive] = readdirSync(folder).filter((file) => file.endsWith(".deb"));
  if (archive !== undefined) spawnSync("dpkg", ["-x", archive, "."], { cwd: folder });
  if (existsSync(own)) return own;
  throw new Error(`${name} is not there: install prometheus, or name it in ${name.toUpperCase()}`);
}
