import { type Clock, every, type Timer } from "../base/clock.ts";
import { type BrokerEpoch, brokerEpoch, type ControllerEpoch } from "../base/ids.ts";
import { encodeLine, LineDecoder } from "../base/json-lines.ts";
import type { Logger } from "../base/logging.ts";
import {
  type AdminRequest,
  type AdminResponse,
  CONTROL_PATH,
  type ControllerAnnouncement,
  type Delta,
  HEARTBEAT_INTERVAL_MS,
  type KeptMetadata,
  type HandOver,
  type HandOverVoid,
  type IsrRefused,
  type QueryLogEnds,
  type Refused,
  type Registered,
  type Registration,
  type ShutdownReady,
  type ToBroker,
  type ToController,
} from "../contract/control.ts";
import type { Address, ByteStream, Network } from "../ports/network.ts";
import type { ImageChange, MetadataImage } from "./metadata-image.ts";

/** Directives that are not metadata: the broker's rooms act on them. */
export type Directive = IsrRefused | QueryLogEnds | HandOver | HandOverVoid | ShutdownReady;

export interface ControlHandlers {
  /** Built anew for each dial: it says what is true now. */
  registration(): Registration;
  /** The newest metadata this broker was ever sent; null when none. */
  keptMetadata(): KeptMetadata | null;
  /** After every change of the image, in the same turn. */
  onChange(change: ImageChange): void;
  /** After a registration was answered and its snapshot applied: what was said before may be lost; say it again. */
  onRegistered(registered: Registered): void;
  onDirective(directive: Directive): void;
  /** This broker must not join the cluster; `refused.reason` is one line for people. */
  onBanned(refused: Refused): void;
}

const SNAPSHOT_BYTES_MAX = 256 * 1024 * 1024;
const DIAL_TIMEOUT_MS = 1000;
const REDIAL_MS_MIN = 20;
const REDIAL_MS_MAX = 250;
/** An administrative call not answered by then is reported as timed out; it may still happen. */
const ADMIN_TIMEOUT_MS = 15_000;
const REQUEST_TIMED_OUT = 7;
const NOT_CONTROLLER = 41;

interface PendingCall {
  readonly done: (response: AdminResponse) => void;
  readonly timer: Timer;
}

/**
 * The broker's side of its streamed exchange with the active controller: registers, applies metadata in order,
 * sends heartbeats and proposals, and dials again for as long as the broker lives. While no controller can be
 * reached the broker goes on serving what it led.
 */
export class ControlSession {
  readonly #clock: Clock;
  readonly #network: Network;
  readonly #logger: Logger;
  readonly #image: MetadataImage;
  readonly #handlers: ControlHandlers;
  /** Where a controller is found when nothing better is known: a service's name, or the only one's address. */
  readonly #configured: Address;
  #controller: Address;
  #controllerEpoch = 0;
  #brokerEpoch: BrokerEpoch = brokerEpoch(-1);
  #stream: ByteStream | null = null;
  #isRegistered = false;
  #isDialing = false;
  /** Recovery comes before registration: until it is over an announcement only tells where to dial. */
  #isStarted = false;
  #isStopped = false;
  #redialMs = REDIAL_MS_MIN;
  #redial: Timer | null = null;
  #heardAtMs = 0;
  #sessionTimeoutMs = 0;
  #ticker: Timer | null = null;
  #clusterId = "";
  #nextCall = 1;
  readonly #calls = new Map<number, PendingCall>();
  #waitingForSession: (() => void)[] = [];

  constructor(
    ports: { clock: Clock; network: Network; logger: Logger },
    options: { controller: Address; image: MetadataImage; handlers: ControlHandlers },
  ) {
    this.#clock = ports.clock;
    this.#network = ports.network;
    this.#logger = ports.logger;
    this.#configured = options.controller;
    this.#controller = options.controller;
    this.#image = options.image;
    this.#handlers = options.handlers;
  }

  /** −1 until the first registration was answered. */
  get brokerEpoch(): BrokerEpoch {
    return this.#brokerEpoch;
  }

  /** "" until the first registration was answered. */
  get clusterId(): string {
    return this.#clusterId;
  }

  get isRegistered(): boolean {
    return this.#isRegistered;
  }

  start(): void {
    this.#isStarted = true;
    this.#ticker = every(this.#clock, HEARTBEAT_INTERVAL_MS, () => this.#tick());
    void this.#dial();
  }

  /** Ends the session; nothing is dialled any more. */
  stop(): void {
    this.#isStopped = true;
    this.#ticker?.cancel();
    this.#redial?.cancel();
    this.#stream?.close();
    this.#stream = null;
    this.#failCalls(NOT_CONTROLLER, "this broker is stopping");
  }

  /** Sends to the controller; lost when there is no session (who must be heard says it again after `onRegistered`). */
  send(message: ToController): void {
    if (this.#isRegistered) this.#stream?.write(encodeLine(message));
  }

  /** Asks the controller to decide. Always resolves: a call that cannot be answered resolves to `failed`. */
  async admin(request: AdminRequest): Promise<AdminResponse> {
    if (!this.#isRegistered) await this.#session();
    if (!this.#isRegistered) {
      return { kind: "failed", errorCode: NOT_CONTROLLER, errorMessage: "no controller can be reached; try again" };
    }
    const call = this.#nextCall++;
    return new Promise((done) => {
      const timer = this.#clock.after(ADMIN_TIMEOUT_MS, () => {
        this.#calls.delete(call);
        done({ kind: "failed", errorCode: REQUEST_TIMED_OUT, errorMessage: "the controller did not answer in time" });
      });
      this.#calls.set(call, { done, timer });
      this.send({ type: "admin", call, request });
    });
  }

  /**
   * A controller that took over tells where it is.
   * @returns false when it is stale: a higher controller epoch was seen already.
   */
  onAnnouncement(announcement: ControllerAnnouncement): boolean {
    if (announcement.controllerEpoch < this.#controllerEpoch) return false;
    if (this.#clusterId !== "" && announcement.clusterId !== this.#clusterId) return false;
    const isSame = announcement.http.host === this.#controller.host && announcement.http.port === this.#controller.port;
    if (isSame && this.#isRegistered && announcement.controllerEpoch === this.#controllerEpoch) return true;
    this.#controller = announcement.http;
    this.#break("another controller took over");
    this.#redialNow();
    return true;
  }

  /** Resolves when a session stands, or after a while without one. */
  #session(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.after(ADMIN_TIMEOUT_MS / 3, resolve);
      this.#waitingForSession.push(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  async #dial(): Promise<void> {
    if (!this.#isStarted || this.#isStopped || this.#isDialing || this.#stream !== null) return;
    this.#isDialing = true;
    const address = this.#controller;
    const result = await this.#network.exchange(address, CONTROL_PATH, { timeoutMs: DIAL_TIMEOUT_MS });
    this.#isDialing = false;
    if (result.kind === "accepted") {
      if (this.#isStopped) result.stream.destroy();
      else this.#open(result.stream);
      return;
    }
    if (result.kind === "refused") this.#followRedirect(result.text);
    // Whoever was announced or named here may be gone for good, and its successor may not know of this broker.
    else if (this.#controller === address) this.#controller = this.#configured;
    const why = result.kind === "refused" ? `${result.status} ${result.text}` : result.reason;
    this.#logger.debug("no control session", { controller: `${address.host}:${address.port}`, why });
    this.#redialLater();
  }

  /** 421 carries the active controller's address as JSON, when the refusing one knows it. */
  #followRedirect(text: string): void {
    try {
      const { host, port, path } = JSON.parse(text) as Address;
      if (typeof host !== "string" || typeof port !== "number") return;
      this.#controller = typeof path === "string" ? { host, port, path } : { host, port };
    } catch {
      // No address in the text: the same one is dialled again.
    }
  }

  #redialLater(): void {
    if (this.#isStopped) return;
    this.#redial?.cancel();
    this.#redial = this.#clock.after(this.#redialMs, () => void this.#dial());
    this.#redialMs = Math.min(this.#redialMs * 2, REDIAL_MS_MAX);
  }

  #redialNow(): void {
    this.#redialMs = REDIAL_MS_MIN;
    this.#redial?.cancel();
    void this.#dial();
  }

  #open(stream: ByteStream): void {
    this.#stream = stream;
    this.#heardAtMs = this.#clock.monotonic();
    const decoder = new LineDecoder(SNAPSHOT_BYTES_MAX);
    stream.onData = (chunk) => this.#receive(stream, decoder, chunk);
    stream.onClose = () => {
      if (this.#stream !== stream) return;
      this.#lose("the control stream broke");
      this.#redialLater();
    };
    stream.write(encodeLine(this.#handlers.registration()));
  }

  #receive(stream: ByteStream, decoder: LineDecoder, chunk: Uint8Array): void {
    if (this.#stream !== stream) return;
    this.#heardAtMs = this.#clock.monotonic();
    let messages: unknown[];
    try {
      messages = decoder.push(chunk);
    } catch (error) {
      this.#logger.warn("the controller sent something unreadable", { error: String(error) });
      this.#breakAndRedial("unreadable message");
      return;
    }
    for (const message of messages) {
      if (this.#stream !== stream) return;
      this.#act(message as ToBroker);
    }
  }

  #act(message: ToBroker): void {
    switch (message.type) {
      case "registered":
        return this.#onRegistered(message);
      case "refused":
        return this.#onRefused(message);
      case "delta":
        return this.#onDelta(message);
      case "controllerHeartbeat":
        if (!this.#isCurrent(message.version)) this.#breakAndRedial("the controller is ahead of what was received");
        return;
      case "adminAnswer": {
        const pending = this.#calls.get(message.call);
        this.#calls.delete(message.call);
        pending?.timer.cancel();
        pending?.done(message.response);
        return;
      }
      case "queryMetadata":
        return this.#reportMetadata();
      default:
        if (this.#isRegistered) this.#handlers.onDirective(message);
    }
  }

  #reportMetadata(): void {
    const kept = this.#handlers.keptMetadata();
    if (kept !== null) this.#stream?.write(encodeLine({ type: "metadataReport", ...kept }));
  }

  #isCurrent(version: { controllerEpoch: ControllerEpoch; sequence: number }): boolean {
    const known = this.#image.version;
    return known !== null && known.controllerEpoch === version.controllerEpoch && known.sequence === version.sequence;
  }

  #onRegistered(message: Registered): void {
    if (message.controllerEpoch < this.#controllerEpoch) {
      this.#breakAndRedial("a stale controller answered");
      return;
    }
    this.#controllerEpoch = message.controllerEpoch;
    this.#clusterId = message.clusterId;
    this.#brokerEpoch = message.brokerEpoch;
    this.#sessionTimeoutMs = message.sessionTimeoutMs;
    this.#isRegistered = true;
    this.#redialMs = REDIAL_MS_MIN;
    this.#handlers.onChange(this.#image.applySnapshot(message.snapshot, message.version));
    this.#sendHeartbeat();
    this.#handlers.onRegistered(message);
    const waiting = this.#waitingForSession;
    this.#waitingForSession = [];
    for (const wake of waiting) wake();
  }

  #onRefused(message: Refused): void {
    if (message.controller !== null) this.#controller = message.controller;
    if (message.code === "WRONG_CLUSTER" || message.code === "WRONG_VERSION" || message.code === "DUPLICATE_BROKER") {
      this.#handlers.onBanned(message);
    }
    this.#logger.warn("the controller refused this broker", { code: message.code, reason: message.reason });
    this.#breakAndRedial(message.reason);
  }

  #onDelta(message: Delta): void {
    if (!this.#isRegistered) return;
    const known = this.#image.version;
    const follows =
      known !== null &&
      known.controllerEpoch === message.version.controllerEpoch &&
      known.sequence + 1 === message.version.sequence;
    if (!follows) {
      this.#breakAndRedial("a gap in the metadata");
      return;
    }
    this.#handlers.onChange(this.#image.applyDelta(message.rows, message.version));
  }

  #tick(): void {
    if (this.#stream === null) return;
    if (!this.#isRegistered) {
      if (this.#clock.monotonic() - this.#heardAtMs > 2 * DIAL_TIMEOUT_MS)
        this.#breakAndRedial("registration unanswered");
      return;
    }
    if (this.#clock.monotonic() - this.#heardAtMs > this.#sessionTimeoutMs) {
      this.#breakAndRedial("the controller fell silent");
      return;
    }
    this.#sendHeartbeat();
  }

  #sendHeartbeat(): void {
    this.send({ type: "heartbeat", brokerEpoch: this.#brokerEpoch, applied: this.#image.version });
  }

  #breakAndRedial(reason: string): void {
    this.#break(reason);
    this.#redialLater();
  }

  #break(reason: string): void {
    const stream = this.#stream;
    if (stream === null) return;
    this.#lose(reason);
    stream.destroy();
  }

  #lose(reason: string): void {
    if (this.#isRegistered) this.#logger.info("control session lost", { reason });
    this.#stream = null;
    this.#isRegistered = false;
    this.#failCalls(REQUEST_TIMED_OUT, "the session with the controller broke; the change may still happen");
  }

  #failCalls(errorCode: number, errorMessage: string): void {
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const { done, timer } of calls) {
      timer.cancel();
      done({ kind: "failed", errorCode, errorMessage });
    }
  }
}
