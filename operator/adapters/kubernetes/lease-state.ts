/** What stands in the Lease. */
export interface LeaseRecord {
  /** "" = nobody: it was given up. */
  readonly holder: string;
  /** `host:port`; null when the holder said none. */
  readonly address: string | null;
  readonly durationMs: number;
  /** Any text that changes with each renewal; never compared with a clock. */
  readonly renewed: string;
}

/** What one process knows of the Lease. Times are of its own monotonic clock. */
export interface LeaseView {
  readonly me: string;
  /** Null: never read, or there is none. */
  readonly record: LeaseRecord | null;
  /** When the record was last seen to change. What happens while nothing can be read says nothing of the holder. */
  readonly changedAtMs: number;
  /** The last attempt reached the API server. */
  readonly isInTouch: boolean;
  /** When the newest renewal that is known to count was sent; null when we do not hold it. */
  readonly renewedAtMs: number | null;
}

/** A holder that could not renew for this long is in doubt: less than the duration, so that it knows first. */
export const RENEW_DEADLINE_MS = 3000;
export const LEASE_DURATION_MS = 5000;
export const RETRY_MS = 1000;

export const firstView = (me: string): LeaseView => ({
  me,
  record: null,
  changedAtMs: 0,
  isInTouch: false,
  renewedAtMs: null,
});

const isSameRecord = (a: LeaseRecord | null, b: LeaseRecord | null): boolean =>
  a === b || (a !== null && b !== null && a.holder === b.holder && a.renewed === b.renewed);

/** The Lease was read. */
export function seen(view: LeaseView, record: LeaseRecord | null, nowMs: number): LeaseView {
  const isUnchanged = view.isInTouch && isSameRecord(view.record, record);
  const changedAtMs = isUnchanged ? view.changedAtMs : nowMs;
  const renewedAtMs = record?.holder === view.me ? view.renewedAtMs : null;
  return { ...view, record, changedAtMs, isInTouch: true, renewedAtMs };
}

/** It could not be read, or a write's outcome is not known. */
export const outOfTouch = (view: LeaseView): LeaseView => ({ ...view, isInTouch: false });

/** A write of ours counts; it was sent at `sentAtMs`. */
export const renewed = (view: LeaseView, record: LeaseRecord, sentAtMs: number): LeaseView => ({
  ...view,
  record,
  changedAtMs: sentAtMs,
  isInTouch: true,
  renewedAtMs: sentAtMs,
});

/** Ours, free, or its holder has not renewed it for its duration, as we have seen ourselves. */
export function mayTake({ me, record, changedAtMs, isInTouch }: LeaseView, nowMs: number): boolean {
  if (!isInTouch) return false;
  if (record === null || record.holder === "" || record.holder === me) return true;
  return nowMs - changedAtMs >= record.durationMs;
}

export const isHeld = (view: LeaseView): boolean => view.record?.holder === view.me && view.renewedAtMs !== null;

export const isCertain = (view: LeaseView, nowMs: number): boolean =>
  isHeld(view) && nowMs - (view.renewedAtMs ?? 0) < RENEW_DEADLINE_MS;
