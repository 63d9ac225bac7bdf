/*
 * Builds the project's image without Docker: `node charts/image/build.ts OUT.tar NAME:TAG`. The machine that builds
 * gives Node and its libraries (Linux with glibc); everything else comes from the checkout. The same checkout on the
 * same machine gives the same bytes.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { imageArchive } from "./archive.ts";
import { applicationEntries, packageEntries, type Platform } from "./production-files.ts";
import { systemEntries, USER_ID } from "./system-files.ts";

const architectures: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

function stop(message: string): never {
  process.stderr.write(`image: ${message}\n`);
  process.exit(1);
}

/** The image of the checkout at `root`, run by the Node at `node`. */
export function tidemarkImage(root: string, options: { reference: string; node: string; cpu: string }) {
  const platform: Platform = { os: "linux", cpu: options.cpu, libc: "glibc" };
  const packages = packageEntries(root, platform);
  const addOns = packages.filter(({ path: at }) => at.endsWith(".node")).map(({ path: at }) => at.slice("app/".length));
  const system = systemEntries({ node: options.node, addOns: addOns.map((at) => path.join(root, at)) });
  const { version, license, description } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  return imageArchive({
    reference: options.reference,
    architecture: architectures[options.cpu] ?? stop(`no image is known for the processor ${options.cpu}`),
    user: `${USER_ID}:${USER_ID}`,
    workingFolder: "/app",
    entrypoint: ["/usr/local/bin/node"],
    environment: ["PATH=/usr/local/bin:/usr/bin:/bin", "NODE_ENV=production"],
    labels: {
      "org.opencontainers.image.title": "tidemark",
      "org.opencontainers.image.description": description,
      "org.opencontainers.image.licenses": license,
      "org.opencontainers.image.version": version,
    },
    layers: [
      // What rarely changes lies below, so that a new version of ours moves half a megabyte.
      { comment: "Node and its libraries", entries: system },
      { comment: "dependencies", entries: packages },
      { comment: "broker and operator", entries: applicationEntries(root) },
    ],
  });
}

function main(): void {
  const [out, reference] = process.argv.slice(2);
  if (out === undefined || reference === undefined) stop("usage: node charts/image/build.ts OUT.tar NAME:TAG");
  if (!/^[a-z0-9.-]+(?::\d+)?(?:\/[a-z0-9._-]+)+:[\w.-]+$/.test(reference)) {
    stop(`"${reference}" is not a full name with a tag, such as docker.io/local/tidemark:0.1.0`);
  }
  if (process.platform !== "linux") stop("Node and its libraries are taken from this machine: it must be Linux");
  const root = path.resolve(import.meta.dirname, "..", "..");
  const { content, id } = tidemarkImage(root, { reference, node: process.execPath, cpu: process.arch });
  // Under its name it is whole, or it is not there.
  writeFileSync(`${out}.partial`, content);
  renameSync(`${out}.partial`, out);
  const megabytes = (content.length / 1e6).toFixed(1);
  process.stdout.write(`image: ${reference}  ${megabytes} MB  ${id}  ${out}\n`);
}

if (import.meta.main) {
  try {
    main();
  } catch (error) {
    stop(Error.isError(error) ? error.message : String(error));
  }
}
