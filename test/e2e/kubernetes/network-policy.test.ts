import { describe, expect, test } from "@jest/globals";
import type { V1NetworkPolicy, V1NetworkPolicyIngressRule } from "@kubernetes/client-node";
import { isIngressAllowed, type PolicyPod } from "./network-policy.ts";

const pod = (namespace: string, labels: Record<string, string>): PolicyPod => ({
  namespace,
  labels,
  namespaceLabels: { "kubernetes.io/metadata.name": namespace },
  ports: { http: 8081 },
});
const broker = pod("a", { app: "broker" });
const stranger = pod("a", { app: "stranger" });
const operator = pod("system", { app: "operator" });

const policy = (...ingress: V1NetworkPolicyIngressRule[]): V1NetworkPolicy => ({
  metadata: { namespace: "a" },
  spec: { podSelector: { matchLabels: { app: "broker" } }, policyTypes: ["Ingress"], ingress },
});
const isAllowed = (policies: V1NetworkPolicy[], source: PolicyPod, port: number, target = broker): boolean =>
  isIngressAllowed(policies, { source, target, port });

describe("a NetworkPolicy", () => {
  test("that selects nobody leaves everything open", () => {
    expect(isAllowed([], stranger, 8081)).toBe(true);
    expect(isAllowed([policy()], broker, 8081, stranger)).toBe(true);
    expect(isAllowed([{ ...policy(), metadata: { namespace: "b" } }], stranger, 8081)).toBe(true);
  });

  test("without rules closes what it selects", () => expect(isAllowed([policy()], broker, 8081)).toBe(false));

  test("opens a port to all", () => {
    const open = policy({ ports: [{ port: 9092, protocol: "TCP" }] });
    expect(isAllowed([open], stranger, 9092)).toBe(true);
    expect(isAllowed([open], stranger, 8081)).toBe(false);
  });

  test("admits pods of its own namespace by their labels", () => {
    const inside = policy({ _from: [{ podSelector: { matchLabels: { app: "broker" } } }] });
    expect(isAllowed([inside], broker, 8081)).toBe(true);
    expect(isAllowed([inside], stranger, 8081)).toBe(false);
    expect(isAllowed([inside], pod("b", { app: "broker" }), 8081)).toBe(false);
  });

  test("admits pods of another namespace, by both selectors together", () => {
    const both = {
      namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "system" } },
      podSelector: { matchExpressions: [{ key: "app", operator: "In", values: ["operator"] }] },
    };
    const across = policy({ _from: [both], ports: [{ port: "http" }] });
    expect(isAllowed([across], operator, 8081)).toBe(true);
    expect(isAllowed([across], operator, 8082)).toBe(false);
    expect(isAllowed([across], pod("system", { app: "other" }), 8081)).toBe(false);
    expect(isAllowed([across], pod("b", { app: "operator" }), 8081)).toBe(false);
  });

  test("adds to what other policies allow", () => {
    const open = policy({ ports: [{ port: 9092, endPort: 9095 }] });
    expect(isAllowed([policy(), open], stranger, 9094)).toBe(true);
    expect(isAllowed([policy(), open], stranger, 9096)).toBe(false);
  });
});
