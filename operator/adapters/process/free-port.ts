import { createServer } from "node:net";
import { TidemarkError } from "#base/errors.ts";

/** Below the range from which systems take the ports of outgoing connections: there, nobody takes ours by chance. */
const PORT_MAX = 32_000;

/** Whether a server could listen there now. */
export function isPortFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** The first free port from `from` on that is not in `taken`. */
export async function firstFreePort(host: string, from: number, taken: ReadonlySet<number>): Promise<number> {
  for (let port = from; port <= Math.max(PORT_MAX, from + 1000) && port <= 65_535; port++) {
    if (!taken.has(port) && (await isPortFree(host, port))) return port;
  }
  throw new TidemarkError("PORT_IN_USE", `no free port from ${from} on at ${host}; give another --port`);
}

/** Where a search for free ports starts when no port is wished for. */
export const anyPort = (): number => 12_000 + Math.floor(Math.random() * 18_000);

/** Ports that nobody has now, for programs that have to be told theirs. */
export async function freePorts(host: string, count: number): Promise<number[]> {
  const found = new Set<number>();
  while (found.size < count) found.add(await firstFreePort(host, anyPort(), found));
  return [...found];
}
