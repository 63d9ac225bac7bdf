import type { registrationCommits as original } from "../../../operator/machine/registration-order.ts";

export const registrationCommits: typeof original = ({ consequences, entry }) =>
  [entry, consequences].filter((changes) => changes.length > 0);
