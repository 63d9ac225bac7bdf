import { expect, test } from "@jest/globals";
import { podOptions } from "./pod-options.ts";

const env = {
  POD_NAME: "shop-broker-12",
  POD_NAMESPACE: "prod",
  POD_IP: "10.1.2.3",
  NODE_NAME: "node-a",
  NODE_IP: "192.168.0.7",
};

const file = (different: Record<string, unknown> = {}): string =>
  JSON.stringify({
    clusterId: "",
    controller: { host: "tidemark-operator.ops.svc", port: 8080, path: "/clusters/prod/shop" },
    listeners: [{ name: "internal", port: 9092, advertisedHost: "{pod}.shop-brokers.{namespace}.svc" }],
    http: { port: 8081 },
    config: { "num.partitions": "3" },
    logLevel: "info",
    ...different,
  });

const read = (different: Record<string, unknown> = {}, vars: Record<string, string> = {}) =>
  podOptions(file(different), { ...env, ...vars }, "broker.json");

test("a pod knows its number, its addresses and its controller", () => {
  expect(read()).toEqual({
    brokerId: 12,
    clusterId: "",
    controller: { host: "tidemark-operator.ops.svc", port: 8080, path: "/clusters/prod/shop" },
    listeners: [
      { name: "internal", port: 9092, advertisedHost: "shop-broker-12.shop-brokers.prod.svc", advertisedPort: 9092 },
    ],
    http: { host: "10.1.2.3", port: 8081 },
    apiPort: null,
    config: { "num.partitions": "3" },
    logLevel: "info",
  });
});

test("each listener is advertised by its own template, and by what a Service was given for this broker", () => {
  const listeners = [
    { name: "internal", port: 9092 },
    { name: "outside", port: 9094, advertisedHost: "{nodeIp}", advertisedPort: "31000+{ordinal}" },
    {
      name: "cloud",
      port: 9095,
      brokers: [
        { broker: 1, host: "x" },
        { broker: 12, host: "a.example", port: 443 },
      ],
    },
    { name: "late", port: 9096, advertisedHost: "b{ordinal}.example", brokers: [] },
  ];
  expect(read({ listeners }).listeners.map((one) => [one.advertisedHost, one.advertisedPort])).toEqual([
    ["10.1.2.3", 9092],
    ["192.168.0.7", 31_012],
    ["a.example", 443],
    ["b12.example", 9096],
  ]);
});

test.each<[string, Record<string, unknown>, Record<string, string>]>([
  ['unknown field "listener"', { listener: [] }, {}],
  ["listeners must name at least one", { listeners: [] }, {}],
  [
    "two listeners have the port 9092",
    {
      listeners: [
        { name: "a", port: 9092 },
        { name: "b", port: 9092 },
      ],
    },
    {},
  ],
  ["{zone} is none of", { listeners: [{ name: "a", port: 1, advertisedHost: "{zone}" }] }, {}],
  ["not told its nodeIp", { listeners: [{ name: "a", port: 1, advertisedHost: "{nodeIp}" }] }, { NODE_IP: "" }],
  ["whole number from 0 to 65535", { listeners: [{ name: "a", port: 1, advertisedPort: "65530+{ordinal}" }] }, {}],
  ["POD_NAME shop must end with -NUMBER", {}, { POD_NAME: "shop" }],
  ["POD_IP must be set", {}, { POD_IP: "" }],
  ["logLevel must be", { logLevel: "loud" }, {}],
  ["config: ", { config: { "num.partitions": "many" } }, {}],
])("what is wrong is named: %s", (message, different, vars) => {
  expect(() => read(different, vars)).toThrow(message);
});

test("a pod serves applications over HTTP where it is told to", () => {
  expect(read({ api: { port: 8082 } }).apiPort).toBe(8082);
  expect(() => read({ api: { port: 70_000 } })).toThrow("broker.json: api.port must be a whole number from 0 to 65535");
  expect(() => read({ api: { prot: 1 } })).toThrow('broker.json: api has an unknown field "prot"');
});
