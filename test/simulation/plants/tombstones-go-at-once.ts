import { filterBatch as original } from "../../../broker/wire/record-filter.ts";

export * from "../../../broker/wire/record-filter.ts";

export const filterBatch: typeof original = (bytes, at, rules) => original(bytes, at, { ...rules, deleteHorizonMs: 0 });
