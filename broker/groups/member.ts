/** A way to share partitions that a member offers, with what it tells the leader of the group about itself. */
export interface Protocol {
  readonly name: string;
  readonly metadata: Uint8Array;
}

/** What a member is told when a generation begins, or why it is not in it. */
export interface JoinAnswer {
  readonly errorCode: number;
  readonly memberId: string;
  readonly generationId: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leader: string;
  /** The leader is to go on with the assignment that stands (KIP-814). */
  readonly skipAssignment: boolean;
  /** All of them for the leader, nobody for the others. */
  readonly members: readonly { memberId: string; groupInstanceId: string | null; metadata: Uint8Array }[];
}

export interface SyncAnswer {
  readonly errorCode: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignment: Uint8Array;
}

/** What a member says of itself when it joins. */
export interface MemberParts {
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocols: readonly Protocol[];
}

/** One consumer of a group. */
export class Member {
  readonly id: string;
  parts: MemberParts;
  assignment: Uint8Array = NOTHING;
  /** Monotonic milliseconds. Without a sign of life until then it is out. */
  aliveUntilMs = 0;
  /** Waits for the next generation. */
  onJoined: ((answer: JoinAnswer) => void) | null = null;
  /** Waits for its assignment. */
  onSynced: ((answer: SyncAnswer) => void) | null = null;

  constructor(id: string, parts: MemberParts) {
    this.id = id;
    this.parts = parts;
  }

  get isJoining(): boolean {
    return this.onJoined !== null;
  }

  /** While it waits for us it cannot send heartbeats. */
  get isWaiting(): boolean {
    return this.onJoined !== null || this.onSynced !== null;
  }

  metadataFor(protocolName: string): Uint8Array {
    return this.parts.protocols.find(({ name }) => name === protocolName)?.metadata ?? NOTHING;
  }

  offersAsBefore(protocols: readonly Protocol[]): boolean {
    const before = this.parts.protocols;
    return (
      before.length === protocols.length &&
      before.every(({ name, metadata }, at) => {
        const other = protocols[at];
        return other !== undefined && other.name === name && isSame(metadata, other.metadata);
      })
    );
  }

  answerJoin(answer: JoinAnswer): void {
    const reply = this.onJoined;
    this.onJoined = null;
    reply?.(answer);
  }

  answerSync(answer: SyncAnswer): void {
    const reply = this.onSynced;
    this.onSynced = null;
    reply?.(answer);
  }
}

export const NOTHING = new Uint8Array(0);

const isSame = (left: Uint8Array, right: Uint8Array): boolean =>
  left.length === right.length && left.every((byte, at) => byte === right[at]);
