import { expect, test } from "@jest/globals";
import { barText, bytesText, spanText } from "./units.ts";

test.each([
  [0, "0 B"],
  [812, "812 B"],
  [1000, "1.0 kB"],
  [999_949, "999.9 kB"],
  [999_950, "1.0 MB"],
  [1_250_000_000, "1.3 GB"],
  [5e18, "5000.0 PB"],
])("%d bytes are %s", (bytes, text) => {
  expect(bytesText(bytes)).toBe(text);
});

test.each([
  [0.4, "0 s"],
  [59.6, "1 min 0 s"],
  [125, "2 min 5 s"],
  [11_240, "3 h 7 min"],
])("%d seconds are %s", (seconds, text) => {
  expect(spanText(seconds)).toBe(text);
});

test("a bar is full, and says 100 %, only when all is done", () => {
  expect(barText(0)).toBe(`[${" ".repeat(24)}]   0 %`);
  expect(barText(0.5)).toBe(`[${"#".repeat(12)}${" ".repeat(12)}]  50 %`);
  expect(barText(0.9999)).toBe(`[${"#".repeat(23)} ]  99 %`);
  expect(barText(1)).toBe(`[${"#".repeat(24)}] 100 %`);
  expect(barText(7)).toBe(barText(1));
});
