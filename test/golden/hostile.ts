/*
 * Damages every golden frame in every way that a short program can think of: cut off after each byte, and at each
 * position one, two, four and ten bytes replaced by the values that lengths are attacked with. Each must decode to
 * something or throw MalformedError, and must not make more than its bytes can pay for. A plain program, because a test
 * runner is a hundred times slower; golden.test.ts runs it.
 */
import { isMalformed } from "../../broker/wire/malformed.ts";
import { decodeLike, type GoldenFrame, goldenFrames } from "./golden-frames.ts";

const HIGHEST_RESIDENT_BYTES = 600 * 1024 * 1024;

const damages: readonly Buffer[] = [
  "ff",
  "7f",
  "80",
  "00",
  "01",
  "7fff",
  "8000",
  "fffe",
  "ffff",
  "7fffffff",
  "80000000",
  "fffffffe",
  "ffffffff",
  "00ffffff",
  "ffffffff0f",
  "ffffffff7f",
  "ffffffffff01",
  "808080808000",
  "ffffffffffffffffff01",
  "ffffffffffffffffffff",
].map((hex) => Buffer.from(hex, "hex"));

const tally = { frames: 0, tried: 0, refused: 0, decoded: 0 };
const failures: string[] = [];

/** All array elements in a decoded value. */
function elements(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, inner) => sum + elements(inner), value.length);
  if (typeof value !== "object" || value === null || Buffer.isBuffer(value)) return 0;
  return Object.values(value).reduce<number>((sum, inner) => sum + elements(inner), 0);
}

function attempt(golden: GoldenFrame, bytes: Buffer, what: string): void {
  tally.tried++;
  try {
    const count = elements(decodeLike(golden, bytes));
    tally.decoded++;
    if (count > bytes.length) failures.push(`${golden.name}, ${what}: ${count} elements from ${bytes.length} bytes`);
  } catch (error) {
    if (isMalformed(error)) tally.refused++;
    else failures.push(`${golden.name}, ${what}: ${String(error)}`);
  }
}

/** Damage starts behind the API key and version: another key is another message. */
const bodyStart = ({ direction }: GoldenFrame): number => (direction === "request" ? 8 : 4);

for (const golden of await goldenFrames()) {
  tally.frames++;
  for (let end = 0; end < golden.bytes.length; end++) {
    if (golden.direction === "request" && end < 4) continue;
    attempt(golden, golden.bytes.subarray(0, end), `cut after ${end}`);
  }
  for (let at = bodyStart(golden); at < golden.bytes.length; at++) {
    for (const damage of damages) {
      const bytes = Buffer.from(golden.bytes);
      damage.copy(bytes, at);
      attempt(golden, bytes, `${damage.toString("hex")} at ${at}`);
    }
  }
}

const residentBytes = process.resourceUsage().maxRSS * 1024;
if (residentBytes > HIGHEST_RESIDENT_BYTES) failures.push(`took ${residentBytes} bytes of memory`);
for (const failure of failures.slice(0, 20)) console.error(failure);
console.log(JSON.stringify({ ...tally, failures: failures.length }));
process.exitCode = failures.length === 0 ? 0 : 1;
