import type { Clock, Timer } from "../base/clock.ts";
import { isTidemarkError } from "../base/errors.ts";
import type { BrokerId, Offset, PartitionIndex, TopicId } from "../base/ids.ts";
import type { Logger } from "../base/logging.ts";
import { writeAndGiveBack } from "../base/memory-pool.ts";
import type { ByteStream } from "../ports/network.ts";
import type { Alignment } from "./alignment.ts";
import { offsetAfter } from "./batch-walk.ts";
import type { CopyBudget } from "./copy-budget.ts";
import { FrameDecoder } from "./frame-decoder.ts";
import {
  encodeDataHeader,
  encodeEnded,
  encodeMarks,
  encodeOpened,
  encodePing,
  encodeStart,
  type FromFollower,
  type FromLeader,
  type HelloFrame,
  type OpenedFrame,
  type OpenFrame,
  REPLICATION_VERSION,
  type StartedFrame,
  type StatementFrame,
} from "./frames.ts";
import { leaderEpochStanding } from "./leader-epoch-check.ts";
import type { Leadership, PushTarget } from "./leadership.ts";
import type { Replica } from "./replica.ts";

/** Bytes pushed and not yet stated by the follower: of one opening, and of all on one stream. */
const OPENING_WINDOW_BYTES = 8 * 1024 * 1024;
const LINK_WINDOW_BYTES = 32 * 1024 * 1024;
/** What the network has not taken yet; above, pushing waits for it. */
const PENDING_BYTES_MAX = 4 * 1024 * 1024;
/** Bytes of one data frame, unless a single batch is larger; the next opening has its turn after it. */
const PUSH_BYTES_MAX = 256 * 1024;
const DISK_READ_BYTES = 1024 * 1024;
/** Disk reads under way for one follower. */
const DISK_READS_MAX = 2;
/** How long a high watermark may wait for records to travel with: a frame of its own wakes a follower for it alone. */
const MARK_DELAY_MS = 100;
/** The same where consumers may wait for it at followers. */
const MARK_DELAY_FOR_READERS_MS = 10;
const PING_INTERVAL_MS = 2000;
const SILENCE_MS_MAX = 10_000;

export interface LeaderLinkHost {
  readonly me: BrokerId;
  readonly clock: Clock;
  readonly logger: Logger;
  /** "" until it is known. */
  clusterId(): string;
  find(topicId: TopicId, partition: PartitionIndex): Replica | undefined;
  /** Whether consumers read from followers, too. */
  followersServeReads(): boolean;
  /** What replicas that are catching up may be fed with; of all links together. */
  readonly copyBudget: CopyBudget;
}

interface Pushed {
  readonly end: Offset;
  readonly bytes: number;
}

/** One opening as its leader sees it, from `open` to `close` or the end of the stream. */
class OpeningOfFollower implements PushTarget {
  readonly link: LeaderLink;
  readonly frame: OpenFrame;
  readonly replica: Replica;
  /** In whose epoch it was opened; null when refused. Old ones stay until the follower closes them. */
  leadership: Leadership | null = null;
  isAligned = false;
  isQueued = false;
  isReading = false;
  /** Where the next push starts. */
  pushedEnd: Offset;
  sentMark = -1 as Offset;
  unstatedBytes = 0;
  unstated: Pushed[] = [];
  firstUnstated = 0;

  constructor(link: LeaderLink, frame: OpenFrame, replica: Replica) {
    this.link = link;
    this.frame = frame;
    this.replica = replica;
    this.pushedEnd = frame.logEnd;
  }

  get isLive(): boolean {
    return this.isAligned && this.leadership !== null && this.replica.leadership === this.leadership;
  }

  wake(): void {
    this.link.queue(this);
  }

  wakeMark(): void {
    this.link.queueMark(this);
  }

  wakeStart(): void {
    this.link.sendStart(this);
  }

  end(): void {
    this.isAligned = false;
    this.link.sendEnded(this);
  }
}

/**
 * The leader's side of one follower's stream: pushes records as soon as they are appended, many openings' frames in
 * one write, and never more than the follower has shown to keep up with.
 */
export class LeaderLink {
  readonly #host: LeaderLinkHost;
  readonly #stream: ByteStream;
  readonly #decoder: FrameDecoder;
  readonly #openings = new Map<number, OpeningOfFollower>();
  /** By partition: a follower has one opening at a time. */
  readonly #newest = new Map<Replica, OpeningOfFollower>();
  /** Openings that may have something to push, in turn. */
  #queue: OpeningOfFollower[] = [];
  readonly #marks = new Set<OpeningOfFollower>();
  #markTimer: Timer | null = null;
  /** Runs while an opening waits for the copy budget. */
  #budgetTimer: Timer | null = null;
  #follower: BrokerId | null = null;
  #unstatedBytes = 0;
  #diskReads = 0;
  #isFlushQueued = false;
  #isClosed = false;
  #heardAtMs: number;
  #hasWritten = true;
  #pinger: Timer;
  readonly #onClosed: (link: LeaderLink) => void;

  constructor(host: LeaderLinkHost, stream: ByteStream, onClosed: (link: LeaderLink) => void) {
    this.#host = host;
    this.#stream = stream;
    this.#onClosed = onClosed;
    this.#heardAtMs = host.clock.monotonic();
    this.#decoder = new FrameDecoder({ allocate: null }, (frame) => this.#onFrame(frame));
    stream.onData = (chunk) => this.#onData(chunk);
    stream.onDrain = () => this.#scheduleFlush();
    stream.onClose = () => this.#closed();
    this.#pinger = host.clock.after(PING_INTERVAL_MS, () => this.#tick());
  }

  /** −1 before its first frame. */
  get follower(): BrokerId {
    return this.#follower ?? (-1 as BrokerId);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Bytes pushed and not yet stated. */
  get unstatedBytes(): number {
    return this.#unstatedBytes;
  }

  close(): void {
    this.#stream.destroy();
    this.#closed();
  }

  /** There may be more to push of this opening. */
  queue(opening: OpeningOfFollower): void {
    if (opening.isQueued || this.#isClosed) return;
    opening.isQueued = true;
    this.#queue.push(opening);
    this.#scheduleFlush();
  }

  queueMark(opening: OpeningOfFollower): void {
    if (this.#isClosed) return;
    this.#marks.add(opening);
    this.#markTimer ??= this.#host.clock.after(this.#markDelayMs, () => this.#flushMarks());
  }

  get #markDelayMs(): number {
    return this.#host.followersServeReads() ? MARK_DELAY_FOR_READERS_MS : MARK_DELAY_MS;
  }

  sendStart(opening: OpeningOfFollower): void {
    if (this.#isClosed || !opening.isLive) return;
    this.#write(encodeStart({ handle: opening.frame.handle, logStart: opening.replica.log.logStart }));
  }

  sendEnded(opening: OpeningOfFollower): void {
    this.#write(encodeEnded(opening.frame.handle));
  }

  #onData(chunk: Uint8Array): void {
    if (this.#isClosed) return;
    this.#heardAtMs = this.#host.clock.monotonic();
    try {
      this.#decoder.push(chunk);
    } catch (error) {
      if (!isTidemarkError(error)) throw error;
      this.#refuse(error.message);
    }
  }

  #onFrame(frame: FromFollower | FromLeader): void {
    if (this.#isClosed) return;
    if (this.#follower === null && frame.kind !== "hello") return this.#refuse("the first frame is not a greeting");
    switch (frame.kind) {
      case "hello":
        return this.#onHello(frame);
      case "open":
        return this.#onOpen(frame);
      case "statement":
        return this.#onStatement(frame);
      case "started":
        return this.#onStarted(frame);
      case "close":
        return this.#onClose(frame.handle);
      case "ping":
        return;
      default:
        this.#refuse(`a follower sent a frame of kind ${frame.kind}`);
    }
  }

  #onHello(frame: HelloFrame): void {
    const { me } = this.#host;
    if (frame.version !== REPLICATION_VERSION) return this.#refuse(`version ${frame.version} is not spoken here`);
    if (frame.clusterId !== this.#host.clusterId()) return this.#refuse("the follower is of another cluster");
    if (frame.leader !== me) return this.#refuse(`the follower looks for broker ${frame.leader}, this is ${me}`);
    this.#follower = frame.follower;
  }

  #onOpen(frame: OpenFrame): void {
    const { handle } = frame;
    if (this.#openings.has(handle)) return this.#refuse(`handle ${handle} is in use`);
    const replica = this.#host.find(frame.topicId, frame.partition);
    const leadership = replica?.leadership ?? null;
    if (replica === undefined || leadership === null) return this.#refuseOpening(handle);
    const standing = leaderEpochStanding({ named: frame.leaderEpoch, current: leadership.epoch });
    if (standing !== "current") return this.#refuseOpening(handle);
    const opening = new OpeningOfFollower(this, frame, replica);
    const alignment = leadership.opened(this.follower, frame, opening);
    if (alignment === null) return this.#refuseOpening(handle);
    this.#replace(opening);
    opening.leadership = leadership;
    opening.isAligned = alignment.kind === "aligned";
    this.#openings.set(handle, opening);
    this.#newest.set(replica, opening);
    this.#write(encodeOpened(answerOf(opening, alignment)));
    if (!opening.isAligned) return;
    this.queue(opening);
    if (leadership.deletion.isWaiting) this.sendStart(opening);
  }

  /** What the same follower opened before is over: its statements came before this opening. */
  #replace(opening: OpeningOfFollower): void {
    const before = this.#newest.get(opening.replica);
    if (before === undefined) return;
    this.#openings.delete(before.frame.handle);
    this.#forget(before);
  }

  #refuseOpening(handle: number): void {
    this.#write(encodeOpened({ kind: "opened", handle, outcome: "refused" }));
  }

  #onStatement(frame: StatementFrame): void {
    const opening = this.#openings.get(frame.handle);
    if (opening === undefined) return;
    this.#release(opening, frame.logEnd);
    const { leaderEpoch, brokerEpoch } = opening.frame;
    const { lastEpoch, logEnd, isSynced } = frame;
    // Also when the opening's epoch is over: what counts is decided in one place (count-log-end.ts).
    const leadership = opening.replica.leadership;
    leadership?.stated(this.follower, { leaderEpoch, brokerEpoch, lastEpoch, logEnd, isSynced }, opening);
    if (opening.pushedEnd < opening.replica.log.logEnd) this.queue(opening);
  }

  #onStarted({ handle, logStart }: StartedFrame): void {
    const opening = this.#openings.get(handle);
    if (opening?.isLive === true) opening.leadership?.deletion.started(this.follower, logStart);
  }

  #onClose(handle: number): void {
    const opening = this.#openings.get(handle);
    if (opening === undefined) return;
    this.#openings.delete(handle);
    if (this.#newest.get(opening.replica) === opening) this.#newest.delete(opening.replica);
    this.#forget(opening);
    this.#write(encodeEnded(handle));
  }

  #forget(opening: OpeningOfFollower): void {
    opening.isAligned = false;
    this.#marks.delete(opening);
    this.#unstatedBytes -= opening.unstatedBytes;
    opening.unstatedBytes = 0;
    opening.leadership?.closed(this.follower, opening);
  }

  /** What the follower holds needs no room in the window any more. */
  #release(opening: OpeningOfFollower, logEnd: Offset): void {
    const { unstated } = opening;
    for (;;) {
      const pushed = unstated[opening.firstUnstated];
      if (pushed === undefined || pushed.end > logEnd) break;
      opening.firstUnstated++;
      opening.unstatedBytes -= pushed.bytes;
      this.#unstatedBytes -= pushed.bytes;
    }
    if (opening.firstUnstated === unstated.length) {
      opening.unstated = [];
      opening.firstUnstated = 0;
    } else if (opening.firstUnstated > 256) {
      opening.unstated = unstated.slice(opening.firstUnstated);
      opening.firstUnstated = 0;
    }
    if (this.#queue.length > 0) this.#scheduleFlush();
  }

  #scheduleFlush(): void {
    if (this.#isFlushQueued || this.#isClosed) return;
    this.#isFlushQueued = true;
    this.#host.clock.soon(() => {
      this.#isFlushQueued = false;
      this.#flush();
    });
  }

  /** One frame of each opening in turn, until nothing is left or somebody has to catch up first. */
  #flush(): void {
    if (this.#isClosed || this.#queue.length === 0) return;
    this.#stream.cork();
    const blocked: OpeningOfFollower[] = [];
    while (this.#queue.length > 0 && this.#hasRoom()) {
      const turn = this.#queue;
      this.#queue = [];
      for (const opening of turn) {
        opening.isQueued = false;
        const outcome = this.#hasRoom() ? this.#push(opening) : "blocked";
        if (outcome === "done") continue;
        opening.isQueued = true;
        (outcome === "more" ? this.#queue : blocked).push(opening);
      }
    }
    for (const opening of blocked) this.#queue.push(opening);
    this.#stream.uncork();
  }

  #hasRoom(): boolean {
    return this.#unstatedBytes < LINK_WINDOW_BYTES && this.#stream.pendingBytes < PENDING_BYTES_MAX;
  }

  /** Pushes one frame; a statement, the end of a disk read or a drained stream brings a blocked opening back. */
  #push(opening: OpeningOfFollower): "done" | "more" | "blocked" {
    if (!opening.isLive || opening.isReading) return "done";
    const { log } = opening.replica;
    if (opening.pushedEnd >= log.logEnd) return "done";
    if (opening.pushedEnd < log.copyStart) {
      // Retention was faster: what would come next is gone, and the follower has to begin anew.
      opening.end();
      return "done";
    }
    if (opening.unstatedBytes >= OPENING_WINDOW_BYTES) return "done";
    if (this.#mustWait(opening)) return "blocked";
    const chunks = log.readTail(opening.pushedEnd, { endOffset: log.logEnd, maxBytes: PUSH_BYTES_MAX });
    if (chunks === null) {
      if (this.#diskReads >= DISK_READS_MAX) return "blocked";
      void this.#readDisk(opening);
      return "done";
    }
    this.#send(opening, chunks);
    return opening.pushedEnd < log.logEnd ? "more" : "done";
  }

  /** Whoever is far behind waits for the budget; who is in sync, or about to be, never does. */
  #mustWait(opening: OpeningOfFollower): boolean {
    if (!this.#isCatchingUp(opening)) return false;
    const { waitMs } = this.#host.copyBudget;
    if (waitMs === 0) return false;
    this.#budgetTimer ??= this.#host.clock.after(waitMs, () => {
      this.#budgetTimer = null;
      this.#scheduleFlush();
    });
    return true;
  }

  #isCatchingUp(opening: OpeningOfFollower): boolean {
    return opening.leadership?.isCatchingUp(this.follower) ?? false;
  }

  async #readDisk(opening: OpeningOfFollower): Promise<void> {
    const { log } = opening.replica;
    opening.isReading = true;
    this.#diskReads++;
    try {
      const chunks = await log.read(opening.pushedEnd, { endOffset: log.logEnd, maxBytes: DISK_READ_BYTES });
      opening.isReading = false;
      if (opening.isLive && !this.#isClosed) this.#send(opening, chunks);
    } catch (error) {
      opening.isReading = false;
      if (opening.isLive) {
        const { topic, partition } = opening.replica;
        this.#host.logger.warn("cannot read for a follower", { topic, partition, error: String(error) });
        opening.end();
      }
    } finally {
      this.#diskReads--;
      if (opening.isLive) this.queue(opening);
      this.#scheduleFlush();
    }
  }

  #send(opening: OpeningOfFollower, chunks: readonly Uint8Array[]): void {
    const last = chunks[chunks.length - 1];
    if (last === undefined) return;
    let bytes = 0;
    for (const chunk of chunks) bytes += chunk.length;
    if (this.#isCatchingUp(opening)) this.#host.copyBudget.spend(bytes);
    const { highWatermark, log } = opening.replica;
    const { handle } = opening.frame;
    this.#write(encodeDataHeader({ handle, highWatermark, logStart: log.logStart }, bytes));
    for (const chunk of chunks) writeAndGiveBack(this.#stream, chunk);
    opening.pushedEnd = offsetAfter(last);
    opening.sentMark = highWatermark;
    opening.unstated.push({ end: opening.pushedEnd, bytes });
    opening.unstatedBytes += bytes;
    this.#unstatedBytes += bytes;
  }

  /** High watermarks that found no records to travel with. */
  #flushMarks(): void {
    this.#markTimer = null;
    if (this.#isClosed) return;
    this.#stream.cork();
    for (const opening of this.#marks) {
      const { highWatermark, log } = opening.replica;
      if (!opening.isLive || opening.sentMark >= highWatermark) continue;
      opening.sentMark = highWatermark;
      this.#write(encodeMarks({ handle: opening.frame.handle, highWatermark, logStart: log.logStart }));
    }
    this.#marks.clear();
    this.#stream.uncork();
  }

  #tick(): void {
    if (this.#isClosed) return;
    const { clock } = this.#host;
    if (clock.monotonic() - this.#heardAtMs > SILENCE_MS_MAX) return this.close();
    if (!this.#hasWritten) this.#stream.write(encodePing());
    this.#hasWritten = false;
    this.#pinger = clock.after(PING_INTERVAL_MS, () => this.#tick());
  }

  #write(bytes: Uint8Array): void {
    this.#hasWritten = true;
    this.#stream.write(bytes);
  }

  #refuse(reason: string): void {
    this.#host.logger.warn("a replication stream was refused", { remote: this.#stream.remote, reason });
    this.close();
  }

  #closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#decoder.stop();
    this.#pinger.cancel();
    this.#markTimer?.cancel();
    this.#budgetTimer?.cancel();
    this.#queue = [];
    for (const opening of this.#openings.values()) this.#forget(opening);
    this.#openings.clear();
    this.#newest.clear();
    this.#onClosed(this);
  }
}

function answerOf(opening: OpeningOfFollower, alignment: Alignment): OpenedFrame {
  const { handle } = opening.frame;
  const { highWatermark, log } = opening.replica;
  switch (alignment.kind) {
    case "aligned":
      opening.sentMark = highWatermark;
      return { kind: "opened", handle, outcome: "aligned", highWatermark, logStart: log.logStart };
    case "diverged":
      return { kind: "opened", handle, outcome: "diverged", end: alignment.end };
    case "restart":
      return { kind: "opened", handle, outcome: "restart", logStart: alignment.copyStart };
  }
}
