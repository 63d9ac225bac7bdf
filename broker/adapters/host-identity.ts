import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { HostIdentity } from "../ports/host-identity.ts";

/**
 * Identity of the machine's page cache for what lies in `folder`, which must exist. Two equal ones mean that unsynced
 * writes of a process that died are still there. Where the system does not tell when it was started, each call answers
 * another boot id, so that nothing is taken for granted.
 */
export async function hostIdentity(folder: string): Promise<HostIdentity> {
  const { dev } = await stat(folder, { bigint: true });
  const bootId = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => crypto.randomUUID());
  return { bootId: bootId.trim(), device: String(dev), mountId: await mountIdOf(resolve(folder)) };
}

/** The mount with the longest mount point that `path` lies below; of equal ones the last, which hides the others. */
async function mountIdOf(path: string): Promise<string> {
  const table = await readFile("/proc/self/mountinfo", "utf8").catch(() => "");
  let longest = { mountPoint: "", id: "" };
  for (const line of table.split("\n")) {
    const [id, , , , escaped] = line.split(" ");
    if (id === undefined || escaped === undefined) continue;
    const mountPoint = escaped.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
    const isAbove = mountPoint === "/" || path === mountPoint || path.startsWith(`${mountPoint}/`);
    if (isAbove && mountPoint.length >= longest.mountPoint.length) longest = { mountPoint, id };
  }
  return longest.id;
}
