import type { Offset } from "../base/ids.ts";

export type AppendResult =
  | {
      readonly kind: "appended";
      readonly baseOffset: Offset;
      readonly lastOffset: Offset;
      /** −1 with CreateTime. */
      readonly logAppendTimeMs: number;
      readonly logStart: Offset;
    }
  | {
      /** The same batch was appended before; acks=all is answered once `lastOffset` is committed. */
      readonly kind: "duplicate";
      readonly baseOffset: Offset;
      readonly lastOffset: Offset;
      readonly logAppendTimeMs: number;
      readonly logStart: Offset;
    }
  | { readonly kind: "refused"; readonly errorCode: number }
  /** Appends are held for a moment: call `whenReleased` and append again then. Nothing was done. */
  | { readonly kind: "held" };

export interface ReadOptions {
  readonly maxBytes: number;
  /** At most so many of them when they have to come from disk, where they take memory of their own. */
  readonly diskBytesMax?: number;
  /** Of a follower, too, once it has met its leader; else of the leader only. */
  readonly ofFollower?: boolean;
  /** Consumers read below the high watermark. */
  readonly upTo: "highWatermark" | "logEnd";
}

export type ReadResult =
  | {
      readonly kind: "records";
      readonly chunks: readonly Uint8Array[];
      readonly highWatermark: Offset;
      readonly logStart: Offset;
    }
  | { readonly kind: "refused"; readonly errorCode: number; readonly highWatermark: Offset; readonly logStart: Offset };
