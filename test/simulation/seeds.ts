/**
 * Seeds that once found a bug, and what it was. They always run first. A change of the workload changes what a seed
 * does, so that a seed is a reminder to look there, and the smallest test beside the code holds the rule.
 */
export const seeds: readonly { readonly seed: number; readonly story: string }[] = [
  { seed: 1, story: "a silent follower was removed from the ISR and added again every few milliseconds" },
  { seed: 6, story: "an announcement that came during recovery made a broker register before it knew its logs" },
  { seed: 32, story: "a broker kept dialling the address of a controller that was gone for good" },
  { seed: 283, story: "a checkpointed high watermark from before a loss covered records that were never committed" },
  { seed: 357, story: "one that was no member was elected for its later epoch, over members that kept more" },
  { seed: 54, story: "a log copied from a compacted one did not know a batch that its producer sent again" },
];
