import { readFileSync } from "node:fs";

/** Of this package, as the image's tag and the chart have it. */
export const VERSION: string = JSON.parse(
  readFileSync(new URL("../../../package.json", import.meta.url), "utf8"),
).version;
