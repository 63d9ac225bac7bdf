import { spawnSync } from "node:child_process";

/** Of the network that is meant for measuring (RFC 2544): nobody else has it. */
const addressOf = (net: number, member: number): string => `198.18.${net}.${member}`;
const HOST_MEMBER = 254;

/** One call of `ip`. @throws Error with what it said */
function ip(...args: string[]): void {
  const { status, stderr, error } = spawnSync("ip", args, { encoding: "utf8" });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr.trim()}`);
}

/**
 * Network namespaces of this process's own, joined by a switch in another: whatever runs on an island has an address of
 * its own, and can be cut off without a word: no packet comes or goes, and no connection is reset. This machine's own
 * network gets one more interface, as long as they are open.
 */
export class Islands {
  readonly #name = `tm${process.pid}`;
  readonly #net = process.pid % 256;
  readonly #count: number;
  readonly #onExit = (): void => this.close();
  #isOpen = true;

  private constructor(count: number) {
    this.#count = count;
  }

  /** @throws Error where this process may not make them: that needs Linux, its `ip` command, and root */
  static open(count: number): Islands {
    const islands = new Islands(count);
    process.once("exit", islands.#onExit);
    try {
      islands.#make();
    } catch (cause) {
      islands.close();
      throw new Error("network namespaces cannot be made here", { cause });
    }
    return islands;
  }

  /** True where islands can be made. */
  static arePossible(): boolean {
    try {
      Islands.open(1).close();
      return true;
    } catch {
      return false;
    }
  }

  /** Of this machine, seen from the islands. */
  get hostAddress(): string {
    return addressOf(this.#net, HOST_MEMBER);
  }

  address(island: number): string {
    return addressOf(this.#net, island + 1);
  }

  /** How to run a program there. */
  command(island: number, program: string, args: readonly string[]): [string, string[]] {
    return ["ip", ["netns", "exec", this.#island(island), program, ...args]];
  }

  cut(island: number): void {
    ip("-n", this.#switch, "link", "set", `v${island}`, "nomaster");
  }

  heal(island: number): void {
    ip("-n", this.#switch, "link", "set", `v${island}`, "master", "br0");
  }

  /** Removes them all; programs that still run there have no network any more. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    process.off("exit", this.#onExit);
    const remove = (...args: string[]): void => void spawnSync("ip", args);
    for (let island = 0; island < this.#count; island++) remove("netns", "del", this.#island(island));
    remove("link", "del", this.#name);
    remove("netns", "del", this.#switch);
  }

  get #switch(): string {
    return `${this.#name}-switch`;
  }

  #island(island: number): string {
    return `${this.#name}-${island}`;
  }

  #make(): void {
    ip("netns", "add", this.#switch);
    ip("-n", this.#switch, "link", "add", "name", "br0", "type", "bridge");
    ip("-n", this.#switch, "link", "set", "br0", "up");
    for (let island = 0; island < this.#count; island++) this.#makeIsland(island);
    ip("link", "add", "name", this.#name, "type", "veth", "peer", "name", "host", "netns", this.#switch);
    ip("-n", this.#switch, "link", "set", "host", "master", "br0", "up");
    ip("addr", "add", `${this.hostAddress}/24`, "dev", this.#name);
    ip("link", "set", this.#name, "up");
  }

  #makeIsland(island: number): void {
    const name = this.#island(island);
    ip("netns", "add", name);
    ip("-n", this.#switch, "link", "add", "name", `v${island}`, "type", "veth", "peer", "name", "eth0", "netns", name);
    ip("-n", this.#switch, "link", "set", `v${island}`, "master", "br0", "up");
    ip("-n", name, "addr", "add", `${this.address(island)}/24`, "dev", "eth0");
    for (const link of ["eth0", "lo"]) ip("-n", name, "link", "set", link, "up");
  }
}
