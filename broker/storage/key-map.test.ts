import { expect, test } from "@jest/globals";
import { KeyMap } from "./key-map.ts";

const hashKey = [1, 2, 3, 4] as const;
const bytesOf = (key: string): Buffer => Buffer.from(`<${key}>`);
const rangeOf = (bytes: Buffer): { from: number; to: number } => ({ from: 1, to: bytes.length - 1 });

function put(map: KeyMap, key: string, offset: number): void {
  const bytes = bytesOf(key);
  map.put(bytes, rangeOf(bytes), offset);
}

function newest(map: KeyMap, key: string): number {
  const bytes = bytesOf(key);
  return map.newestOf(bytes, 1, bytes.length - 1);
}

test("knows of each key the newest offset, up to as many keys as find room", () => {
  const map = new KeyMap({ bytesMax: 24 * 1000, keysMax: 1e9, hashKey });
  expect(map.countMax).toBe(800);
  for (let at = 0; at < 1600; at++) put(map, `key-${at % map.countMax}`, at);
  expect(map.count).toBe(800);
  for (let key = 0; key < 800; key++) expect(newest(map, `key-${key}`)).toBe(800 + key);
  expect(newest(map, "key-800")).toBe(-1);
  expect(newest(map, "")).toBe(-1);
  expect(() => put(map, "one more", 9999)).toThrow("room");
});

test("offsets beyond 32 bits and the empty key count like any other", () => {
  const map = new KeyMap({ bytesMax: 24 * 100, keysMax: 10, hashKey });
  put(map, "", 2 ** 52);
  put(map, "a", 0);
  expect([newest(map, ""), newest(map, "a")]).toEqual([2 ** 52, 0]);
});

test("takes no more memory than the keys could need", () => {
  expect(new KeyMap({ bytesMax: 2 ** 40, keysMax: 4, hashKey }).countMax).toBeLessThan(8);
});
