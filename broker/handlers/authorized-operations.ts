/*
 * Without authorization everybody may do everything; asked for it, these bits say so. The numbers of the operations
 * are Kafka's: read 3, write 4, create 5, delete 6, alter 7, describe 8, cluster action 9, describe configs 10, alter
 * configs 11, idempotent write 12.
 */
const bits = (operations: readonly number[]): number => operations.reduce((all, one) => all | (1 << one), 0);

export const TOPIC_OPERATIONS = bits([3, 4, 5, 6, 7, 8, 10, 11]);
export const CLUSTER_OPERATIONS = bits([5, 7, 8, 9, 10, 11, 12]);
export const GROUP_OPERATIONS = bits([3, 6, 8]);
/** The answer when it was not asked for. */
export const NOT_ASKED = -0x8000_0000;
