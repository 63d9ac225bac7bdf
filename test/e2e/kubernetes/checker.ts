import { readTopic } from "../../../examples/demo/reader.ts";
import { type LoadTarget, valueOf } from "./load.ts";

export interface ReadBackVerdict {
  readonly read: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly outOfOrder: number;
  readonly changed: number;
}

/**
 * Reads a whole topic back, with another client library than the one that wrote it, and compares: every acknowledged
 * record is there, once, in the order in which its partition's producer wrote it. A record whose ack never came may be
 * there once, as the last of its partition.
 */
export async function readBack(target: LoadTarget, ackedOf: readonly number[]): Promise<ReadBackVerdict> {
  const seen = ackedOf.map(() => new Map<number, number>());
  const last = ackedOf.map(() => -1);
  let [read, outOfOrder, changed] = [0, 0, 0];
  await readTopic(target, ({ n, value }) => {
    read++;
    const text = value.toString();
    const partition = Number(text.slice(0, text.indexOf(":")));
    const places = seen[partition];
    const isKnown = places !== undefined && n >= 0 && n <= (ackedOf[partition] ?? 0);
    if (!isKnown || text !== valueOf(partition, n)) {
      changed++;
      return;
    }
    if (n < (last[partition] ?? -1)) outOfOrder++;
    last[partition] = Math.max(n, last[partition] ?? -1);
    places.set(n, (places.get(n) ?? 0) + 1);
  });
  let [lost, duplicated] = [0, 0];
  for (const [partition, acked] of ackedOf.entries()) {
    const places = seen[partition] ?? new Map<number, number>();
    for (let place = 0; place < acked; place++) if (!places.has(place)) lost++;
    for (const times of places.values()) duplicated += times - 1;
  }
  return { read, lost, duplicated, outOfOrder, changed };
}

/** What is wrong, in one line; "" when nothing is. */
export function faultOf({ lost, duplicated, outOfOrder, changed }: ReadBackVerdict): string {
  const faults = { lost, duplicated, "out of order": outOfOrder, changed };
  const found = Object.entries(faults).filter(([, count]) => count > 0);
  return found.map(([what, count]) => `${count} ${what}`).join(", ");
}
