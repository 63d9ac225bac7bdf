import type { Device, SimulatedDisk } from "./disk.ts";
import type { Machine, SimulatedProcess } from "./process.ts";
import type { Volume } from "./volume.ts";
import type { Broker } from "../../../broker/broker.ts";
import type { Controller } from "../../../operator/controller/controller.ts";

/** One life of a broker. */
export interface BrokerLife {
  readonly process: SimulatedProcess;
  readonly broker: Broker;
  readonly disk: SimulatedDisk;
}

/** A broker's place: its machine and its disk stay, its processes come and go. */
export class BrokerSlot {
  readonly id: number;
  readonly host: number;
  readonly name: string;
  readonly machine: Machine;
  readonly volume: Volume;
  readonly device: Device;
  life: BrokerLife | null = null;
  lives = 0;
  /** Nothing starts it again before somebody says so. */
  isHeldDown = false;

  constructor(options: { id: number; host: number; machine: Machine; volume: Volume; device: Device }) {
    this.id = options.id;
    this.host = options.host;
    this.name = `broker-${options.id}`;
    this.machine = options.machine;
    this.volume = options.volume;
    this.device = options.device;
  }

  get isUp(): boolean {
    return this.life !== null && this.life.process.isAlive;
  }
}

export interface ControllerLife {
  readonly process: SimulatedProcess;
  readonly controller: Controller;
}

/** A place where a controller may run. */
export class ControllerSlot {
  readonly name: string;
  readonly host: number;
  readonly machine: Machine;
  life: ControllerLife | null = null;
  lives = 0;

  constructor(options: { name: string; host: number; machine: Machine }) {
    this.name = options.name;
    this.host = options.host;
    this.machine = options.machine;
  }

  get isUp(): boolean {
    return this.life !== null && this.life.process.isAlive;
  }
}
