import type { Offset, TimestampMs } from "../base/ids.ts";
import type { SipKey } from "../base/sip-hash.ts";

/** One closed segment's file, as far as it is to be read. */
export interface SourceSegment {
  readonly baseOffset: Offset;
  readonly endOffset: Offset;
  readonly sizeBytes: number;
}

/** Which records to look at for the newest of each key. */
export interface KeyJob {
  /** The log's folder, in terms of the disk that both sides see. */
  readonly folder: string;
  /** One behind the other. */
  readonly sources: readonly SourceSegment[];
  /** First offset looked at. */
  readonly from: Offset;
  /** Memory for keys. */
  readonly keyBytesMax: number;
  /** Nobody who writes records may know it. */
  readonly hashKey: SipKey;
  /** Bytes per second that may be read and written. */
  readonly bytesPerSecond: number;
}

export interface KeyResult {
  /** The newest record of each key is known among those below; `from` when not even one batch found room. */
  readonly endOffset: Offset;
  readonly readBytes: number;
}

/** Several segments to be written as one, by what the key job before it found. */
export interface RewriteJob {
  readonly folder: string;
  readonly sources: readonly SourceSegment[];
  readonly nowMs: number;
  /** How long a tombstone stays from now on, when it is seen for the first time. */
  readonly deleteRetentionMs: number;
  readonly indexIntervalBytes: number;
  /**
   * Of each producer id, the last offset of the oldest batch that is remembered. From there on its batches keep their
   * headers: it may send any of them again, and whoever has copied this log must know them then.
   */
  readonly rememberedOfProducers: ReadonlyMap<number, Offset>;
}

export type RewriteResult =
  | { readonly kind: "same"; readonly readBytes: number }
  | {
      /** `.cleaned` files stand in the folder, synced. */
      readonly kind: "rewritten";
      readonly readBytes: number;
      readonly sizeBytes: number;
      /** Greatest timestamp and the last offset of its batch. */
      readonly maxTimestamp: { readonly timestampMs: TimestampMs; readonly offset: Offset };
    };

/**
 * Reads and rewrites segments, away from whatever serves clients. One run at a time: `findKeys`, then any number of
 * `rewrite`, then `release`. Rejects with TidemarkError: LOG_CORRUPT, DISK_FULL, DISK_FAILED (a file that is gone
 * included).
 */
export interface Compactor {
  findKeys(job: KeyJob): Promise<KeyResult>;
  rewrite(job: RewriteJob): Promise<RewriteResult>;
  /** The run is over: its memory may go. */
  release(): void;
}
