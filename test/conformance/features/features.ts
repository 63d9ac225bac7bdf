import { admin } from "./admin.ts";
import { codecs } from "./codecs.ts";
import type { Feature } from "./feature.ts";
import { group, resume } from "./groups.ts";
import { idempotent } from "./idempotent.ts";
import { leaderKills } from "./leader-killed.ts";
import { seek } from "./seek.ts";

/** What is asked of every client, in the order of the page. */
export const features: readonly Feature[] = [...codecs, idempotent, group, resume, seek, admin, ...leaderKills];
