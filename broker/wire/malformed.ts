import { isTidemarkError, TidemarkError } from "../base/errors.ts";

/** Bytes from a peer that are not what the protocol says. The connection they came on cannot be trusted further. */
export class MalformedError extends TidemarkError {
  constructor(what: string) {
    super("PEER_MALFORMED", what);
  }
}

/** True for a MalformedError, in any realm. */
export const isMalformed = (value: unknown): boolean => isTidemarkError(value) && value.code === "PEER_MALFORMED";
