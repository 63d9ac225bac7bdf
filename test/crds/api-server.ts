import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";
import type { ApiAccess } from "../../operator/adapters/kubernetes/credentials.ts";
import { freePorts } from "../../operator/adapters/process/free-port.ts";
import { ensureBinaries } from "../e2e/kubernetes/cluster/binaries.ts";
import { installPackages } from "../e2e/kubernetes/cluster/packages.ts";

const READY_LIMIT_MS = 120_000;
const READY_LOOK_MS = 100;
const REQUEST_LIMIT_MS = 60_000;

/** What the API server answered. */
export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
  /** Warnings of its headers. */
  readonly warnings: readonly string[];
}

export interface Call {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
}

/** A kube-apiserver and its etcd, alone, on free ports of this machine: no nodes, no controllers. */
export class ApiServer {
  readonly #folder: string;
  readonly #port: number;
  readonly #token: string;
  readonly #processes: readonly ChildProcess[];

  private constructor(at: { folder: string; port: number; token: string; processes: readonly ChildProcess[] }) {
    this.#folder = at.folder;
    this.#port = at.port;
    this.#token = at.token;
    this.#processes = at.processes;
    process.once("exit", this.#onExit);
  }

  /** Resolves once it is ready. `say` hears of what takes minutes on a machine that never did this. */
  static async start(say: (line: string) => void): Promise<ApiServer> {
    const { etcd: etcdCommand, apiServer: apiServerCommand } = await commands(say);
    const folder = mkdtempSync(path.join(tmpdir(), "tidemark-crds-"));
    const [etcdPort, peerPort, port] = await freePorts("127.0.0.1", 3);
    const token = randomBytes(16).toString("hex");
    const at = (name: string): string => path.join(folder, name);
    const { privateKey } = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs1", format: "pem" },
    });
    writeFileSync(at("service-accounts.key"), privateKey, { mode: 0o600 });
    writeFileSync(at("tokens.csv"), `${token},admin,admin,system:masters\n`, { mode: 0o600 });
    const etcd = run(folder, "etcd", [
      etcdCommand,
      ...[`--data-dir=${at("etcd")}`, "--unsafe-no-fsync=true"],
      ...[`--listen-client-urls=${local(etcdPort)}`, `--advertise-client-urls=${local(etcdPort)}`],
      ...[`--listen-peer-urls=${local(peerPort)}`, `--initial-advertise-peer-urls=${local(peerPort)}`],
      `--initial-cluster=default=${local(peerPort)}`,
    ]);
    const apiServer = run(folder, "kube-apiserver", [
      ...apiServerCommand,
      ...[
        `--etcd-servers=${local(etcdPort)}`,
        `--cert-dir=${at("certificates")}`,
        `--token-auth-file=${at("tokens.csv")}`,
      ],
      ...["--bind-address=127.0.0.1", `--secure-port=${port}`, "--authorization-mode=RBAC"],
      ...["--service-cluster-ip-range=10.96.0.0/16", "--service-account-issuer=https://kubernetes.default.svc"],
      ...[`--service-account-key-file=${at("service-accounts.key")}`],
      ...[`--service-account-signing-key-file=${at("service-accounts.key")}`],
    ]);
    const server = new ApiServer({ folder, port: port ?? 0, token, processes: [apiServer, etcd] });
    try {
      await server.#whenReady();
    } catch (error) {
      await server.stop({ keepsLogs: true });
      throw error;
    }
    return server;
  }

  async #whenReady(): Promise<void> {
    const endMs = performance.now() + READY_LIMIT_MS;
    for (;;) {
      const gone = this.#processes.find(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null);
      if (gone !== undefined) throw new Error(`${gone.spawnfile} ended; read the logs in ${this.#folder}`);
      const answer = await this.call({ method: "GET", path: "/readyz" }).catch(() => null);
      if (answer?.status === 200) return;
      if (performance.now() > endMs) throw new Error(`the API server is not ready; read the logs in ${this.#folder}`);
      await new Promise((resolve) => setTimeout(resolve, READY_LOOK_MS));
    }
  }

  /** For the operator's own adapters, as an administrator. */
  access(): ApiAccess {
    return {
      server: new URL(`https://127.0.0.1:${this.#port}`),
      // Its certificate is of its own making, in a folder of ours.
      tls: { rejectUnauthorized: false },
      headers: async () => ({ authorization: `Bearer ${this.#token}` }),
    };
  }

  /** One request as an administrator. */
  call({
    method,
    path: target,
    body,
    contentType = "application/json",
    accept = "application/json",
  }: Call): Promise<Answer> {
    const text = body === undefined ? "" : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const ask = request(
        {
          host: "127.0.0.1",
          port: this.#port,
          path: target,
          method,
          // Its certificate is of its own making, in a folder of ours.
          rejectUnauthorized: false,
          timeout: REQUEST_LIMIT_MS,
          headers: {
            authorization: `Bearer ${this.#token}`,
            accept,
            ...(body === undefined ? {} : { "content-type": contentType, "content-length": Buffer.byteLength(text) }),
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("error", reject);
          response.on("end", () => {
            const answered = Buffer.concat(chunks).toString();
            const warnings = [response.headersDistinct["warning"] ?? []].flat();
            resolve({ status: response.statusCode ?? 0, body: parsed(answered), warnings });
          });
        },
      );
      ask.on("timeout", () => ask.destroy(new Error(`no answer to ${method} ${target}`)));
      ask.on("error", reject);
      ask.end(text);
    });
  }

  readonly #onExit = (): void => {
    this.#kill();
    rmSync(this.#folder, { recursive: true, force: true });
  };

  /** Nothing in them is worth an orderly end. */
  #kill(): void {
    for (const child of this.#processes) child.kill("SIGKILL");
  }

  async stop({ keepsLogs = false } = {}): Promise<void> {
    process.off("exit", this.#onExit);
    const running = this.#processes.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
    const ended = running.map((child) => new Promise((resolve) => child.once("exit", resolve)));
    this.#kill();
    await Promise.all(ended);
    if (!keepsLogs) rmSync(this.#folder, { recursive: true, force: true });
  }
}

const local = (port: number | undefined): string => `http://127.0.0.1:${port}`;

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return { text };
  }
}

function run(folder: string, name: string, [command = "", ...args]: readonly string[]): ChildProcess {
  const log = openSync(path.join(folder, `${name}.log`), "a");
  const child = spawn(command, args, { stdio: ["ignore", log, log] });
  closeSync(log);
  return child;
}

/** `KUBEBUILDER_ASSETS` as for envtest; without it this machine's own, which the first run builds. */
async function commands(say: (line: string) => void): Promise<{ etcd: string; apiServer: readonly string[] }> {
  const assets = process.env["KUBEBUILDER_ASSETS"];
  if (assets !== undefined) {
    return { etcd: path.join(assets, "etcd"), apiServer: [path.join(assets, "kube-apiserver")] };
  }
  await installPackages(say);
  const { kube } = await ensureBinaries(say);
  return { etcd: "etcd", apiServer: [kube, "kube-apiserver"] };
}
