import { brokerId } from "../../../broker/base/ids.ts";
import { type Logger, silent } from "../../../broker/base/logging.ts";
import { Broker } from "../../../broker/broker.ts";
import { CONTROL_PATH } from "../../../broker/contract/control.ts";
import type { Address, ByteStream, Network } from "../../../broker/ports/network.ts";
import { Controller, type ControllerEnd } from "../../../operator/controller/controller.ts";
import type { Oracle } from "../oracle/oracle.ts";
import { Device, SimulatedDisk } from "./disk.ts";
import { FolderNode } from "./disk-nodes.ts";
import { BrokerSlot, ControllerSlot } from "./hosts.ts";
import type { SimulatedNetwork } from "./network.ts";
import { Machine, SimulatedProcess, SKEW_MS_MAX } from "./process.ts";
import type { SeededRandom } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";
import { SimulatedStore } from "./store.ts";
import { Volume } from "./volume.ts";

export const CLUSTER_ID = "5e1f00d05e1f00d05e1f00d05e1f00d0";
const HTTP_PORT = 8080;
const KAFKA_PORT = 9092;
/** A name that leads to the controller started last, as a service's name does. */
const CONTROLLER_SERVICE = "controller";
const RESTART_AFTER_BAN_MS = 700;

export interface ClusterPlan {
  readonly brokerCount: number;
  /** By broker: number of its machine. */
  readonly machineOf: readonly number[];
  readonly config: Readonly<Record<string, string>>;
}

/** An error that no process may meet. */
export interface Bug {
  readonly process: string;
  readonly error: unknown;
  readonly atMs: number;
}

/** Brokers and controllers composed from simulated ports, and everything that can happen to them. */
export class SimulatedCluster {
  readonly scheduler: Scheduler;
  readonly network: SimulatedNetwork;
  readonly store: SimulatedStore;
  readonly oracle: Oracle;
  readonly random: SeededRandom;
  readonly machines: Machine[];
  readonly brokers: BrokerSlot[];
  readonly controllers: ControllerSlot[];
  readonly bugs: Bug[] = [];
  /** Says what happens, when somebody wants to read it. */
  trace: ((text: string) => void) | null = null;
  readonly #plan: ClusterPlan;
  #activeController = 0;

  constructor(
    world: { scheduler: Scheduler; network: SimulatedNetwork; oracle: Oracle; random: SeededRandom },
    plan: ClusterPlan,
  ) {
    this.scheduler = world.scheduler;
    this.network = world.network;
    this.oracle = world.oracle;
    this.random = world.random;
    this.#plan = plan;
    this.store = new SimulatedStore(world.scheduler, world.random.split("store"));
    this.store.onCommitted = (version, changes) => this.#committed(version, changes);
    this.store.onUnknown = () => this.oracle.facts.counters.unknownCommits++;
    this.machines = Array.from({ length: Math.max(...plan.machineOf) + 3 }, (_, place) => this.#machine(place));
    this.brokers = plan.machineOf.map((machine, id) => this.#slot(id, this.machines[machine] as Machine));
    this.controllers = [0, 1].map((place) => this.#controllerSlot(place));
    this.network.addHost(CONTROLLER_SERVICE);
    this.network.onConnection = (connection) => {
      const slot = this.brokers.find(({ host }) => host === connection.dialler.host);
      if (connection.path === CONTROL_PATH && slot !== undefined) this.oracle.watchControl(connection, slot.id);
    };
  }

  get bootstrap(): Address[] {
    return this.brokers.map(({ name }) => ({ host: name, port: KAFKA_PORT }));
  }

  get activeController(): ControllerSlot {
    return this.controllers[this.#activeController] as ControllerSlot;
  }

  say(text: string): void {
    this.trace?.(text);
  }

  #machine(place: number): Machine {
    const random = this.random.split(`machine-${place}`);
    return new Machine({
      name: `machine-${place}`,
      bootId: random.id(),
      skewMs: random.between(-SKEW_MS_MAX, SKEW_MS_MAX),
    });
  }

  #slot(id: number, machine: Machine): BrokerSlot {
    const volume = new Volume();
    const host = this.network.addHost(`broker-${id}`);
    const device = new Device(this.random.split(`device-${id}`));
    this.oracle.watchVolume(id, volume);
    return new BrokerSlot({ id, host, machine, volume, device });
  }

  #controllerSlot(place: number): ControllerSlot {
    const host = this.network.addHost(`controller-${place}`);
    const machine = this.machines[this.machines.length - 2 + place] as Machine;
    return new ControllerSlot({ name: `controller-${place}`, host, machine });
  }

  #committed(...[version, changes]: Parameters<Oracle["committed"]>): void {
    this.oracle.committed(version, changes);
    for (const change of changes) {
      if (this.trace !== null && change.kind !== "nextBrokerEpoch") this.say(`commit ${describe(change)}`);
      if (change.kind !== "broker") continue;
      const slot = this.brokers[change.broker.id];
      if (slot?.life?.broker.incarnation !== change.broker.incarnation || !slot.isUp) continue;
      this.oracle.facts.unsettled.delete(slot.id);
      this.oracle.settled(slot.id);
    }
  }

  #logger(process: SimulatedProcess): Logger {
    if (this.trace === null) return silent;
    const log =
      (level: string) =>
      (message: string, fields?: Record<string, unknown>): void =>
        this.say(`${process.name} ${level} ${message} ${fields === undefined ? "" : JSON.stringify(fields)}`);
    return { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") };
  }

  #process(name: string, place: { host: number; machine: Machine }): SimulatedProcess {
    const process = new SimulatedProcess(this.scheduler, { name, host: place.host, machine: place.machine });
    process.onThrow = (error) => {
      this.bugs.push({ process: name, error, atMs: this.scheduler.nowUs / 1000 });
      this.say(`${name} BUG ${Error.isError(error) ? error.stack : String(error)}`);
      process.end();
    };
    return process;
  }

  startBroker(slot: BrokerSlot): void {
    if (slot.isUp || slot.isHeldDown || !slot.machine.isUp) return;
    if (wasCleaning(slot.volume)) this.oracle.facts.counters.interruptedCleanings++;
    const process = this.#process(slot.name, slot);
    const disk = new SimulatedDisk(this.scheduler, process, { volume: slot.volume, device: slot.device });
    const random = this.random.split(`${slot.name}-${slot.lives++}`);
    const http = { host: slot.name, port: HTTP_PORT };
    const ports = {
      clock: process.clock,
      random,
      disk,
      network: this.#networkOf(process),
      logger: this.#logger(process),
    };
    const broker = new Broker(
      ports,
      {
        brokerId: brokerId(slot.id),
        clusterId: CLUSTER_ID,
        controller: { host: CONTROLLER_SERVICE, port: HTTP_PORT },
        endpoints: [{ listener: "PLAINTEXT", host: slot.name, port: KAFKA_PORT }],
        http,
        rack: slot.machine.name,
        host: { bootId: slot.machine.bootId, device: `${slot.name}-disk`, mountId: `${slot.name}-mount` },
        config: this.#plan.config,
      },
      {
        onFailure: (error) => this.#brokerFailed(slot, process, error),
        onBanned: ({ code }) => this.#restartLater(slot, process, `banned: ${code}`),
      },
    );
    slot.life = { process, broker, disk };
    process.onEnd = () => {
      this.network.processEnded(process);
      disk.settleAtEnd();
      slot.life = null;
    };
    this.network.listen(http, { kind: "http", process, server: broker.exchangeServer });
    const accept = (stream: ByteStream): void => broker.acceptClient(stream, "PLAINTEXT");
    this.network.listen({ host: slot.name, port: KAFKA_PORT }, { kind: "kafka", process, accept });
    this.say(`${slot.name} starts as ${broker.incarnation.slice(0, 8)}`);
    this.scheduler.after(this.random.between(1000, 20_000), process, () => {
      broker.start().catch((error: unknown) => this.#brokerFailed(slot, process, error));
    });
  }

  #networkOf(process: SimulatedProcess): Network {
    return this.network.portOf(process);
  }

  /** Ends as its `main` would; a failure of the disk is expected when there was one. */
  #brokerFailed(slot: BrokerSlot, process: SimulatedProcess, error: unknown): void {
    if (!process.isAlive) return;
    const code = Error.isError(error) && "code" in error ? error.code : null;
    const isDisk = code === "DISK_FULL" || code === "DISK_FAILED";
    if (!isDisk) return process.onThrow(error);
    this.#restartLater(slot, process, `disk: ${code}`);
  }

  #restartLater(slot: BrokerSlot, process: SimulatedProcess, why: string): void {
    this.say(`${slot.name} ends, ${why}`);
    this.scheduler.after(1, null, () => {
      process.end();
      this.scheduler.after(RESTART_AFTER_BAN_MS * 1000, null, () => this.startBroker(slot));
    });
  }

  /** SIGKILL. */
  crashBroker(slot: BrokerSlot): void {
    this.say(`${slot.name} is killed`);
    slot.life?.process.end();
  }

  /** SIGTERM; `done` once it has ended by itself. */
  stopBroker(slot: BrokerSlot, done: () => void): void {
    const { life } = slot;
    if (life === null || life.process.state !== "running") return done();
    this.say(`${slot.name} is asked to stop`);
    this.scheduler.after(1, life.process, () => {
      life.broker.stop().then(
        () => {
          this.say(`${slot.name} has stopped`);
          this.scheduler.after(1, null, () => {
            life.process.end();
            done();
          });
        },
        (error: unknown) => {
          this.#brokerFailed(slot, life.process, error);
          this.scheduler.after(2, null, done);
        },
      );
    });
  }

  /** The power of these machines goes at once: page caches are lost, nothing answers, not even a refusal. */
  powerOff(machines: readonly Machine[]): void {
    this.oracle.facts.counters.powerLosses++;
    const keptShare = this.random.pick([0, 0, 0.3, 0.7]);
    for (const machine of machines) machine.isUp = false;
    for (const slot of this.brokers) {
      if (!machines.includes(slot.machine)) continue;
      this.say(`${slot.name} loses power`);
      this.oracle.facts.losePower(slot.id);
      slot.life?.process.end();
      this.network.setDown(slot.host, true);
      slot.volume.losePower({ random: slot.device.random, keptShare });
    }
  }

  powerOn(machine: Machine): void {
    if (machine.isUp) return;
    machine.isUp = true;
    machine.bootId = this.random.id();
    for (const slot of this.brokers) {
      if (slot.machine !== machine) continue;
      this.network.setDown(slot.host, false);
      this.startBroker(slot);
    }
  }

  startController(place: number): void {
    const slot = this.controllers[place] as ControllerSlot;
    this.#activeController = place;
    if (!slot.isUp) this.#launchController(slot);
    const { life } = slot;
    if (life === null) return;
    const server = life.controller.exchangeServer;
    const service = { host: CONTROLLER_SERVICE, port: HTTP_PORT };
    this.network.alias(CONTROLLER_SERVICE, slot.host);
    this.network.listen(service, { kind: "http", process: life.process, server });
  }

  #launchController(slot: ControllerSlot): void {
    const process = this.#process(slot.name, slot);
    const http = { host: slot.name, port: HTTP_PORT };
    const controller = new Controller(
      {
        clock: process.clock,
        random: this.random.split(`${slot.name}-${slot.lives++}`),
        store: this.store.portOf(process),
        network: this.#networkOf(process),
        logger: this.#logger(process),
      },
      {
        clusterId: CLUSTER_ID,
        address: () => http,
        config: this.#plan.config,
        onEnd: (end) => this.#controllerEnded(process, end),
      },
    );
    slot.life = { process, controller };
    process.onEnd = () => {
      this.network.processEnded(process);
      slot.life = null;
    };
    this.network.listen(http, { kind: "http", process, server: controller.exchangeServer });
    this.say(`${slot.name} starts`);
    this.scheduler.after(this.random.between(1000, 20_000), process, () => {
      controller.start().catch((error: unknown) => this.#controllerEnded(process, { kind: "failed", error }));
    });
  }

  /** Another one took over, or was faster at it; anything else is a bug. */
  #controllerEnded(process: SimulatedProcess, end: ControllerEnd): void {
    const wasSlower =
      end.kind === "failed" && Error.isError(end.error) && "code" in end.error && end.error.code === "REFUSED";
    if (end.kind === "failed" && !wasSlower) return process.onThrow(end.error);
    this.say(`${process.name} was deposed`);
    this.scheduler.after(1, null, () => process.end());
    // A supervisor does not leave the cluster without a controller.
    this.scheduler.after(RESTART_AFTER_BAN_MS * 1000, null, () => {
      if (!this.activeController.isUp) this.startController(this.#activeController);
    });
  }

  crashController(slot: ControllerSlot): void {
    this.say(`${slot.name} is killed`);
    slot.life?.process.end();
  }
}

/** Whether the process before was compacting a log when it ended. */
function wasCleaning({ root }: Volume): boolean {
  const folders = [...root.entries.values()].filter((node) => node instanceof FolderNode);
  const names = folders.flatMap(({ entries }) => [...entries.keys()]);
  return names.some((name) => name.endsWith(".cleaned") || name.endsWith(".swap"));
}

function describe(change: Parameters<Oracle["committed"]>[1][number]): string {
  if (change.kind === "partition") {
    const { topicId, partition, leader, leaderEpoch, partitionEpoch, isr, elr, lost, minIsr } = change.row;
    const { replicas, adding, removing, removed } = change.row;
    const moves = `adding [${adding.join()}] removing [${removing.join()}] removed [${removed.join()}]`;
    const sets = `isr [${isr.join()}] elr [${elr.join()}] lost [${lost.join()}] min ${minIsr}`;
    const epochs = `epoch ${leaderEpoch}/${partitionEpoch}`;
    return `${topicId.slice(0, 6)}-${partition} leader ${leader} ${epochs} ${sets} on [${replicas.join()}] ${moves}`;
  }
  if (change.kind === "broker") {
    const { id, epoch, incarnation, isFenced } = change.broker;
    return `broker ${id} epoch ${epoch} ${incarnation.slice(0, 8)}${isFenced ? " fenced" : ""}`;
  }
  return JSON.stringify(change);
}
