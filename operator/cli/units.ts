const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** Bytes for people: "812 B", "1.2 MB". @param bytes  ≥ 0. */
export function bytesText(bytes: number): string {
  let [value, unit] = [bytes, 0];
  // 999.95 would be printed as 1000.0.
  while (value >= 999.95 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** A span for people: "8 s", "2 min 5 s", "3 h 7 min". @param seconds  ≥ 0. */
export function spanText(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

const BAR_WIDTH = 24;

/** `[########                ]  33 %`. @param share  0 … 1. */
export function barText(share: number): string {
  const full = Math.floor(Math.min(1, Math.max(0, share)) * BAR_WIDTH);
  // 100 % only when it is: people wait for it.
  const percent = Math.floor(Math.min(1, Math.max(0, share)) * 100);
  return `[${"#".repeat(full)}${" ".repeat(BAR_WIDTH - full)}] ${String(percent).padStart(3)} %`;
}
