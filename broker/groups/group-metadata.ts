/** What of a group outlives its coordinator: a generation with its assignments, as `__consumer_offsets` has it. */
export interface GroupMetadata {
  readonly protocolType: string;
  readonly generation: number;
  readonly protocol: string | null;
  readonly leader: string | null;
  /** Wall clock of the last change of state; −1 when an old version of the record does not tell. */
  readonly currentStateTimestamp: number;
  readonly members: readonly GroupMemberMetadata[];
}

export interface GroupMemberMetadata {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly rebalanceTimeout: number;
  readonly sessionTimeout: number;
  readonly subscription: Uint8Array;
  readonly assignment: Uint8Array;
}
