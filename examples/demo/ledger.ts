import { createHash, hash } from "node:crypto";

const DIGEST_BYTES = 32;
const ROOM_FIRST = 1 << 17;

export interface Verdict {
  readonly input: number;
  readonly acked: number;
  /** Records read back, copies included. */
  readonly readBack: number;
  /** Acknowledged, but not read back. */
  readonly lost: number;
  /** Read back more than once. */
  readonly duplicated: number;
  /** Read back after a later record of the same key. */
  readonly outOfOrder: number;
  /** Another key or another value than the input's, or no record of the input at all. */
  readonly changed: number;
  readonly keys: number;
  /** SHA-256 over keys and SHA-256 of the values, in the order of the input: of the input, and of what was read. */
  readonly inputDigest: string;
  readonly readDigest: string;
  readonly isPerfect: boolean;
}

/** Remembers of every record its key, the SHA-256 of its value, whether it was acknowledged, how often it was read. */
export class Ledger {
  readonly #keyIds = new Map<string, number>();
  readonly #keys: string[] = [];
  #keyOf = new Uint32Array(ROOM_FIRST);
  #digests = Buffer.alloc(ROOM_FIRST * DIGEST_BYTES);
  #ackedFlags = new Uint8Array(ROOM_FIRST);
  #readCounts = new Uint8Array(ROOM_FIRST);
  #intact = new Uint8Array(ROOM_FIRST);
  readonly #lastRead: number[] = [];
  input = 0;
  acked = 0;
  readBack = 0;
  #outOfOrder = 0;
  #changed = 0;

  /** Records are noted in the order of the input, each once. */
  noteInput(key: string, value: string): void {
    const n = this.input++;
    if (n >= this.#keyOf.length) this.#grow();
    let id = this.#keyIds.get(key);
    if (id === undefined) {
      id = this.#keys.length;
      this.#keyIds.set(key, id);
      this.#keys.push(key);
      this.#lastRead.push(-1);
    }
    this.#keyOf[n] = id;
    hash("sha256", value, "buffer").copy(this.#digests, n * DIGEST_BYTES);
  }

  noteAck(n: number): void {
    if (this.#ackedFlags[n] === 1) throw new Error(`record ${n} was acknowledged twice`);
    this.#ackedFlags[n] = 1;
    this.acked++;
  }

  noteRead(n: number, key: string, value: Buffer): void {
    this.readBack++;
    if (!Number.isInteger(n) || n < 0 || n >= this.input) {
      this.#changed++;
      return;
    }
    const count = (this.#readCounts[n] ?? 0) + 1;
    this.#readCounts[n] = Math.min(count, 255);
    const id = this.#keyOf[n] ?? 0;
    const digest = hash("sha256", value, "buffer");
    const isSame =
      this.#keys[id] === key && digest.equals(this.#digests.subarray(n * DIGEST_BYTES, (n + 1) * DIGEST_BYTES));
    if (isSame) this.#intact[n] = 1;
    else this.#changed++;
    const last = this.#lastRead[id] ?? -1;
    if (n < last) this.#outOfOrder++;
    else this.#lastRead[id] = n;
  }

  verdict(): Verdict {
    let lost = 0;
    let duplicated = 0;
    const inputHash = createHash("sha256");
    const readHash = createHash("sha256");
    for (let n = 0; n < this.input; n++) {
      const count = this.#readCounts[n] ?? 0;
      if (count === 0 && this.#ackedFlags[n] === 1) lost++;
      if (count > 1) duplicated += count - 1;
      const key = this.#keys[this.#keyOf[n] ?? 0] ?? "";
      const digest = this.#digests.subarray(n * DIGEST_BYTES, (n + 1) * DIGEST_BYTES);
      inputHash.update(key).update(digest);
      if (this.#intact[n] === 1) readHash.update(key).update(digest);
    }
    const inputDigest = inputHash.digest("hex");
    const readDigest = readHash.digest("hex");
    const faults = lost + duplicated + this.#outOfOrder + this.#changed;
    return {
      input: this.input,
      acked: this.acked,
      readBack: this.readBack,
      lost,
      duplicated,
      outOfOrder: this.#outOfOrder,
      changed: this.#changed,
      keys: this.#keys.length,
      inputDigest,
      readDigest,
      isPerfect: faults === 0 && this.acked === this.input && inputDigest === readDigest,
    };
  }

  #grow(): void {
    const room = this.#keyOf.length * 2;
    const wider = <T extends Uint8Array | Uint32Array>(before: T, after: T): T => {
      after.set(before);
      return after;
    };
    this.#keyOf = wider(this.#keyOf, new Uint32Array(room));
    this.#digests = Buffer.concat([this.#digests], room * DIGEST_BYTES);
    this.#ackedFlags = wider(this.#ackedFlags, new Uint8Array(room));
    this.#readCounts = wider(this.#readCounts, new Uint8Array(room));
    this.#intact = wider(this.#intact, new Uint8Array(room));
  }
}
