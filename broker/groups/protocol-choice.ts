import type { Member } from "./member.ts";

/** Names of protocols that every member offers, in the order of the first member's liking. */
function common(members: readonly Member[]): string[] {
  const [first, ...others] = members;
  const names = first?.parts.protocols.map(({ name }) => name) ?? [];
  return names.filter((name) => others.every(({ parts }) => parts.protocols.some((offer) => offer.name === name)));
}

/** Whether somebody who offers `names` can be one of `members`: of those that stay, when it takes another's place. */
export const hasCommonProtocol = (members: readonly Member[], names: readonly string[]): boolean =>
  members.length === 0 ? names.length > 0 : common(members).some((name) => names.includes(name));

/** The protocol of a generation: each member votes for the first of its own that all offer; most votes win. */
export function chooseProtocol(members: readonly Member[]): string | null {
  const candidates = common(members);
  const votes = new Map(candidates.map((name) => [name, 0]));
  for (const { parts } of members) {
    const liked = parts.protocols.find(({ name }) => votes.has(name));
    if (liked !== undefined) votes.set(liked.name, (votes.get(liked.name) ?? 0) + 1);
  }
  let best: string | null = null;
  for (const [name, count] of votes) if (best === null || count > (votes.get(best) ?? 0)) best = name;
  return best;
}
