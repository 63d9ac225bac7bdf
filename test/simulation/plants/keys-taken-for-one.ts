import { KeyMap as Original } from "../../../broker/storage/key-map.ts";

/** As long as `key-1`, and what begins so is taken for it. */
const BYTES_LOOKED_AT = 5;

export class KeyMap extends Original {
  override put(bytes: Uint8Array, { from, to }: { from: number; to: number }, offset: number): void {
    super.put(bytes, { from, to: Math.min(to, from + BYTES_LOOKED_AT) }, offset);
  }

  override newestOf(bytes: Uint8Array, from: number, to: number): number {
    return super.newestOf(bytes, from, Math.min(to, from + BYTES_LOOKED_AT));
  }
}
