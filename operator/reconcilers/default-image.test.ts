import { describe, expect, jest, test } from "@jest/globals";
import { World } from "./testing/world.ts";

// Minutes of the world's time pass in each, beside whatever else the machine does.
jest.setTimeout(30_000);

const deleted = (world: World): string[] =>
  world.kubernetes.writes
    .filter((write) => write.startsWith("delete Pod"))
    .map((write) => write.slice("delete Pod ".length));

const progress = (world: World, name: string) => world.condition("Progressing", "Cluster", name);

function imagesOf(world: World): string[] {
  const pods = world.kubernetes.all("Pod") as unknown as { spec: { containers: { image: string }[] } }[];
  return [...new Set(pods.flatMap(({ spec }) => spec.containers.map(({ image }) => image)))].sort();
}

async function twoClusters(): Promise<World> {
  const world = new World();
  await world.start();
  await world.start({}, "atoll");
  return world;
}

const ATOLL = ["atoll-broker-2", "atoll-broker-1", "atoll-broker-0"];
const SHOP = ["shop-broker-2", "shop-broker-1", "shop-broker-0"];

describe("a changed default image", () => {
  test("rolls one Cluster after another, and those that wait say for whom", async () => {
    const world = await twoClusters();
    world.podFate = (pod) => (pod === "atoll-broker-0" ? "starting" : "ready");
    world.settings.brokerImage = "tidemark:2";
    await world.pass(90_000);
    expect(deleted(world)).toEqual(ATOLL);
    expect(progress(world, "shop")).toMatchObject({ status: "False", reason: "WaitingForOtherClusters" });
    expect(progress(world, "shop")?.message).toContain("apps/atoll");
    world.podFate = () => "ready";
    world.setPod("atoll-broker-0", "ready");
    await world.pass(60_000);
    expect(deleted(world)).toEqual([...ATOLL, ...SHOP]);
    expect(imagesOf(world)).toEqual(["tidemark:2"]);
    expect([progress(world, "atoll")?.reason, progress(world, "shop")?.reason]).toEqual(["UpToDate", "UpToDate"]);
  });

  test("with which one Cluster fails is not tried on others, whose own changes go on", async () => {
    const world = await twoClusters();
    world.podFate = (_, template) => (JSON.stringify(template).includes("tidemark:bad") ? "InvalidImageName" : "ready");
    world.settings.brokerImage = "tidemark:bad";
    await world.pass(90_000);
    expect(progress(world, "atoll")).toMatchObject({ status: "False", reason: "RollFailed" });
    expect(progress(world, "shop")).toMatchObject({ reason: "WaitingForOtherClusters" });
    expect(deleted(world).filter((pod) => pod.startsWith("shop"))).toEqual([]);
    world.edit({ podLabels: { team: "a" } });
    await world.pass(60_000);
    expect(deleted(world).filter((pod) => pod.startsWith("shop"))).toEqual(SHOP);
    expect(imagesOf(world)).toEqual(["tidemark:1"]);
    world.settings.brokerImage = "tidemark:3";
    await world.pass(180_000);
    expect(imagesOf(world)).toEqual(["tidemark:3"]);
  });

  test("does not hold up a Cluster with an image of its own, nor wait for one that is paused", async () => {
    const world = await twoClusters();
    world.edit({}, { "tidemark.dev/pause-reconciliation": "true" }, "atoll");
    world.settings.brokerImage = "tidemark:2";
    await world.pass(90_000);
    expect(deleted(world)).toEqual(SHOP);
    world.edit({ image: "tidemark:own" });
    world.edit({}, {}, "atoll");
    await world.pass(5000);
    expect(progress(world, "shop")?.reason).not.toBe("WaitingForOtherClusters");
    await world.pass(90_000);
    expect(imagesOf(world)).toEqual(["tidemark:2", "tidemark:own"]);
  });
});
