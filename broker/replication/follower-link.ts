import type { Clock, Timer } from "../base/clock.ts";
import { isTidemarkError } from "../base/errors.ts";
import type { BrokerEpoch, BrokerId, LeaderEpoch, Offset } from "../base/ids.ts";
import type { Logger } from "../base/logging.ts";
import { REPLICATION_PATH } from "../contract/control.ts";
import type { Address, ByteStream, Network } from "../ports/network.ts";
import { FrameBuffers } from "./frame-buffers.ts";
import { FrameDecoder } from "./frame-decoder.ts";
import {
  type DataFrame,
  encodeClose,
  encodeHello,
  encodeOpen,
  encodePing,
  encodeStarted,
  encodeStatement,
  type FromFollower,
  type FromLeader,
  type MarksFrame,
  type OpenedFrame,
  REPLICATION_VERSION,
  type StartFrame,
} from "./frames.ts";
import type { Replica } from "./replica.ts";

const DIAL_TIMEOUT_MS = 1000;
const RETRY_MS_MIN = 10;
const RETRY_MS_MAX = 200;
const PING_INTERVAL_MS = 2000;
const SILENCE_MS_MAX = 10_000;

export interface FollowerLinkHost {
  readonly me: BrokerId;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly network: Network;
  clusterId(): string;
  /** Of this process, from its registration. */
  brokerEpoch(): BrokerEpoch;
  /** HTTP address of a broker; null while it is not known. */
  addressOf(broker: BrokerId): Address | null;
}

/** One opening as its follower sees it. */
interface Opening {
  readonly handle: number;
  readonly replica: Replica;
  readonly leaderEpoch: LeaderEpoch;
  state: "asked" | "aligned" | "closing";
  /** The leader waits to hear that the log begins there; null when it does not. */
  wantedStart: Offset | null;
  /** Records that the log still holds in memory, in order. */
  unwritten: { readonly end: Offset; readonly buffer: Uint8Array }[];
}

/** A replica that follows by this link. */
interface Followed {
  opening: Opening | null;
  retryMs: number;
  retry: Timer | null;
}

/**
 * The follower's side of its stream with one leader: opens every partition it follows there, appends what is pushed,
 * and states its log ends, all that moved in one turn with one write.
 */
export class FollowerLink {
  readonly leader: BrokerId;
  readonly #host: FollowerLinkHost;
  readonly #followed = new Map<Replica, Followed>();
  readonly #openings = new Map<number, Opening>();
  readonly #moved = new Set<Opening>();
  readonly #buffers = new FrameBuffers();
  #stream: ByteStream | null = null;
  #dialled: Address | null = null;
  #isDialling = false;
  #isFlushQueued = false;
  #isStopped = false;
  #redialMs = RETRY_MS_MIN;
  #redial: Timer | null = null;
  #nextHandle = 1;
  #heardAtMs = 0;
  #hasWritten = false;
  #ticker: Timer | null = null;

  constructor(host: FollowerLinkHost, leader: BrokerId) {
    this.#host = host;
    this.leader = leader;
  }

  /** A stream with the leader stands. */
  get isConnected(): boolean {
    return this.#stream !== null;
  }

  follow(replica: Replica): void {
    if (this.#followed.has(replica) || this.#isStopped) return;
    this.#followed.set(replica, { opening: null, retryMs: RETRY_MS_MIN, retry: null });
    if (this.#stream !== null) this.#open(replica);
    else this.#dialNow();
  }

  unfollow(replica: Replica): void {
    const followed = this.#followed.get(replica);
    if (followed === undefined) return;
    followed.retry?.cancel();
    this.#followed.delete(replica);
    if (followed.opening !== null) this.#closeOpening(followed.opening);
  }

  /** More of the replica's log counts. */
  state(replica: Replica): void {
    const opening = this.#followed.get(replica)?.opening;
    if (opening === undefined || opening === null || opening.state !== "aligned") return;
    this.#moved.add(opening);
    if (this.#isFlushQueued) return;
    this.#isFlushQueued = true;
    this.#host.clock.soon(() => this.#flush());
  }

  /** The leader's row may have changed: a new process has a new address. */
  onBrokers(): void {
    const address = this.#host.addressOf(this.leader);
    if (address === null || this.#followed.size === 0) return;
    const dialled = this.#dialled;
    if (dialled !== null && dialled.host === address.host && dialled.port === address.port) return;
    this.#stream?.destroy();
    if (this.#stream === null) this.#dialNow();
  }

  stop(): void {
    this.#isStopped = true;
    this.#redial?.cancel();
    for (const { retry } of this.#followed.values()) retry?.cancel();
    this.#followed.clear();
    this.#stream?.destroy();
  }

  #dialNow(): void {
    this.#redialMs = RETRY_MS_MIN;
    this.#redial?.cancel();
    this.#redial = null;
    void this.#dial();
  }

  async #dial(): Promise<void> {
    if (this.#isDialling || this.#isStopped || this.#stream !== null || this.#followed.size === 0) return;
    const address = this.#host.addressOf(this.leader);
    if (address === null) return this.#redialLater();
    this.#isDialling = true;
    this.#dialled = address;
    const result = await this.#host.network.exchange(address, REPLICATION_PATH, { timeoutMs: DIAL_TIMEOUT_MS });
    this.#isDialling = false;
    if (result.kind === "accepted") {
      if (this.#isStopped || this.#followed.size === 0) result.stream.destroy();
      else this.#connect(result.stream);
      return;
    }
    const why = result.kind === "refused" ? `${result.status} ${result.text}` : result.reason;
    this.#host.logger.debug("cannot reach a leader", { leader: this.leader, why });
    this.#redialLater();
  }

  #redialLater(): void {
    if (this.#isStopped || this.#followed.size === 0) return;
    this.#redial?.cancel();
    this.#redial = this.#host.clock.after(this.#redialMs, () => void this.#dial());
    this.#redialMs = Math.min(this.#redialMs * 2, RETRY_MS_MAX);
  }

  #connect(stream: ByteStream): void {
    const { me: follower } = this.#host;
    this.#stream = stream;
    this.#heardAtMs = this.#host.clock.monotonic();
    const decoder = new FrameDecoder({ allocate: (sizeBytes) => this.#buffers.take(sizeBytes) }, (frame) =>
      this.#onFrame(frame),
    );
    stream.onData = (chunk) => this.#onData(decoder, chunk);
    stream.onClose = () => {
      decoder.stop();
      this.#disconnected();
    };
    this.#ticker = this.#host.clock.after(PING_INTERVAL_MS, () => this.#tick());
    stream.cork();
    const clusterId = this.#host.clusterId();
    this.#write(encodeHello({ version: REPLICATION_VERSION, follower, leader: this.leader, clusterId }));
    for (const replica of [...this.#followed.keys()]) this.#open(replica);
    stream.uncork();
  }

  #disconnected(): void {
    this.#stream = null;
    this.#ticker?.cancel();
    this.#openings.clear();
    this.#moved.clear();
    for (const followed of this.#followed.values()) {
      followed.opening = null;
      followed.retry?.cancel();
      followed.retry = null;
    }
    this.#redialLater();
  }

  #open(replica: Replica): void {
    const followed = this.#followed.get(replica);
    if (followed === undefined || followed.opening !== null || this.#stream === null) return;
    followed.retry?.cancel();
    followed.retry = null;
    const state = replica.openingState();
    // Something is going on in its queue, at the end of which it is opened.
    if (state === null) return this.#openLater(replica);
    const { topicId, partition } = replica;
    const handle = this.#nextHandle++;
    const opening: Opening = {
      handle,
      replica,
      leaderEpoch: state.leaderEpoch,
      state: "asked",
      wantedStart: null,
      unwritten: [],
    };
    followed.opening = opening;
    this.#openings.set(opening.handle, opening);
    const brokerEpoch = this.#host.brokerEpoch();
    this.#write(encodeOpen({ handle: opening.handle, topicId, partition, brokerEpoch, ...state }));
  }

  #openLater(replica: Replica): void {
    const followed = this.#followed.get(replica);
    if (followed === undefined || followed.retry !== null) return;
    followed.retry = this.#host.clock.after(followed.retryMs, () => {
      followed.retry = null;
      if (this.#followed.get(replica) === followed) this.#open(replica);
    });
    followed.retryMs = Math.min(followed.retryMs * 2, RETRY_MS_MAX);
  }

  /** Nothing of it is wanted any more; it is known by its handle until the leader confirms. */
  #closeOpening(opening: Opening): void {
    if (opening.state === "closing" || this.#openings.get(opening.handle) !== opening) return;
    opening.state = "closing";
    this.#moved.delete(opening);
    this.#write(encodeClose(opening.handle));
  }

  /** Retention here went further than the leader's: it is to know where this log begins. */
  stateStart(replica: Replica): void {
    const opening = this.#followed.get(replica)?.opening;
    if (opening?.state !== "aligned") return;
    opening.wantedStart = Math.max(opening.wantedStart ?? 0, replica.log.logStart) as Offset;
    this.#sayStart(opening);
  }

  #onData(decoder: FrameDecoder, chunk: Uint8Array): void {
    if (this.#stream === null) return;
    this.#heardAtMs = this.#host.clock.monotonic();
    try {
      decoder.push(chunk);
    } catch (error) {
      if (!isTidemarkError(error)) throw error;
      this.#host.logger.warn("a leader's stream was closed", { leader: this.leader, reason: error.message });
      this.#stream?.destroy();
    }
  }

  #onFrame(frame: FromFollower | FromLeader): void {
    if (this.#stream === null) return;
    switch (frame.kind) {
      case "opened":
        return this.#onOpened(frame);
      case "data":
        return this.#onRecords(frame);
      case "marks":
        return this.#onMarks(frame);
      case "start":
        return this.#onStart(frame);
      case "ended":
        return this.#onEnded(frame.handle);
      case "ping":
        return;
      default:
        this.#host.logger.warn("a leader sent a follower's frame", { leader: this.leader, kind: frame.kind });
        this.#stream.destroy();
    }
  }

  #onOpened(frame: OpenedFrame): void {
    this.#redialMs = RETRY_MS_MIN;
    const opening = this.#openings.get(frame.handle);
    if (opening === undefined) return;
    if (opening.state !== "asked") {
      if (frame.outcome !== "aligned") this.#openings.delete(frame.handle);
      return;
    }
    const { replica, leaderEpoch } = opening;
    if (frame.outcome === "aligned") {
      opening.state = "aligned";
      const followed = this.#followed.get(replica);
      if (followed !== undefined) followed.retryMs = RETRY_MS_MIN;
      if (replica.isFollowingIn(leaderEpoch)) replica.onLeaderMarks(frame);
      this.state(replica);
      if (replica.log.logStart > frame.logStart) this.stateStart(replica);
      return;
    }
    this.#drop(opening);
    if (frame.outcome === "refused") return this.#openLater(replica);
    this.#write(encodeClose(frame.handle));
    if (!replica.isFollowingIn(leaderEpoch)) return;
    const again = (): void => this.#open(replica);
    if (frame.outcome === "diverged") replica.truncate(leaderEpoch, frame.end, again);
    else replica.restart(leaderEpoch, frame.logStart, again);
  }

  #onRecords(frame: DataFrame): void {
    const opening = this.#openings.get(frame.handle);
    if (opening === undefined || opening.state === "asked") return;
    const { replica, leaderEpoch } = opening;
    // What a leader of an older epoch still pushes is not for this log any more.
    if (!replica.isFollowingIn(leaderEpoch)) return;
    const result = replica.appendAsFollower(frame.batches);
    if (result === "appended") {
      opening.unwritten.push({ end: replica.log.logEnd, buffer: frame.batches });
      replica.onLeaderMarks(frame);
      return this.#sayStart(opening);
    }
    this.#closeOpening(opening);
    const followed = this.#followed.get(replica);
    if (followed?.opening !== opening) return;
    followed.opening = null;
    this.#openLater(replica);
  }

  #onMarks(frame: MarksFrame): void {
    const opening = this.#openings.get(frame.handle);
    if (opening?.replica.isFollowingIn(opening.leaderEpoch) !== true) return;
    opening.replica.onLeaderMarks(frame);
    this.#sayStart(opening);
  }

  /** Records were deleted on purpose: whoever asked for it waits until no replica shows them any more. */
  #onStart({ handle, logStart }: StartFrame): void {
    const opening = this.#openings.get(handle);
    if (opening?.replica.isFollowingIn(opening.leaderEpoch) !== true) return;
    const { replica } = opening;
    opening.wantedStart = logStart;
    replica.onLeaderMarks({ highWatermark: replica.highWatermark, logStart });
    this.#sayStart(opening);
  }

  /** A follower hides no more than what it knows to be committed: it may have to hear of that first. */
  #sayStart(opening: Opening): void {
    const { wantedStart, replica, handle } = opening;
    if (wantedStart === null || replica.log.logStart < wantedStart) return;
    opening.wantedStart = null;
    const { logStart } = replica.log;
    replica.keepLogStart(() => {
      if (this.#openings.get(handle) === opening) this.#write(encodeStarted({ handle, logStart }));
    });
  }

  #onEnded(handle: number): void {
    const opening = this.#openings.get(handle);
    if (opening === undefined) return;
    const wasClosing = opening.state === "closing";
    this.#drop(opening);
    if (wasClosing) return;
    this.#write(encodeClose(handle));
    // Its epoch is over, which the metadata will say in a moment; or this broker opened it anew, and then it is open.
    this.#openLater(opening.replica);
  }

  #drop(opening: Opening): void {
    this.#openings.delete(opening.handle);
    this.#moved.delete(opening);
    const followed = this.#followed.get(opening.replica);
    if (followed?.opening === opening) followed.opening = null;
  }

  #flush(): void {
    this.#isFlushQueued = false;
    const stream = this.#stream;
    if (stream === null || this.#moved.size === 0) return;
    stream.cork();
    for (const opening of this.#moved) {
      this.#reuseBuffers(opening);
      this.#write(encodeStatement({ handle: opening.handle, ...opening.replica.statement() }));
    }
    this.#moved.clear();
    stream.uncork();
  }

  /**
   * What is on disk needs its memory no more: a follower's log keeps nothing for readers. Once the replica has another
   * role somebody may read from that memory, and it is left alone.
   */
  #reuseBuffers(opening: Opening): void {
    const { replica, unwritten } = opening;
    if (!replica.isFollowingIn(opening.leaderEpoch)) return;
    const { durableEnd } = replica.log;
    let count = 0;
    for (const { end, buffer } of unwritten) {
      if (end > durableEnd) break;
      this.#buffers.giveBack(buffer);
      count++;
    }
    unwritten.splice(0, count);
  }

  #tick(): void {
    const stream = this.#stream;
    if (stream === null) return;
    const isSilent = this.#host.clock.monotonic() - this.#heardAtMs > SILENCE_MS_MAX;
    // A leader that nobody here follows any more is let go.
    if (isSilent || this.#followed.size === 0) return stream.destroy();
    if (!this.#hasWritten) stream.write(encodePing());
    this.#hasWritten = false;
    this.#ticker = this.#host.clock.after(PING_INTERVAL_MS, () => this.#tick());
  }

  #write(bytes: Uint8Array): void {
    this.#hasWritten = true;
    this.#stream?.write(bytes);
  }
}
