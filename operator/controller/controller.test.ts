import { describe, expect, test } from "@jest/globals";
import { brokerId, controllerEpoch, type Incarnation } from "#base/ids.ts";
import { settle } from "#base/testing/fake-clock.ts";
import { noFaults, type StoreFault } from "../adapters/memory/memory-store.ts";
import { FakeBroker, TestCluster } from "./testing/cluster.ts";

const refusalOf = (broker: FakeBroker) => broker.received.find((message) => message.type === "refused");

describe("registration", () => {
  test("a broker is answered with all there is, once its entry is committed", async () => {
    const cluster = new TestCluster();
    await cluster.start(2);
    const { registered } = cluster.broker(2);
    expect(registered).toMatchObject({ clusterId: "c1", controllerEpoch: 1, brokerEpoch: 2, sessionTimeoutMs: 4000 });
    expect(registered?.snapshot.brokers.map((row) => row.id)).toEqual([1, 2]);
    expect(cluster.metadata.state.brokers.size).toBe(2);
  });

  test("versions follow each other without a gap", async () => {
    const cluster = new TestCluster();
    await cluster.start(3);
    await cluster.createTopic("t", [[1, 2, 3]]);
    await settle();
    const versions = cluster.broker(1).versions();
    const first = versions[0]!.sequence;
    expect(versions.map((version) => version.sequence)).toEqual(versions.map((_, index) => first + index));
    expect(versions.at(-1)).toEqual(cluster.metadata.state.version);
  });

  test("a second process under the id of one that lives is refused; after its death it is taken", async () => {
    const cluster = new TestCluster();
    await cluster.start(2);
    const elsewhere = { host: "h", port: 8900 };
    const twin = await cluster.join(new FakeBroker(1, { incarnation: "1b" as Incarnation, http: elsewhere }));
    expect(refusalOf(twin)).toMatchObject({ code: "DUPLICATE_BROKER" });
    cluster.brokers.pop();
    cluster.broker(1).die();
    const successor = await cluster.join(new FakeBroker(1, { incarnation: "1c" as Incarnation, http: elsewhere }));
    expect(successor.registered).toMatchObject({ brokerEpoch: 3 });
  });

  test("whether the earlier process lives is waited for when it answers nothing", async () => {
    const cluster = new TestCluster();
    await cluster.start(1);
    cluster.broker(1).process = "silent";
    const twin = new FakeBroker(1, { incarnation: "1b" as Incarnation, http: { host: "h", port: 8900 } });
    await cluster.join(twin);
    await cluster.clock.advance(400);
    expect(refusalOf(twin)).toMatchObject({ code: "NOT_READY" });
  });

  test("a broker that is fenced while its registration waits for the store has to register again", async () => {
    const faults = { next: (): StoreFault => fault };
    let fault: StoreFault = { kind: "none" };
    const cluster = new TestCluster({ faults });
    await cluster.start(3);
    await cluster.pass(500);
    const one = cluster.broker(1);
    one.process = "silent";
    one.cut();
    await cluster.pass(3000);
    fault = { kind: "none", answerDelayMs: 2000 };
    const creation = cluster.createTopic("t", [[2]]);
    await settle();
    one.dial(cluster.controller);
    await cluster.pass(4500);
    await creation;
    expect(cluster.metadata.state.brokers.get(brokerId(1))?.isFenced).toBe(true);
    expect(one.isConnected).toBe(false);
  });

  test("another cluster's broker and another contract are refused", async () => {
    const cluster = new TestCluster();
    await cluster.start(0);
    const foreign = await cluster.join(new FakeBroker(1, { clusterId: "c2" }));
    expect(refusalOf(foreign)).toMatchObject({ code: "WRONG_CLUSTER" });
    const ancient = await cluster.join(new FakeBroker(1, { contractVersion: 0 }));
    expect(refusalOf(ancient)).toMatchObject({ code: "WRONG_VERSION" });
  });

  test("a stream that speaks garbage, or never registers, is closed", async () => {
    const cluster = new TestCluster();
    await cluster.start(1);
    const liar = cluster.broker(1);
    liar.say({ type: "isrProposal", topicId: "no id" });
    await settle();
    expect(liar.isConnected).toBe(false);
    const mute = new FakeBroker(2, { brokerId: "x" as never });
    await cluster.join(mute);
    expect(mute.isConnected).toBe(false);
  });
});

describe("failure detection", () => {
  test("a process that is gone is replaced as leader within a tenth of a second", async () => {
    const cluster = new TestCluster();
    await cluster.start(3);
    await cluster.createTopic("t", [[1, 2, 3]]);
    cluster.broker(1).die();
    await cluster.clock.advance(100);
    expect(cluster.row()).toMatchObject({ leader: 2, leaderEpoch: 1, isr: [2, 3] });
    expect(cluster.broker(2).received.at(-1)).toMatchObject({ type: "delta" });
  });

  test("a broken stream alone is no death: the process answers and comes back", async () => {
    const cluster = new TestCluster();
    await cluster.start(3);
    await cluster.createTopic("t", [[1, 2, 3]]);
    cluster.broker(1).cut();
    await cluster.pass(2000);
    expect(cluster.row().leader).toBe(1);
    cluster.broker(1).dial(cluster.controller);
    await cluster.pass(6000);
    expect(cluster.row()).toMatchObject({ leader: 1, leaderEpoch: 0, isr: [1, 2, 3] });
  });

  test("a frozen process is replaced when its session ends", async () => {
    const cluster = new TestCluster();
    await cluster.start(3);
    await cluster.createTopic("t", [[1, 2, 3]]);
    await cluster.pass(1000);
    cluster.broker(1).process = "silent";
    await cluster.pass(3000);
    expect(cluster.row().leader).toBe(1);
    await cluster.pass(2000);
    expect(cluster.row()).toMatchObject({ leader: 2, isr: [2, 3] });
    expect(cluster.metadata.state.brokers.get(brokerId(1))?.isFenced).toBe(true);
  });

  test("sessions that end together are one decision", async () => {
    const cluster = new TestCluster();
    await cluster.start(4);
    await cluster.createTopic("t", [[1, 2, 3]]);
    await cluster.pass(1000);
    cluster.broker(1).process = "silent";
    await cluster.pass(1500);
    cluster.broker(2).process = "silent";
    await cluster.pass(3500);
    expect(cluster.row()).toMatchObject({ leader: 3, leaderEpoch: 1, isr: [3] });
  });

  test("when most streams break at once a refusal is not trusted before the sessions end", async () => {
    const cluster = new TestCluster();
    await cluster.start(3);
    await cluster.createTopic("t", [[1, 2, 3]]);
    cluster.broker(1).die();
    cluster.broker(2).die();
    await cluster.pass(3000);
    expect(cluster.row().leader).toBe(1);
    await cluster.pass(2000);
    expect(cluster.row()).toMatchObject({ leader: 3, isr: [3] });
  });

  test("a controller that stood still itself blames nobody for the silence", async () => {
    const cluster = new TestCluster();
    await cluster.start(3);
    await cluster.createTopic("t", [[1, 2, 3]]);
    await cluster.pass(500);
    // All timers fall due at once, with nothing read in between.
    cluster.clock.jump(20_000);
    await cluster.pass(3000);
    expect(cluster.row()).toMatchObject({ leader: 1, isr: [1, 2, 3] });
    expect(cluster.ends).toEqual([]);
  });

  test("nor does it when it stood still in the middle of judging somebody", async () => {
    const cluster = new TestCluster();
    await cluster.start(3);
    await cluster.pass(2500);
    cluster.broker(3).process = "silent";
    await cluster.pass(1000);
    cluster.broker(2).process = "silent";
    // The tick at which broker 3 is over asks broker 2; the answer is out when everything stops.
    await cluster.pass(2770);
    cluster.clock.jump(20_000);
    // Timers fall due before anything is read.
    await cluster.clock.advance(1);
    expect(cluster.metadata.state.brokers.get(brokerId(1))?.isFenced).toBe(false);
  });

  test("a broker whose disk failed leads nothing any more, though its process still answers", async () => {
    const cluster = new TestCluster();
    await cluster.start(2);
    await cluster.createTopic("t", [[1, 2]]);
    cluster.broker(1).say({ type: "storageFailed" });
    await settle();
    expect(cluster.row()).toMatchObject({ leader: 2, isr: [2] });
  });
});

describe("a start with other settings", () => {
  test("gives up the claim of synced members before any broker may rely on the looser setting", async () => {
    const strict = new TestCluster({ config: { "log.flush.interval.messages": "1" } });
    await strict.start(2);
    await strict.createTopic("t", [[1, 2]]);
    const { topicId, partition, leaderEpoch, partitionEpoch } = strict.row();
    strict.broker(1).say({ type: "synced", topicId, partition, leaderEpoch, partitionEpoch, synced: true });
    await settle();
    expect(strict.row()).toMatchObject({ synced: true, partitionEpoch: 1 });
    await strict.controller.stop();
    const loose = new TestCluster({ metadata: strict.metadata, clock: strict.clock });
    await loose.start(0);
    await settle();
    expect(loose.row()).toMatchObject({ synced: false, leader: 1, isr: [1, 2], partitionEpoch: 2 });
  });
});

describe("proposals", () => {
  test("a refusal names the attempt; an accepted one shows as a newer row at every broker", async () => {
    const cluster = new TestCluster();
    await cluster.start(2);
    await cluster.createTopic("t", [[1, 2]]);
    const leader = cluster.broker(1);
    leader.propose(cluster.row(), [{ broker: 1, brokerEpoch: 99 }]);
    await settle();
    expect(leader.received.at(-1)).toMatchObject({ type: "isrRefused", attempt: 1, partitionEpoch: 0 });
    leader.propose(cluster.row(), [{ broker: 1, brokerEpoch: 1 }]);
    await settle();
    for (const broker of cluster.brokers) {
      const delta = broker.received.findLast((message) => message.type === "delta");
      expect(delta?.type === "delta" && delta.rows.partitions[0]).toMatchObject({ isr: [1], partitionEpoch: 1 });
    }
  });

  test("what waits while a write is in flight goes into one write", async () => {
    let delayMs = 0;
    const faults = { next: (): StoreFault => ({ kind: "none", delayMs }) };
    const cluster = new TestCluster({ faults });
    await cluster.start(2);
    await cluster.createTopic(
      "t",
      Array.from({ length: 50 }, () => [1, 2]),
    );
    const before = cluster.metadata.state.version.sequence;
    delayMs = 5;
    for (let partition = 0; partition < 50; partition++) {
      cluster.broker(1).propose(cluster.row(partition), [{ broker: 1, brokerEpoch: 1 }]);
    }
    await cluster.clock.advance(100);
    expect(cluster.metadata.state.version.sequence - before).toBeLessThanOrEqual(2);
    for (let partition = 0; partition < 50; partition++) expect(cluster.row(partition).isr).toEqual([1]);
  });
});

describe("commits", () => {
  test("nothing is told before it is committed", async () => {
    let isHeld = false;
    const faults = { next: (): StoreFault => ({ kind: "none", delayMs: isHeld ? 1000 : 0 }) };
    const cluster = new TestCluster({ faults });
    await cluster.start(3);
    await cluster.createTopic("t", [[1, 2, 3]]);
    await settle();
    isHeld = true;
    cluster.broker(1).die();
    await cluster.clock.advance(900);
    expect(cluster.broker(2).received.some((message) => message.type === "delta" && isElection(message.rows))).toBe(
      false,
    );
    await cluster.clock.advance(300);
    expect(cluster.broker(2).received.some((message) => message.type === "delta" && isElection(message.rows))).toBe(
      true,
    );
  });

  const isElection = (rows: { partitions: readonly { leader: number }[] }): boolean =>
    rows.partitions.some((row) => row.leader === 2);

  test.each([true, false])("an unknown outcome is settled by the same write (landed: %s)", async (landed) => {
    let doubts = 0;
    const faults = {
      next(access: string): StoreFault {
        if (access !== "commit" || doubts === 0) return { kind: "none" };
        doubts--;
        return { kind: { unknown: { landed } } };
      },
    };
    const cluster = new TestCluster({ faults });
    await cluster.start(3);
    doubts = 2;
    const created = cluster.createTopic("t", [[1, 2, 3]]);
    await cluster.clock.advance(500);
    await created;
    const { version } = cluster.metadata.state;
    expect(cluster.metadata.state.topics.size).toBe(1);
    expect(cluster.broker(1).versions().at(-1)).toEqual(version);
    expect(cluster.ends).toEqual([]);
  });

  test("while the store cannot be reached nothing fails over, and all is made up for afterwards", async () => {
    let isReachable = true;
    const faults = { next: (): StoreFault => (isReachable ? { kind: "none" } : { kind: "unreachable" }) };
    const cluster = new TestCluster({ faults });
    await cluster.start(3);
    await cluster.createTopic("t", [[1, 2, 3]]);
    isReachable = false;
    cluster.broker(1).die();
    await cluster.pass(10_000);
    expect(cluster.row().leader).toBe(1);
    expect(cluster.controller.status().condition).toBe("storeUnreachable");
    expect(cluster.broker(2).isConnected).toBe(true);
    isReachable = true;
    await cluster.pass(1000);
    expect(cluster.row().leader).toBe(2);
    expect(cluster.controller.status().condition).toBe("active");
  });
});

describe("takeover", () => {
  test("a successor claims a higher epoch, calls the brokers, and elects for those who died meanwhile", async () => {
    const cluster = new TestCluster();
    await cluster.start(3);
    await cluster.createTopic("t", [[1, 2, 3]]);
    await cluster.controller.stop();
    cluster.broker(1).die();
    cluster.controller = cluster.newController();
    await cluster.controller.start();
    expect(cluster.metadata.state.version.controllerEpoch).toBe(2);
    await settle();
    for (const id of [2, 3]) {
      expect(cluster.broker(id).announced).toBeGreaterThan(0);
      cluster.broker(id).dial(cluster.controller);
    }
    await cluster.clock.advance(300);
    expect(cluster.row()).toMatchObject({ leader: 2, leaderEpoch: 1 });
    expect(cluster.broker(2).registered).toMatchObject({ controllerEpoch: 2, brokerEpoch: 2 });
  });

  test("brokers that cannot be asked count as alive for a session timeout", async () => {
    const cluster = new TestCluster();
    await cluster.start(3);
    await cluster.createTopic("t", [[1, 2, 3]]);
    await cluster.controller.stop();
    cluster.controller = cluster.newController();
    await cluster.controller.start();
    cluster.broker(1).process = "silent";
    for (const id of [2, 3]) cluster.broker(id).dial(cluster.controller);
    await cluster.pass(3500);
    expect(cluster.row().leader).toBe(1);
    await cluster.pass(1500);
    expect(cluster.row().leader).toBe(2);
  });

  test("a predecessor that was paused decides nothing any more, and ends", async () => {
    const cluster = new TestCluster();
    await cluster.start(3);
    await cluster.createTopic("t", [[1, 2, 3]]);
    const old = cluster.controller;
    const successor = cluster.newController();
    await successor.start();
    const { version } = cluster.metadata.state;
    const response = old.admin({ kind: "allocateProducerIds" });
    await cluster.clock.advance(100);
    expect(await response).toMatchObject({ kind: "failed", errorCode: 41 });
    expect(cluster.metadata.state.version).toEqual(version);
    expect(cluster.ends).toEqual([{ kind: "deposed" }]);
    expect(cluster.broker(1).isConnected).toBe(false);
  });

  test("a predecessor without work notices, too", async () => {
    const cluster = new TestCluster();
    await cluster.start(1);
    await cluster.newController().start();
    await cluster.pass(1500);
    expect(cluster.ends).toEqual([{ kind: "deposed" }]);
  });

  test("a claim that a predecessor's last commit overtook is made again", async () => {
    const cluster = new TestCluster();
    await cluster.start(1);
    let isFirst = true;
    const faults = {
      next: (access: string): StoreFault => {
        const isSlow = access === "commit" && isFirst;
        if (isSlow) isFirst = false;
        return isSlow ? { kind: "none", delayMs: 200 } : noFaults.next("load");
      },
    };
    const successor = cluster.newController(faults);
    const started = successor.start();
    await settle();
    await cluster.admin({ kind: "allocateProducerIds" });
    await cluster.clock.advance(300);
    await started;
    expect(cluster.metadata.state).toMatchObject({ version: { controllerEpoch: 2 }, nextProducerId: 1000 });
    expect(successor.status().condition).toBe("active");
  });

  test("a store of another cluster is not taken", async () => {
    const cluster = new TestCluster();
    await cluster.start(1);
    const other = new TestCluster({ metadata: cluster.metadata, clusterId: "c2" });
    await expect(other.controller.start()).rejects.toThrow("belongs to cluster c1");
  });
});

describe("a store that was set back", () => {
  const told = { controllerEpoch: controllerEpoch(7), sequence: 12 };

  test("nothing is decided once a broker was told more than the store knows", async () => {
    const cluster = new TestCluster();
    await cluster.start(1);
    const witness = await cluster.join(new FakeBroker(2, { metadataVersion: told }));
    expect(refusalOf(witness)).toMatchObject({ code: "STALE_CONTROLLER" });
    await settle();
    expect(cluster.controller.status()).toMatchObject({ condition: "blocked" });
    expect(await cluster.admin({ kind: "allocateProducerIds" })).toMatchObject({ kind: "failed" });
    const { version } = cluster.metadata.state;
    cluster.broker(1).die();
    await cluster.pass(6000);
    expect(cluster.metadata.state.version).toEqual(version);
  });

  test("starting again and again on such a store does not make it trusted", async () => {
    const first = new TestCluster();
    await first.start(1);
    const { version } = first.metadata.state;
    const ahead = { ...version, sequence: version.sequence + 1 };
    await first.controller.stop();
    for (let start = 0; start < 3; start++) {
      const cluster = new TestCluster({ metadata: first.metadata });
      await cluster.start(0);
      const honest = await cluster.join(new FakeBroker(2, { metadataVersion: version }));
      expect(honest.registered).not.toBeNull();
      await cluster.join(new FakeBroker(3, { metadataVersion: ahead }));
      expect(cluster.controller.status().condition).toBe("blocked");
      await cluster.controller.stop();
    }
  });
});

describe("planned moves", () => {
  test("a broker that wishes to stop hands over what it leads, leaves every ISR, and may go", async () => {
    const cluster = new TestCluster();
    await cluster.start(3);
    await cluster.createTopic("t", [
      [1, 2, 3],
      [2, 3, 1],
    ]);
    cluster.broker(1).say({ type: "shutdownWish" });
    await cluster.pass(200);
    expect(cluster.row(0)).toMatchObject({ leader: 2, leaderEpoch: 1, isr: [2, 3] });
    expect(cluster.row(1)).toMatchObject({ leader: 2, leaderEpoch: 0, isr: [2, 3] });
    expect(cluster.broker(1).received.at(-1)).toEqual({ type: "shutdownReady" });
  });

  test("a hand-over that nobody answers keeps the leader, and the broker may go all the same", async () => {
    const cluster = new TestCluster();
    await cluster.start(2);
    await cluster.createTopic("t", [[1, 2]]);
    cluster.broker(1).isObliging = false;
    cluster.broker(1).say({ type: "shutdownWish" });
    await cluster.pass(4000);
    expect(cluster.row()).toMatchObject({ leader: 1, isr: [1, 2] });
    expect(cluster.broker(1).received.some((message) => message.type === "shutdownReady")).toBe(true);
    cluster.broker(1).die();
    await cluster.pass(100);
    expect(cluster.row()).toMatchObject({ leader: 2, isr: [2] });
  });

  test("leadership goes back to the preferred replica by itself, unless that is switched off", async () => {
    for (const isEnabled of [true, false]) {
      const cluster = new TestCluster({ config: { "auto.leader.rebalance.enable": `${isEnabled}` } });
      await cluster.start(2);
      await cluster.createTopic("t", [[1, 2]]);
      cluster.broker(1).die();
      await cluster.pass(200);
      await cluster.join(new FakeBroker(1, { incarnation: "1b" as Incarnation }));
      cluster.broker(2).propose(cluster.row(), [
        { broker: 1, brokerEpoch: 3 },
        { broker: 2, brokerEpoch: 2 },
      ]);
      await cluster.pass(6000);
      expect(cluster.row().leader).toBe(isEnabled ? 1 : 2);
    }
  });

  test("a preferred election says what became of each partition", async () => {
    const cluster = new TestCluster();
    await cluster.start(3);
    await cluster.createTopic("t", [
      [1, 2],
      [1, 2],
      [3, 2],
    ]);
    cluster.broker(1).propose(cluster.row(0), [{ broker: 1, brokerEpoch: 1 }]);
    cluster.broker(1).say({ type: "shutdownWish" });
    await cluster.pass(100);
    expect(cluster.row(1).leader).toBe(2);
    const request = { kind: "electLeaders", election: "preferred", partitions: null } as const;
    const response = await cluster.admin(request);
    expect(response).toEqual({
      kind: "electLeaders",
      partitions: [{ topic: "t", partition: 1, errorCode: 80, errorMessage: expect.any(String) }],
    });
  });
});

describe("administrative requests", () => {
  test("a call on the control stream is answered under its number", async () => {
    const cluster = new TestCluster();
    await cluster.start(1);
    cluster.broker(1).say({ type: "admin", call: 9, request: { kind: "allocateProducerIds" } });
    await settle();
    expect(cluster.broker(1).received.at(-1)).toEqual({
      type: "adminAnswer",
      call: 9,
      response: { kind: "allocateProducerIds", first: 0, count: 1000 },
    });
    expect(cluster.metadata.state.nextProducerId).toBe(1000);
  });

  test("what is posted is checked before it is decided", async () => {
    const cluster = new TestCluster();
    await cluster.start(1);
    const post = (body: unknown) => cluster.controller.exchangeServer.onPost("/v1/admin", body);
    expect((await post({ kind: "allocateProducerIds" })).status).toBe(200);
    for (const body of [null, 7, {}, { kind: "toString" }, { kind: "deleteTopics", topics: [{}] }]) {
      expect((await post(body)).status).toBe(400);
    }
    expect((await cluster.controller.exchangeServer.onPost("/other", {})).status).toBe(404);
  });

  test("status names brokers, leaders, and whom an offline partition waits for", async () => {
    const cluster = new TestCluster();
    await cluster.start(2);
    await cluster.createTopic("t", [[1]]);
    cluster.broker(1).die();
    await cluster.pass(200);
    const status = cluster.controller.status();
    expect(status.brokers.map(({ id, isFenced }) => [id, isFenced])).toEqual([
      [1, true],
      [2, false],
    ]);
    expect(status.partitions[0]).toMatchObject({ leader: -1, waitingFor: [1] });
  });
});
