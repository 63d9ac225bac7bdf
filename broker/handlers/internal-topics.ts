import { OFFSETS_TOPIC } from "../groups/coordinator.ts";

/** Topics that brokers write for themselves: clients may read them, not write to them. */
export const isInternalTopic = (name: string): boolean => name === OFFSETS_TOPIC;
