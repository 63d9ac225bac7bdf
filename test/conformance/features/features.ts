import { admin } from "./admin.ts";
import { codecs } from "./codecs.ts";
import { compacted } from "./compacted.ts";
import { cooperative } from "./cooperative.ts";
import type { Feature } from "./feature.ts";
import { automaticCommits, group, resume } from "./groups.ts";
import { idempotent } from "./idempotent.ts";
import { leaderKills } from "./leader-killed.ts";
import { noReset } from "./no-reset.ts";
import { recompressions } from "./recompression.ts";
import { seek } from "./seek.ts";
import { staticMember } from "./static-member.ts";
import { transactions } from "./transactions.ts";

/** What is asked of every client, in the order of the page. */
export const features: readonly Feature[] = [
  ...codecs,
  ...recompressions,
  idempotent,
  transactions,
  group,
  cooperative,
  staticMember,
  resume,
  automaticCommits,
  noReset,
  seek,
  compacted,
  admin,
  ...leaderKills,
];
