import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import path from "node:path";
import type { TarEntry } from "./tar.ts";

export const USER_ID = 65532;

/** What the C library opens by name when a host is looked up: no program is linked with these. */
const resolverLibraries = ["libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2"];

const certificates = "etc/ssl/certs/ca-certificates.crt";

const configuration: Readonly<Record<string, string>> = {
  "etc/passwd": `root:x:0:0:root:/:/sbin/nologin\ntidemark:x:${USER_ID}:${USER_ID}:tidemark:/app:/sbin/nologin\n`,
  "etc/group": `root:x:0:\ntidemark:x:${USER_ID}:\n`,
  "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
};

const fileEntry = (target: string, content: Buffer, mode = 0o644): TarEntry => ({
  path: target.replace(/^\/+/, ""),
  kind: "file",
  mode,
  content,
});

/** Shared libraries of programs and native add-ons, under the names by which the loader looks for them. */
function librariesOf(programs: readonly string[]): string[] {
  const listed = programs.map((program) => execFileSync("ldd", [program], { encoding: "utf8" })).join("");
  const missing = /(\S+) => not found/.exec(listed);
  if (missing !== null) throw new Error(`${missing[1]} is not on this machine, and Node or an add-on needs it`);
  const libraries = [...listed.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map((match) => match[1] as string);
  const libraryFolder = path.dirname(libraries.find((name) => name.includes("libc.so")) ?? "/lib/none");
  const resolvers = resolverLibraries.map((name) => path.join(libraryFolder, name)).filter((name) => existsSync(name));
  return [...new Set([...libraries, ...resolvers])].sort();
}

/** The root file system without the application: Node, the libraries it needs, a user, certificates, `/tmp`. */
export function systemEntries(options: { node: string; addOns: readonly string[] }): TarEntry[] {
  const { node } = options;
  const libraries = librariesOf([node, ...options.addOns]).map((name) =>
    fileEntry(name, readFileSync(realpathSync(name)), 0o755),
  );
  const certificateFile = `/${certificates}`;
  return [
    fileEntry("usr/local/bin/node", readFileSync(node), 0o755),
    ...libraries,
    ...Object.entries(configuration).map(([name, text]) => fileEntry(name, Buffer.from(text))),
    // Node brings its own roots; these serve whoever sets SSL_CERT_FILE or --use-system-ca.
    ...(existsSync(certificateFile) ? [fileEntry(certificates, readFileSync(realpathSync(certificateFile)))] : []),
    { path: "tmp", kind: "folder", mode: 0o1777 },
    { path: "var/lib/tidemark", kind: "folder", mode: 0o755 },
    { path: "app", kind: "folder", mode: 0o755 },
  ];
}
