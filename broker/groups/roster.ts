import type { Member } from "./member.ts";

/** Who is in a group: members, static ones by their instance too, and ids given out that nobody has used yet. */
export class Roster {
  readonly #members = new Map<string, Member>();
  readonly #byInstance = new Map<string, Member>();
  /** Until when each id that was given out may be used, monotonic milliseconds. */
  readonly #pending = new Map<string, number>();
  leader: string | null = null;

  get size(): number {
    return this.#members.size;
  }

  /** Members and those that have been promised a place. */
  get places(): number {
    return this.#members.size + this.#pending.size;
  }

  get hasPending(): boolean {
    return this.#pending.size > 0;
  }

  all(): Member[] {
    return [...this.#members.values()];
  }

  get(id: string): Member | undefined {
    return this.#members.get(id);
  }

  ofInstance(instanceId: string): Member | undefined {
    return this.#byInstance.get(instanceId);
  }

  add(member: Member): void {
    this.#pending.delete(member.id);
    this.#members.set(member.id, member);
    if (member.parts.instanceId !== null) this.#byInstance.set(member.parts.instanceId, member);
    this.leader ??= member.id;
  }

  remove(member: Member): void {
    this.#members.delete(member.id);
    if (member.parts.instanceId !== null) this.#byInstance.delete(member.parts.instanceId);
    if (this.leader === member.id) this.leader = this.all()[0]?.id ?? null;
  }

  promise(id: string, untilMs: number): void {
    this.#pending.set(id, untilMs);
  }

  isPromised(id: string): boolean {
    return this.#pending.has(id);
  }

  /** True when the id was given out and not used. */
  forgetPromise(id: string): boolean {
    return this.#pending.delete(id);
  }

  /** Takes back ids that nobody used in time; true when there were any. */
  expirePromises(nowMs: number): boolean {
    let hasExpired = false;
    for (const [id, untilMs] of this.#pending) {
      if (untilMs > nowMs) continue;
      this.#pending.delete(id);
      hasExpired = true;
    }
    return hasExpired;
  }

  /** When the next member or promise is due, if nothing is heard of it. */
  nextExpiryMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const untilMs of this.#pending.values()) next = Math.min(next, untilMs);
    for (const member of this.#members.values()) {
      if (!member.isWaiting) next = Math.min(next, member.aliveUntilMs);
    }
    return next;
  }
}
