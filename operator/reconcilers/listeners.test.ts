import { describe, expect, jest, test } from "@jest/globals";
import type { ClusterSpec } from "../resources/cluster.ts";
import { brokerWith } from "./testing/fake-controls.ts";
import { World } from "./testing/world.ts";

// Minutes of the world's time pass in each, beside whatever else the machine does.
jest.setTimeout(30_000);

const inside = { name: "internal", port: 9092 };
const BALANCED: ClusterSpec["listeners"] = [inside, { name: "cloud", port: 9094, type: "loadbalancer" }];
const PORTS: ClusterSpec["listeners"] = [
  inside,
  { name: "out", port: 9095, type: "nodeport", advertisedPort: "31000+{ordinal}" },
];

const deleted = (world: World): string[] =>
  world.kubernetes.writes
    .filter((write) => write.startsWith("delete Pod"))
    .map((write) => write.slice("delete Pod ".length));

function portsOf(world: World): string[] {
  const { spec } = world.kubernetes.see("StatefulSet", "shop-broker") as unknown as {
    spec: { template: { spec: { containers: { ports: { name: string }[] }[] } } };
  };
  return spec.template.spec.containers.flatMap(({ ports }) => ports.map(({ name }) => name));
}

const balancerOf = (world: World, broker: number): string => {
  const { status } = world.kubernetes.see("Service", `shop-broker-${broker}-cloud`) as unknown as {
    status: { loadBalancer: { ingress: { ip: string }[] } };
  };
  return status.loadBalancer.ingress[0]!.ip;
};

/** Brokers register under the addresses that their Services have now. */
function register(world: World, brokers: readonly number[]): void {
  world.control.set({
    brokers: brokers.map((id) =>
      brokerWith(id, { endpoints: [{ listener: "cloud", host: balancerOf(world, id), port: 9094 }] }),
    ),
  });
}

const bootstrapOf = (world: World, listener: string): string | undefined => {
  const status = world.kubernetes.see("Cluster", "shop")?.["status"] as {
    listeners: { name: string; bootstrap: string }[];
  };
  return status.listeners.find(({ name }) => name === listener)?.bootstrap;
};

describe("listeners for outside that are added to a running Cluster", () => {
  test("come into force once every broker has its address, and hold up nothing else until then", async () => {
    const world = new World();
    await world.start();
    world.hasBalancers = false;
    world.edit({ listeners: BALANCED });
    await world.pass(10_000);
    expect(world.kubernetes.see("Service", "shop-broker-2-cloud")).not.toBeNull();
    expect(world.condition("Progressing")).toMatchObject({ status: "False", reason: "WaitingForAddress" });
    expect(deleted(world)).toEqual([]);
    world.edit({ image: "tidemark:2" });
    await world.pass(30_000);
    expect(deleted(world)).toHaveLength(3);
    expect(portsOf(world)).toEqual(["internal", "http"]);
    world.hasBalancers = true;
    await world.pass(30_000);
    expect(deleted(world)).toHaveLength(6);
    expect(portsOf(world)).toEqual(["internal", "cloud", "http"]);
    expect(world.condition("Progressing")).toMatchObject({ status: "False", reason: "UpToDate" });
  });
});

describe("a broker's address", () => {
  test("that changes has this broker restarted, and nobody for the address of a new one", async () => {
    const world = new World();
    await world.start({ listeners: BALANCED });
    register(world, [0, 1, 2]);
    world.podFate = () => {
      register(world, [0, 1, 2]);
      return "ready";
    };
    await world.pass();
    const service = world.kubernetes.see("Service", "shop-broker-1-cloud")!;
    world.kubernetes.put({ ...service, status: { loadBalancer: { ingress: [{ ip: "198.51.100.9" }] } } });
    await world.pass(20_000);
    expect(deleted(world)).toEqual(["shop-broker-1"]);
    world.edit({ replicas: 4 });
    await world.pass(20_000);
    expect(world.kubernetes.see("Pod", "shop-broker-3")).not.toBeNull();
    expect(deleted(world)).toEqual(["shop-broker-1"]);
  });
});

describe("a nodeport listener", () => {
  test("begins at nodes whose brokers serve, for a client to use as it stands", async () => {
    const world = new World();
    await world.start({ listeners: PORTS });
    await world.pass();
    const { spec } = world.kubernetes.see("Service", "shop-bootstrap-out") as unknown as {
      spec: { ports: { nodePort: number }[] };
    };
    const port = spec.ports[0]!.nodePort;
    expect(bootstrapOf(world, "out")).toBe(`10.1.0.1:${port},10.1.0.2:${port},10.1.0.3:${port}`);
    world.setPod("shop-broker-0", "starting");
    await world.pass();
    expect(bootstrapOf(world, "out")).toBe(`10.1.0.2:${port},10.1.0.3:${port}`);
  });

  test("waits for the port that it asks for when another has it", async () => {
    const world = new World();
    const message = "provided port is already allocated";
    world.kubernetes.failures.set("apply Service shop-broker-2-out", { kind: "refused", status: 422, message });
    await world.start({ listeners: PORTS });
    expect(world.kubernetes.see("StatefulSet", "shop-broker")?.["spec"]).toMatchObject({ replicas: 2 });
    expect(world.condition("Progressing")).toMatchObject({ status: "False", reason: "ObjectRefused" });
    expect(world.condition("Progressing")?.message).toContain(message);
  });
});
