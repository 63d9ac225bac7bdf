import { keyOf } from "./places.ts";
import type { Progressing } from "./reassign-admin.ts";
import { barText, bytesText, spanText } from "./units.ts";

interface Leg {
  totalBytes: number;
  missingBytes: number;
  isThere: boolean;
}

/** How far several moves are, since somebody began to watch them. A move that is not under way any more is done. */
export class Journey {
  readonly #legs = new Map<string, Leg>();
  readonly #missingAtStartBytes: number;

  constructor(moving: readonly Progressing[]) {
    this.update(moving);
    this.#missingAtStartBytes = this.#sum(({ missingBytes }) => missingBytes);
  }

  /** What is under way now. */
  update(moving: readonly Progressing[]): void {
    const here = new Set(moving.map(keyOf));
    for (const [key, leg] of this.#legs) if (!here.has(key)) Object.assign(leg, { missingBytes: 0, isThere: true });
    for (const one of moving) {
      const before = this.#legs.get(keyOf(one));
      // What is written meanwhile is to be copied, too; what was not known yet is taken as it was.
      const missingBytes = one.missingBytes ?? before?.missingBytes ?? 0;
      const totalBytes = Math.max(one.totalBytes ?? 0, before?.totalBytes ?? 0, missingBytes);
      this.#legs.set(keyOf(one), { totalBytes, missingBytes, isThere: false });
    }
  }

  /** One line for people. @param seconds  Since the first look, ≥ 0. */
  text(seconds: number): string {
    const all = this.#legs.size;
    const there = [...this.#legs.values()].filter(({ isThere }) => isThere).length;
    const total = this.#sum(({ totalBytes }) => totalBytes);
    const missing = this.#sum(({ missingBytes }) => missingBytes);
    const share = total === 0 ? there / Math.max(1, all) : 1 - missing / total;
    const amount = `${bytesText(total - missing)} of ${bytesText(total)}`;
    const bar = barText(there === all ? 1 : share);
    return `${there} of ${all} partitions ${bar}  ${amount}${this.#pace(missing, seconds)}`;
  }

  /** How fast it was so far, and how long the rest takes at that. */
  #pace(missingBytes: number, seconds: number): string {
    const copied = this.#missingAtStartBytes - missingBytes;
    if (seconds < 1 || copied <= 0) return "";
    const rate = copied / seconds;
    const left = missingBytes === 0 ? "" : `, ${spanText(missingBytes / rate)} left`;
    return `, ${bytesText(rate)}/s${left}`;
  }

  #sum(of: (leg: Leg) => number): number {
    let sum = 0;
    for (const leg of this.#legs.values()) sum += of(leg);
    return sum;
  }
}
