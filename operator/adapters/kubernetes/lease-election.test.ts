import { expect, test } from "@jest/globals";
import { silent } from "#base/logging.ts";
import { FakeClock } from "../../../broker/base/testing/fake-clock.ts";
import { LeaseElection, type LeaseObject, type LeaseRead, type LeaseWrite, type ReadLease } from "./lease-election.ts";
import { firstView, LEASE_DURATION_MS, type LeaseRecord, mayTake, outOfTouch, seen } from "./lease-state.ts";

/** The Lease of a cluster, with the API server in front of it. */
class FakeLease {
  record: LeaseRecord | null = null;
  version = 0;

  access(): FakeAccess {
    return new FakeAccess(this);
  }
}

class FakeAccess implements LeaseObject {
  isReachable = true;
  /** The next write lands, its answer is lost. */
  losesAnswer = false;
  readonly #lease: FakeLease;

  constructor(lease: FakeLease) {
    this.#lease = lease;
  }

  async read(): Promise<LeaseRead> {
    if (!this.isReachable) return { kind: "unreachable", reason: "refused" };
    const { record, version } = this.#lease;
    return { kind: "read", lease: record === null ? null : { record, token: version } };
  }

  async write(record: LeaseRecord, before: ReadLease | null): Promise<LeaseWrite> {
    if (!this.isReachable) return { kind: "unknown", reason: "refused" };
    const isCurrent = before === null ? this.#lease.record === null : before.token === this.#lease.version;
    if (!isCurrent) return { kind: "lost" };
    this.#lease.record = record;
    this.#lease.version++;
    if (!this.losesAnswer) return { kind: "written" };
    this.losesAnswer = false;
    return { kind: "unknown", reason: "timed out" };
  }
}

function processOn(lease: FakeLease, clock: FakeClock, identity: string) {
  const access = lease.access();
  const told: string[] = [];
  const election = new LeaseElection(
    { clock, logger: silent, lease: access },
    {
      identity,
      address: `10.0.0.${identity.length}:8080`,
      handlers: { onElected: () => told.push("elected"), onLost: () => told.push("lost") },
    },
  );
  election.start();
  return { election, access, told };
}

test("one of two gets it and keeps it; the other knows its address", async () => {
  const [lease, clock] = [new FakeLease(), new FakeClock()];
  const a = processOn(lease, clock, "a");
  await clock.advance(0);
  const b = processOn(lease, clock, "bb");
  await clock.advance(60_000);
  expect([a.told, b.told]).toEqual([["elected"], []]);
  expect([a.election.isCertain, b.election.isCertain]).toEqual([true, false]);
  expect(b.election.holder).toBe("10.0.0.1:8080");
});

test("a holder that died is followed after the duration and a retry at most", async () => {
  const [lease, clock] = [new FakeLease(), new FakeClock()];
  const a = processOn(lease, clock, "a");
  await clock.advance(0);
  const b = processOn(lease, clock, "bb");
  await clock.advance(3000);
  a.access.isReachable = false;
  await clock.advance(LEASE_DURATION_MS - 1000);
  expect(b.told).toEqual([]);
  await clock.advance(2000);
  expect(b.told).toEqual(["elected"]);
});

test("given up, it is taken within a second", async () => {
  const [lease, clock] = [new FakeLease(), new FakeClock()];
  const a = processOn(lease, clock, "a");
  await clock.advance(0);
  const b = processOn(lease, clock, "bb");
  await clock.advance(10_000);
  const stopped = a.election.stop();
  await clock.advance(1000);
  await stopped;
  expect([a.election.isCertain, a.election.holder, b.told]).toEqual([false, null, ["elected"]]);
});

test("a holder that cannot renew is in doubt after its deadline, and goes on when it can", async () => {
  const [lease, clock] = [new FakeLease(), new FakeClock()];
  const a = processOn(lease, clock, "a");
  await clock.advance(1000);
  a.access.isReachable = false;
  await clock.advance(3000);
  expect([a.election.isCertain, a.told]).toEqual([false, ["elected"]]);
  a.access.isReachable = true;
  await clock.advance(1000);
  expect([a.election.isCertain, a.told]).toEqual([true, ["elected"]]);
});

test("an API server that was away for all elects nobody else when it comes back", async () => {
  const [lease, clock] = [new FakeLease(), new FakeClock()];
  const a = processOn(lease, clock, "a");
  await clock.advance(0);
  const b = processOn(lease, clock, "bb");
  await clock.advance(2000);
  for (const { access } of [a, b]) access.isReachable = false;
  await clock.advance(120_000);
  for (const { access } of [b, a]) access.isReachable = true;
  await clock.advance(4000);
  expect([a.told, b.told]).toEqual([["elected"], []]);
  expect(a.election.isCertain).toBe(true);
});

test("who wakes up and finds another's name there has lost it", async () => {
  const [lease, clock] = [new FakeLease(), new FakeClock()];
  const a = processOn(lease, clock, "a");
  await clock.advance(0);
  const b = processOn(lease, clock, "bb");
  await clock.advance(1000);
  a.access.isReachable = false;
  await clock.advance(7000);
  a.access.isReachable = true;
  await clock.advance(1000);
  expect([a.told, b.told]).toEqual([["elected", "lost"], ["elected"]]);
});

test("a renewal whose answer was lost counts once it is read", async () => {
  const [lease, clock] = [new FakeLease(), new FakeClock()];
  const a = processOn(lease, clock, "a");
  a.access.losesAnswer = true;
  await clock.advance(0);
  expect(a.told).toEqual([]);
  await clock.advance(1000);
  expect([a.told, a.election.isCertain]).toEqual([["elected"], true]);
});

test("a clock that is wrong in the Lease, or ours, decides nothing", () => {
  const record = { holder: "x", address: null, durationMs: 5000, renewed: "1970-01-01T00:00:00Z" };
  const view = seen(firstView("me"), record, 1000);
  expect(mayTake(view, 5999)).toBe(false);
  expect(mayTake(seen(view, record, 6000), 6000)).toBe(true);
  expect(mayTake(seen(outOfTouch(view), record, 6000), 6000)).toBe(false);
  expect(mayTake(seen(view, { ...record, renewed: "1969" }, 6000), 6000)).toBe(false);
});
