/** Seeds that once found a bug, and what it was. They always run first. */
export const seeds: readonly { readonly seed: number; readonly story: string }[] = [];
