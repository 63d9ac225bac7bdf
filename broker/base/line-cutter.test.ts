import { expect, test } from "@jest/globals";
import { LineCutter } from "./line-cutter.ts";

test("lines may be spread over any number of chunks, be empty, and lack the last line feed", () => {
  const cutter = new LineCutter();
  const taken = ["a\nb", "c", "", "d", "\n\n", "e"].map((chunk) =>
    [...cutter.push(Buffer.from(chunk))].map((line) => line.toString()),
  );
  expect(taken).toEqual([["a"], [], [], [], ["bcd", ""], []]);
  expect(cutter.restBytes).toBe(1);
  expect([...cutter.end()].map((line) => line.toString())).toEqual(["e"]);
  expect([...cutter.end()]).toEqual([]);
});

test("what is kept of a chunk for the next is no view on it: chunks of a byte would pin a block each", () => {
  const cutter = new LineCutter();
  const chunk = Buffer.from("a\nb");
  expect([...cutter.push(chunk)].map((line) => line.toString())).toEqual(["a"]);
  chunk.fill("x");
  expect([...cutter.push(Buffer.from("c\n"))].map((line) => line.toString())).toEqual(["bc"]);
});
