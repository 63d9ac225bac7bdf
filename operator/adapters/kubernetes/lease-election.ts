import { type Clock, sleep } from "#base/clock.ts";
import type { Logger } from "#base/logging.ts";
import type { Election, ElectionHandlers } from "../../ports/election.ts";
import {
  firstView,
  isCertain,
  isHeld,
  LEASE_DURATION_MS,
  type LeaseRecord,
  type LeaseView,
  mayTake,
  outOfTouch,
  RETRY_MS,
  renewed,
  seen,
} from "./lease-state.ts";

/** A Lease as read: `token` goes back with the write that replaces it. */
export interface ReadLease {
  readonly record: LeaseRecord;
  readonly token: unknown;
}

export type LeaseRead =
  | { readonly kind: "read"; readonly lease: ReadLease | null }
  | { readonly kind: "unreachable"; readonly reason: string };

/** `lost`: somebody else wrote it meanwhile. `unknown`: it may have been written. */
export type LeaseWrite = { readonly kind: "written" | "lost" } | { readonly kind: "unknown"; readonly reason: string };

/** One Lease object, by compare-and-swap. Never rejects. */
export interface LeaseObject {
  read(): Promise<LeaseRead>;
  write(record: LeaseRecord, before: ReadLease | null): Promise<LeaseWrite>;
}

export interface LeaseElectionOptions {
  /** Of this process and no other, ever: the pod's uid and a random of the process. */
  readonly identity: string;
  /** `host:port` where brokers reach this process. */
  readonly address: string;
}

/** Holds a Lease, or waits for it. */
export class LeaseElection implements Election {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #lease: LeaseObject;
  readonly #options: LeaseElectionOptions;
  readonly #handlers: ElectionHandlers;
  #view: LeaseView;
  #renewals = 0;
  #isElected = false;
  #isStopped = false;
  #isInDoubt = false;
  #round: Promise<void> = Promise.resolve();

  constructor(
    ports: { clock: Clock; logger: Logger; lease: LeaseObject },
    options: LeaseElectionOptions & { handlers: ElectionHandlers },
  ) {
    this.#clock = ports.clock;
    this.#logger = ports.logger;
    this.#lease = ports.lease;
    this.#options = options;
    this.#handlers = options.handlers;
    this.#view = firstView(options.identity);
  }

  get isCertain(): boolean {
    return !this.#isStopped && isCertain(this.#view, this.#clock.monotonic());
  }

  get holder(): string | null {
    const record = this.#view.record;
    return record === null || record.holder === "" ? null : record.address;
  }

  start(): void {
    void this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#round;
    if (!isHeld(this.#view)) return;
    const read = await this.#lease.read();
    if (read.kind !== "read" || read.lease?.record.holder !== this.#options.identity) return;
    const given = await this.#lease.write({ ...read.lease.record, holder: "", address: null }, read.lease);
    this.#logger.info("the Lease is given up", { outcome: given.kind });
    this.#view = firstView(this.#options.identity);
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      this.#round = this.#attempt();
      await this.#round;
      if (!this.#isStopped) await sleep(this.#clock, RETRY_MS);
    }
  }

  async #attempt(): Promise<void> {
    const read = await this.#lease.read();
    if (this.#isStopped) return;
    if (read.kind === "unreachable") {
      this.#view = outOfTouch(this.#view);
      return this.#tell(read.reason);
    }
    this.#view = seen(this.#view, read.lease?.record ?? null, this.#clock.monotonic());
    if (mayTake(this.#view, this.#clock.monotonic())) await this.#take(read.lease);
    this.#tell("it is another's");
  }

  async #take(before: ReadLease | null): Promise<void> {
    const { identity: holder, address } = this.#options;
    const renewal = `${holder}/${++this.#renewals}`;
    const record: LeaseRecord = { holder, address, durationMs: LEASE_DURATION_MS, renewed: renewal };
    const sentAtMs = this.#clock.monotonic();
    const written = await this.#lease.write(record, before);
    if (written.kind === "written") this.#view = renewed(this.#view, record, sentAtMs);
    else if (written.kind === "unknown") this.#view = outOfTouch(this.#view);
  }

  #tell(reason: string): void {
    const wasElected = this.#isElected;
    this.#isElected = isHeld(this.#view);
    if (this.#isElected && !wasElected) {
      this.#logger.info("this process holds the Lease", { identity: this.#options.identity });
      this.#handlers.onElected();
    } else if (!this.#isElected && wasElected) {
      this.#logger.warn("another process holds the Lease", { holder: this.#view.record?.holder });
      this.#handlers.onLost();
    }
    const isInDoubt = this.#isElected && !this.isCertain;
    if (isInDoubt && !this.#isInDoubt) this.#logger.warn("the Lease could not be renewed in time", { reason });
    this.#isInDoubt = isInDoubt;
  }
}
