// Makes the checkout ready: dependencies as package-lock.json says (Node 26 is one of them) and the `tidemark`
// command in node_modules/.bin. Runs on any Node ≥ 20; does nothing, fast, when all is in place.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import path from "node:path";

const root = path.resolve(import.meta.dirname ?? ".", "..");
const launcher = path.join("..", "..", "operator", "cli", "tidemark");

function stop(message) {
  process.stderr.write(`setup: ${message}\n`);
  process.exit(1);
}

/** What differs between the lock file and what is installed, in a few words; "" when nothing does. */
function difference() {
  const installedFile = path.join(root, "node_modules", ".package-lock.json");
  if (!existsSync(installedFile)) return "nothing is installed yet";
  const wanted = JSON.parse(readFileSync(path.join(root, "package-lock.json"), "utf8")).packages;
  const installed = JSON.parse(readFileSync(installedFile, "utf8")).packages;
  for (const [name, entry] of Object.entries(installed)) {
    if (wanted[name]?.version !== entry.version) return `${name} ${entry.version} is not what package-lock.json says`;
  }
  for (const [name, entry] of Object.entries(wanted)) {
    if (name !== "" && !entry.optional && !installed[name]) return `${name} is missing`;
  }
  if (!existsSync(path.join(root, "node_modules", "node", "bin", "node"))) return "Node 26 is missing";
  return "";
}

function install() {
  const reason = difference();
  if (reason === "") return;
  process.stdout.write(`setup: installing Node 26 and the dependencies (npm ci, about half a minute): ${reason}\n`);
  const startMs = Date.now();
  const result = spawnSync("npm", ["ci", "--no-fund", "--no-audit", "--loglevel=error"], {
    cwd: root,
    encoding: "utf8",
  });
  if (result.error) stop(`npm cannot be run (${result.error.message}): install Node ≥ 20 with npm`);
  if (result.status !== 0) stop(`npm ci failed:\n${result.stdout}${result.stderr}`);
  const left = difference();
  if (left !== "") stop(`npm ci ended well, but ${left}; remove node_modules and try again`);
  compile();
  process.stdout.write(`setup: done in ${((Date.now() - startMs) / 1000).toFixed(0)} s\n`);
}

/** Fills the cache of compiled code, so that already the first start of a cluster is a fast one. */
function compile() {
  const node = path.join(root, "node_modules", "node", "bin", "node");
  const env = { ...process.env, NODE_COMPILE_CACHE: path.join(root, "node_modules", ".cache", "tidemark") };
  const local = JSON.stringify(path.join(root, "operator", "local.ts"));
  // Each ends at once, for want of arguments, with everything compiled that it imports.
  const programs = [
    [path.join(root, "broker", "main.ts")],
    [path.join(root, "operator", "controller-main.ts")],
    [path.join(root, "operator", "cli", "main.ts"), "--help"],
    ["--input-type=module", "-e", `await import(${local})`],
  ];
  // The cache is a convenience: without it everything works, a little later.
  for (const program of programs) spawnSync(node, program, { cwd: root, env, stdio: "ignore" });
}

function linkCommand() {
  const link = path.join(root, "node_modules", ".bin", "tidemark");
  try {
    if (readlinkSync(link) === launcher) return;
  } catch {
    // Not a link, or not there: made anew below.
  }
  rmSync(link, { force: true });
  symlinkSync(launcher, link);
}

if (Number(process.versions.node.split(".")[0]) < 20)
  stop(`Node ${process.versions.node} is too old: 20 or newer is needed`);
install();
linkCommand();
