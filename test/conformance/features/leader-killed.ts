import { until } from "../cluster.ts";
import { type Feature, mustBe } from "./feature.ts";

const ACKS = 20;

const leaderKilled = (options: { name: string; idempotent: boolean; what: string }): Feature => ({
  name: options.name,
  what: options.what,
  async run({ cluster, driver, topic }) {
    await cluster.makeTopic(topic, { partitions: 1 });
    const stream = driver.start("stream", { idempotent: options.idempotent });
    await stream.until("records are acknowledged", () => stream.acked() >= ACKS);
    await cluster.killLeader(topic);
    const before = stream.acked();
    await stream.until("it goes on with another leader", () => stream.acked() >= before + ACKS);
    await stream.finish();
    const values = await cluster.values(topic);
    const wanted = Array.from({ length: stream.acked() }, (_, n) => `${n}`);
    const kept = options.idempotent ? values : values.filter((value, n) => values.indexOf(value) === n);
    mustBe("what is there", kept, wanted);
    await until("the killed broker is back", () => cluster.isWhole(topic));
  },
});

export const leaderKills: readonly Feature[] = [
  leaderKilled({
    name: "leader killed",
    idempotent: true,
    what: "The leader is killed while an idempotent producer writes: what was acknowledged is there, once, in order.",
  }),
  leaderKilled({
    name: "leader killed (no idempotence)",
    idempotent: false,
    what: "The same without idempotence: nothing that was acknowledged is missing.",
  }),
];
