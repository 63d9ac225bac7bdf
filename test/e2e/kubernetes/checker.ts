import { readTopic } from "../../../examples/demo/reader.ts";
import { type LoadTarget, valueOf } from "./load.ts";

export interface Verdict {
  readonly read: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly outOfOrder: number;
  /** With another content than its place says, or of a place that was never written. */
  readonly changed: number;
}

/**
 * Compares what was read back with what was acknowledged: every acknowledged record is there, once, in the order in
 * which its partition's producer wrote it. A record whose ack never came may be there too, once, as the last.
 */
export class Checker {
  /** By partition: places 0 up to this number were acknowledged. */
  readonly #ackedOf: readonly number[];
  readonly #timesOf: readonly Map<number, number>[];
  readonly #last: number[];
  #read = 0;
  #outOfOrder = 0;
  #changed = 0;

  constructor(ackedOf: readonly number[]) {
    this.#ackedOf = ackedOf;
    this.#timesOf = ackedOf.map(() => new Map());
    this.#last = ackedOf.map(() => -1);
  }

  /** Records of one partition come in the order of their offsets. */
  note(place: number, value: string): void {
    this.#read++;
    const partition = Number.parseInt(value);
    const times = this.#timesOf[partition];
    const isKnown = times !== undefined && place >= 0 && place <= (this.#ackedOf[partition] ?? 0);
    if (!isKnown || value !== valueOf(partition, place)) {
      this.#changed++;
      return;
    }
    const last = this.#last[partition] ?? -1;
    if (place < last) this.#outOfOrder++;
    this.#last[partition] = Math.max(place, last);
    times.set(place, (times.get(place) ?? 0) + 1);
  }

  verdict(): Verdict {
    let [lost, duplicated] = [0, 0];
    for (const [partition, times] of this.#timesOf.entries()) {
      for (let place = 0; place < (this.#ackedOf[partition] ?? 0); place++) if (!times.has(place)) lost++;
      for (const count of times.values()) duplicated += count - 1;
    }
    return { read: this.#read, lost, duplicated, outOfOrder: this.#outOfOrder, changed: this.#changed };
  }
}

/** Reads a whole topic, with another client library than the one that wrote it. */
export async function readBack(target: LoadTarget, ackedOf: readonly number[]): Promise<Verdict> {
  const checker = new Checker(ackedOf);
  await readTopic(target, ({ n, value }) => checker.note(n, value.toString()));
  return checker.verdict();
}

/** What is wrong, in one line; "" when nothing is. */
export function faultOf({ lost, duplicated, outOfOrder, changed }: Verdict): string {
  const faults = { lost, duplicated, "out of order": outOfOrder, changed };
  const found = Object.entries(faults).filter(([, count]) => count > 0);
  return found.map(([what, count]) => `${count} ${what}`).join(", ");
}
