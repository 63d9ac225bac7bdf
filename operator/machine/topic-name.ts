/** Names that differ only in '.' and '_' are one name in metrics. */
export const collisionKey = (name: string): string => name.replaceAll(".", "_");
