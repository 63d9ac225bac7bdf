import type { Offset } from "../base/ids.ts";
import type { LogEndView } from "./log.ts";

/**
 * The log end that a replica may state of itself, to its leader or, as leader, to the high watermark. What is only in
 * the memory of the process is not counted: it dies with the process.
 */
export const countedEnd = (log: LogEndView): Offset => log.durableEnd;
