import type { producersAfterCut as original } from "../../../broker/storage/producer-rebuild.ts";

export const producersAfterCut: typeof original = ({ current }) => current;
