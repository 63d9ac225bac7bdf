/**
 * Operating failures: what the world does to us (a full disk, a peer that hangs up). Caught at a shell and turned
 * into a value, a retry or one line for the operator. Outcomes the protocol expects are values, never thrown; bugs
 * are `assert`. docs/messages.md says of each what to do.
 */
export const errorCodes = {
  DISK_FULL: { isRetriable: false },
  DISK_FAILED: { isRetriable: false },
  LOG_CORRUPT: { isRetriable: false },
  FOLDER_IN_USE: { isRetriable: false },
  FOLDER_OF_ANOTHER_CLUSTER: { isRetriable: false },
  STORE_CORRUPT: { isRetriable: false },
  STORE_LOST: { isRetriable: false },
  STORE_FAILED: { isRetriable: true },
  PORT_IN_USE: { isRetriable: false },
  PEER_UNREACHABLE: { isRetriable: true },
  PEER_MALFORMED: { isRetriable: true },
  REFUSED: { isRetriable: false },
  BAD_INPUT: { isRetriable: false },
} as const satisfies Record<string, { isRetriable: boolean }>;

export type ErrorCode = keyof typeof errorCodes;

export class TidemarkError extends Error {
  override readonly name = "TidemarkError";
  readonly code: ErrorCode;

  /** `message` is one line that says what is wrong and what to do. */
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  get isRetriable(): boolean {
    return errorCodes[this.code].isRetriable;
  }
}

/** True for errors of ours, in any realm. */
export const isTidemarkError = (value: unknown): value is TidemarkError =>
  Error.isError(value) && value.name === "TidemarkError";
