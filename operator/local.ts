import { randomBytes } from "node:crypto";
import path from "node:path";
import { type Clock, every, sleep, type Timer } from "#base/clock.ts";
import { TidemarkError } from "#base/errors.ts";
import { brokerConfigKeys } from "#contract/config-keys.ts";
import { NODE_FLAGS } from "#contract/node-flags.ts";
import { validateStaticConfig } from "#contract/config-values.ts";
import { type Applied, applyTopics } from "./adapters/process/apply-topics.ts";
import { isAlive, runsWith } from "./adapters/process/child-process.ts";
import {
  CLUSTER_FILE,
  type ClusterFile,
  IDENTITY_FILE,
  type Identity,
  type LocalPorts,
  type ProcessEntry,
  readClusterFile,
  readIdentity,
  TOKEN_FILE,
  writeClusterFile,
  writeIdentity,
} from "./adapters/process/cluster-file.ts";
import { type ControllerAt, controllerStatus, incarnationAt } from "./adapters/process/controller-client.ts";
import { type FolderLock, lockFolder } from "./adapters/process/folder-lock.ts";
import {
  boundLog,
  freeBytes,
  makeFolder,
  makeSecretFile,
  readText,
  removeFile,
  writeJson,
} from "./adapters/process/local-files.ts";
import { LOCAL_HOST, planPorts } from "./adapters/process/port-plan.ts";
import { type Gone, Supervised } from "./adapters/process/supervised.ts";
import { HTTP_API_PORT } from "./resources/http-api.ts";
import { quantityBytes } from "./resources/quantity-value.ts";
import type { Resources } from "./resources/read.ts";

/** What `tidemark up` was asked for. */
export interface LocalOptions {
  /** Absolute path of the data folder; made when missing. */
  readonly folder: string;
  /** Null without files: one cluster of three brokers. */
  readonly resources: Resources | null;
  /** Overrides the files; null = as they say, or as before. */
  readonly brokers: number | null;
  /** First Kafka port; 0 = any free ones; null = as the files say, or as before, or 9092. */
  readonly port: number | null;
  /** First port of the HTTP API; 0 = any free ones; null = as the files say, or it is not served. */
  readonly httpPort: number | null;
  /** Whether brokers are started again when they die. The controller always is. */
  readonly restarts: boolean;
  /** Go on although brokers were told more than the controller's folder knows. */
  readonly recovers: boolean;
  /** The programs of the two kinds of process. */
  readonly programs: { readonly controller: string; readonly broker: string };
}

export interface LocalPortsOfCall {
  readonly clock: Clock;
  /** One line for people. */
  say(line: string): void;
}

export interface Ready {
  readonly bootstrap: string;
  /** Base URLs of the HTTP API; none when it is not served. */
  readonly api: readonly string[];
  readonly applied: readonly Applied[];
}

const BROKERS_DEFAULT = 3;
const LOOK_MS = 15;
/** A process needs about this long until it can say who it is. */
const LEARN_MS_FIRST = 150;
const LEARN_MS = 40;
const PATIENCE_MS = 10_000;
const BROKER_STOP_MS = 15_000;
const CONTROLLER_STOP_MS = 5000;
const LOG_BYTES_MAX = 32 * 1024 * 1024;
const LOG_LOOK_MS = 5000;
const CLUSTER_NAME_DEFAULT = "local";

interface Member {
  readonly id: number | null;
  readonly process: Supervised;
  /** It was last started with other options than these. */
  readonly hasNewOptions: boolean;
  readonly url: string;
  incarnation: string | null;
}

/**
 * A cluster as processes of this machine: one controller, its brokers, each started again when it dies. Their data,
 * logs and `cluster.json` are in one folder, which belongs to one `LocalCluster` at a time. The processes outlive this
 * one when it is killed; the next on the same folder adopts them.
 */
export class LocalCluster {
  readonly #clock: Clock;
  readonly #say: (line: string) => void;
  readonly #options: LocalOptions;
  #lock: FolderLock | null = null;
  #clusterId = "";
  #ports: LocalPorts = { controller: 0, kafka: [], http: [], api: [] };
  #controller: Member | null = null;
  #brokers: Member[] = [];
  #startFault: ((error: TidemarkError) => void) | null = null;
  #logTimer: Timer | null = null;
  #isStopping = false;

  constructor(ports: LocalPortsOfCall, options: LocalOptions) {
    this.#clock = ports.clock;
    this.#say = (line) => ports.say(line);
    this.#options = options;
  }

  get #members(): Member[] {
    return this.#controller === null ? this.#brokers : [this.#controller, ...this.#brokers];
  }

  get bootstrap(): string {
    return this.#ports.kafka.map((port) => `${LOCAL_HOST}:${port}`).join(",");
  }

  /**
   * Starts or adopts everything; resolves once every broker is registered and every Topic applied. After a rejection
   * `stop` still cleans up.
   * @throws TidemarkError FOLDER_IN_USE, FOLDER_OF_ANOTHER_CLUSTER, PORT_IN_USE, BAD_INPUT, REFUSED, DISK_….
   */
  async start(): Promise<Ready> {
    const { folder } = this.#options;
    makeFolder(folder);
    this.#lock = await lockFolder(folder);
    if (this.#lock === null) throw this.#inUse();
    for (const part of ["logs", "run"]) makeFolder(path.join(folder, part));
    makeSecretFile(this.#path(TOKEN_FILE), randomBytes(32).toString("base64url"));
    const identity = this.#identity();
    const running = readClusterFile(this.#path(CLUSTER_FILE));
    const adoptable = running?.clusterId === identity?.clusterId ? await this.#adoptable(running) : new Set<number>();
    if (this.#options.recovers && adoptable.has(-1)) this.#refuseStray(-1, running?.controller.pid ?? null);
    await this.#plan(identity, { running, adoptable });
    this.#warnOfNoEffect();
    this.#warnOfSpace();
    const fault = new Promise<never>((_resolve, reject) => {
      this.#startFault = reject;
    });
    fault.catch(() => {});
    this.#launch(running, adoptable);
    this.#logTimer = every(this.#clock, LOG_LOOK_MS, () => this.#boundLogs());
    await Promise.race([fault, this.#whenRegistered()]);
    this.#forgetRecovery();
    const applied = await Promise.race([
      fault,
      applyTopics(this.#controllerAt(), this.#options.resources?.topics ?? []),
    ]);
    this.#startFault = null;
    return { bootstrap: this.bootstrap, api: this.#ports.api.map((port) => `http://${LOCAL_HOST}:${port}`), applied };
  }

  /** Recovery is asked for once: a controller that is started again later must not recover anew. */
  #forgetRecovery(): void {
    if (!this.#options.recovers) return;
    const file = this.#optionsFile(-1);
    writeJson(file, { ...(JSON.parse(readText(file) ?? "{}") as object), recover: false }, { survivesPowerCut: false });
  }

  /** Starts every broker that is down (`--no-restart` leaves them so). */
  startDead(): void {
    for (const { process } of this.#brokers)
      if (process.startIfDown()) this.#say(`${process.options.name} is started again`);
  }

  /** Brokers first, each handing over what it leads, the controller last. Safe to call at any time after `start`. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#logTimer?.cancel();
    const stopped = await Promise.all(
      this.#brokers.map(async (broker) => ({ broker, wasClean: await broker.process.stop(BROKER_STOP_MS) })),
    );
    for (const { broker, wasClean } of stopped) {
      if (!wasClean) this.#say(`broker ${broker.id} did not stop in ${BROKER_STOP_MS / 1000} s and was killed`);
    }
    await this.#controller?.process.stop(CONTROLLER_STOP_MS);
    this.#release();
  }

  /** Ends every process at once; a crash, as far as they are concerned. */
  kill(): void {
    this.#isStopping = true;
    for (const member of this.#members) member.process.kill();
    this.#release();
  }

  #release(): void {
    if (this.#lock === null) return;
    if (this.#controller !== null) removeFile(this.#path(CLUSTER_FILE));
    this.#lock.release();
    this.#lock = null;
  }

  #path(...parts: string[]): string {
    return path.join(this.#options.folder, ...parts);
  }

  #controllerAt(): ControllerAt {
    const url = `http://${LOCAL_HOST}:${this.#ports.controller}`;
    return { url, token: (readText(this.#path(TOKEN_FILE)) ?? "").trim() };
  }

  #inUse(): TidemarkError {
    const pid = readClusterFile(this.#path(CLUSTER_FILE))?.supervisor.pid;
    const who = pid === undefined ? "another `tidemark up`" : `another \`tidemark up\` (pid ${pid})`;
    return new TidemarkError(
      "FOLDER_IN_USE",
      `${this.#options.folder} is in use by ${who}; stop it or give another --data`,
    );
  }

  #identity(): Identity | null {
    const file = this.#path(IDENTITY_FILE);
    const identity = readIdentity(file);
    const { folder, resources } = this.#options;
    if (identity === "unreadable") {
      throw new TidemarkError("BAD_INPUT", `${file} is unreadable; restore it, or move ${folder} away to start anew`);
    }
    const name = resources?.cluster?.metadata.name;
    if (identity !== null && name !== undefined && name !== identity.name) {
      const says = `${folder} has the data of Cluster ${identity.name}, not of ${name}; give another --data`;
      throw new TidemarkError("FOLDER_OF_ANOTHER_CLUSTER", says);
    }
    return identity;
  }

  /** Which broker ids (−1: the controller) still run as the file says. */
  async #adoptable(running: ClusterFile | null): Promise<Set<number>> {
    const found = new Set<number>();
    if (running === null) return found;
    const look = async (id: number, entry: ProcessEntry & { url: string }): Promise<void> => {
      if (entry.pid === null || !isAlive(entry.pid)) return;
      if (runsWith(entry.pid, this.#optionsFile(id)) === false) return;
      const answer = await incarnationAt(entry.url, 1000);
      if (answer !== null && (entry.incarnation === null || entry.incarnation === answer)) found.add(id);
      else this.#refuseStray(id, entry.pid);
    };
    await Promise.all([
      look(-1, { ...running.controller, url: running.controller.url }),
      ...running.brokers.map((broker) => look(broker.id, { ...broker, url: broker.http })),
    ]);
    return found;
  }

  /** It cannot be adopted as it is: it does not answer, or it would have to start anew. */
  #refuseStray(id: number, pid: number | null): never {
    const name = id < 0 ? "the controller" : `broker ${id}`;
    const why = id < 0 && this.#options.recovers ? "and does not recover" : "but does not answer";
    throw new TidemarkError("FOLDER_IN_USE", `${name} (pid ${pid}) runs, ${why}; end it, then try again`);
  }

  #optionsFile(id: number): string {
    return this.#path("run", id < 0 ? "controller.json" : `broker-${id}.json`);
  }

  async #plan(
    identity: Identity | null,
    { running, adoptable }: { running: ClusterFile | null; adoptable: ReadonlySet<number> },
  ): Promise<void> {
    const { resources, port } = this.#options;
    const before = identity?.ports ?? null;
    const spec = resources?.cluster?.spec;
    const brokers = this.#options.brokers ?? spec?.replicas ?? before?.kafka.length ?? BROKERS_DEFAULT;
    const had = before?.kafka.length ?? 0;
    if (brokers < had) {
      const says = `has ${had} brokers and their data; ${brokers} would leave data behind; start it with ${had}`;
      throw new TidemarkError("BAD_INPUT", `${this.#options.folder} ${says}`);
    }
    const held = new Set<number>();
    if (before !== null) {
      for (const id of adoptable) {
        if (id < 0) held.add(before.controller);
        else
          held
            .add(before.kafka[id] ?? 0)
            .add(before.http[id] ?? 0)
            .add(before.api?.[id] ?? 0);
      }
    }
    const first = port ?? (before === null ? (spec?.listeners?.[0]?.port ?? null) : null);
    const isMoving = running !== null && adoptable.size > 0 && port !== null && port !== 0 && port !== before?.kafka[0];
    if (isMoving) {
      const says = `runs already, on ${running.bootstrap}; stop its processes before you give another --port`;
      throw new TidemarkError("FOLDER_IN_USE", `the cluster in ${this.#options.folder} ${says}`);
    }
    const { http } = spec ?? {};
    const api = this.#options.httpPort ?? (http === undefined ? null : (http.port ?? HTTP_API_PORT));
    this.#ports = await planPorts({ brokers, first, api, before, held });
    this.#clusterId = identity?.clusterId ?? randomBytes(16).toString("base64url");
    const name = identity?.name ?? resources?.cluster?.metadata.name ?? CLUSTER_NAME_DEFAULT;
    writeIdentity(this.#path(IDENTITY_FILE), { clusterId: this.#clusterId, name, ports: this.#ports });
  }

  #warnOfNoEffect(): void {
    for (const field of this.#options.resources?.withoutEffect ?? []) {
      this.#say(`warning: ${field} has no effect here: it counts on Kubernetes only`);
    }
  }

  #warnOfSpace(): void {
    const size = this.#options.resources?.cluster?.spec.storage?.size;
    if (size === undefined) return;
    const wanted = quantityBytes(size) * this.#ports.kafka.length;
    const free = freeBytes(this.#options.folder);
    if (free >= wanted) return;
    const gibibytes = (bytes: number): string => (bytes / 2 ** 30).toFixed(1);
    const asks = `the Cluster asks for ${this.#ports.kafka.length} × ${size} (${gibibytes(wanted)} GiB)`;
    this.#say(`warning: ${asks}, but the disk of ${this.#options.folder} has ${gibibytes(free)} GiB free`);
  }

  /** Kafka's keys for every process: the defaults that depend on the number of brokers, then the Cluster's own. */
  #config(): Record<string, string> {
    const own = this.#options.resources?.cluster?.spec.config ?? {};
    const brokers = this.#ports.kafka.length;
    const factor = Number(own["default.replication.factor"] ?? Math.min(3, brokers));
    if (factor > brokers) {
      const says = `default.replication.factor ${factor} is more than the ${brokers} brokers; lower it or add brokers`;
      throw new TidemarkError("BAD_INPUT", says);
    }
    const isr = String(factor >= 3 ? 2 : 1);
    const defaults = {
      "default.replication.factor": String(factor),
      "min.insync.replicas": isr,
      "offsets.topic.replication.factor": String(Math.min(3, brokers)),
      "transaction.state.log.replication.factor": String(Math.min(3, brokers)),
      "transaction.state.log.min.isr": isr,
    };
    const known = Object.entries(defaults).filter(([key]) => brokerConfigKeys.has(key));
    const config = { ...Object.fromEntries(known), ...own };
    const fault = validateStaticConfig(config);
    if (fault !== null) throw new TidemarkError("BAD_INPUT", `spec.config: ${fault}`);
    return config;
  }

  #launch(running: ClusterFile | null, adoptable: ReadonlySet<number>): void {
    const config = this.#config();
    const controller = { host: LOCAL_HOST, port: this.#ports.controller };
    const clusterId = this.#clusterId;
    const dataFolder = (name: string): string => this.#path(name);
    const tokenFile = this.#path(TOKEN_FILE);
    this.#controller = this.#member(null, {
      program: this.#options.programs.controller,
      http: controller,
      options: {
        clusterId,
        dataFolder: dataFolder("controller"),
        http: controller,
        config,
        recover: this.#options.recovers,
        tokenFile,
      },
    });
    this.#brokers = this.#ports.kafka.map((port, id) => {
      const http = { host: LOCAL_HOST, port: this.#ports.http[id] ?? 0 };
      const kafka = { host: LOCAL_HOST, port };
      const apiPort = this.#ports.api[id];
      const api = apiPort === undefined ? {} : { api: { host: LOCAL_HOST, port: apiPort } };
      return this.#member(id, {
        program: this.#options.programs.broker,
        http,
        options: {
          brokerId: id,
          dataFolder: dataFolder(`broker-${id}`),
          clusterId,
          controller,
          kafka,
          http,
          ...api,
          rack: null,
          config,
          tokenFile,
        },
      });
    });
    for (const member of this.#members) {
      const id = member.id ?? -1;
      const pid = (id < 0 ? running?.controller : running?.brokers.find((one) => one.id === id))?.pid ?? null;
      if (pid !== null && adoptable.has(id)) {
        member.process.adopt(pid);
        const how = member.hasNewOptions ? "; its new configuration counts from its next start" : "";
        this.#say(`${member.process.options.name} runs already (pid ${pid})${how}`);
      } else member.process.start();
    }
  }

  #member(
    id: number | null,
    { program, http, options }: { program: string; http: { host: string; port: number }; options: unknown },
  ): Member {
    const name = id === null ? "controller" : `broker ${id}`;
    const optionsFile = this.#optionsFile(id ?? -1);
    const before = readText(optionsFile);
    const hasNewOptions = before?.trimEnd() !== JSON.stringify(options);
    if (hasNewOptions) writeJson(optionsFile, options, { survivesPowerCut: false });
    const process = new Supervised(this.#clock, {
      name,
      args: [...NODE_FLAGS, program, optionsFile],
      logFile: this.#path("logs", `${name.replace(" ", "-")}.log`),
      restarts: id === null || this.#options.restarts,
      onChange: () => this.#onChange(member),
      onGone: (gone) => this.#onGone(member, gone),
    });
    const member: Member = { id, process, hasNewOptions, url: `http://${http.host}:${http.port}`, incarnation: null };
    return member;
  }

  #onChange(member: Member): void {
    member.incarnation = null;
    if (this.#isStopping) return;
    this.#writeClusterFile();
    if (member.process.pid !== null) void this.#learn(member, member.process.pid);
  }

  /** Asks a started process for its incarnation until it answers: by it the next `up` knows it again. */
  async #learn(member: Member, pid: number): Promise<void> {
    await sleep(this.#clock, LEARN_MS_FIRST);
    while (member.process.pid === pid && !this.#isStopping) {
      const incarnation = await incarnationAt(member.url, 1000);
      if (incarnation !== null && member.process.pid === pid && !this.#isStopping) {
        member.incarnation = incarnation;
        this.#writeClusterFile();
        return;
      }
      await sleep(this.#clock, LEARN_MS);
    }
  }

  #onGone(member: Member, gone: Gone): void {
    const { name, logFile } = member.process.options;
    const { code, signal } = gone.exit;
    const how =
      signal !== null ? `was killed by ${signal}` : code === null ? "is gone" : `ended with exit code ${code}`;
    if (this.#startFault !== null && signal === null && code !== null && code !== 0) {
      const why = gone.reason === "" ? `it ${how}` : gone.reason;
      this.#startFault(new TidemarkError("REFUSED", `${name} could not start: ${why} (log: ${logFile})`));
      return;
    }
    const reason = gone.reason === "" || code === null ? "" : ` (${gone.reason})`;
    const next = gone.isFinal ? "it stays down" : "starting it again";
    this.#say(`${name} (pid ${gone.pid}) ${how}${reason}; ${next}`);
  }

  #writeClusterFile(): void {
    const controller = this.#controller;
    if (controller === null || this.#lock === null) return;
    writeClusterFile(this.#path(CLUSTER_FILE), {
      bootstrap: this.bootstrap,
      clusterId: this.#clusterId,
      supervisor: { pid: process.pid },
      controller: { pid: controller.process.pid, url: controller.url, incarnation: controller.incarnation },
      brokers: this.#brokers.map((broker, id) => ({
        id,
        pid: broker.process.pid,
        incarnation: broker.incarnation,
        kafka: `${LOCAL_HOST}:${this.#ports.kafka[id] ?? 0}`,
        http: broker.url,
        ...(this.#ports.api[id] === undefined ? {} : { api: `http://${LOCAL_HOST}:${this.#ports.api[id]}` }),
      })),
    });
  }

  async #whenRegistered(): Promise<void> {
    let heardMs = this.#clock.monotonic();
    while (!this.#isStopping) {
      const status = await controllerStatus(this.#controllerAt());
      if (status?.condition === "blocked") throw this.#blocked(status.reason);
      const up = new Set(status?.brokers.filter((broker) => !broker.isFenced).map((broker) => broker.id));
      const missing = this.#brokers.filter((broker) => !up.has(broker.id ?? -1)).map((broker) => broker.id);
      if (missing.length === 0 && this.#members.every((member) => member.incarnation !== null)) return;
      if (this.#clock.monotonic() - heardMs >= PATIENCE_MS) {
        heardMs = this.#clock.monotonic();
        const brokers = `broker ${missing.join(", broker ")}`;
        const who = status === null ? "the controller" : brokers;
        const why = status?.condition === "recovering" ? ` (the controller ${status.reason})` : "";
        this.#say(`still waiting for ${who}${why}; logs are in ${this.#path("logs")}`);
      }
      await sleep(this.#clock, LOOK_MS);
    }
  }

  #blocked(reason: string | null): TidemarkError {
    const says = `the controller decides nothing: ${reason ?? "its metadata is older than what brokers were told"}`;
    return new TidemarkError("REFUSED", `${says}; restore ${this.#path("controller")}, or start with --recover`);
  }

  #boundLogs(): void {
    for (const member of this.#members) boundLog(member.process.options.logFile, LOG_BYTES_MAX);
  }
}
