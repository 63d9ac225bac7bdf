import type {
  V1LabelSelector,
  V1NetworkPolicy,
  V1NetworkPolicyIngressRule,
  V1NetworkPolicyPeer,
  V1NetworkPolicyPort,
} from "@kubernetes/client-node";

/*
 * What NetworkPolicies allow, by the rules of their API: no network plugin that enforces them is to be had here, so
 * the live policies are judged over the live pods instead.
 */

type Labels = Readonly<Record<string, string>>;

export interface PolicyPod {
  readonly namespace: string;
  readonly labels: Labels;
  /** Of its namespace. */
  readonly namespaceLabels: Labels;
  /** Ports of its containers by name, for policies that name a port. */
  readonly ports?: Readonly<Record<string, number>>;
}

function selects({ matchLabels = {}, matchExpressions = [] }: V1LabelSelector, labels: Labels): boolean {
  const areEqual = Object.entries(matchLabels).every(([key, value]) => labels[key] === value);
  return (
    areEqual &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      switch (operator) {
        case "In":
          return value !== undefined && values.includes(value);
        case "NotIn":
          return value === undefined || !values.includes(value);
        case "Exists":
          return value !== undefined;
        case "DoesNotExist":
          return value === undefined;
        default:
          throw new Error(`a selector has the operator ${operator}`);
      }
    })
  );
}

function isPeer(peer: V1NetworkPolicyPeer, source: PolicyPod, namespace: string): boolean {
  if (peer.ipBlock !== undefined) throw new Error("address blocks are not judged here");
  const isNamespace =
    peer.namespaceSelector === undefined
      ? source.namespace === namespace
      : selects(peer.namespaceSelector, source.namespaceLabels);
  return isNamespace && (peer.podSelector === undefined || selects(peer.podSelector, source.labels));
}

function isPort({ port, endPort, protocol = "TCP" }: V1NetworkPolicyPort, wanted: number, target: PolicyPod): boolean {
  if (protocol !== "TCP") return false;
  if (port === undefined) return true;
  const first = typeof port === "number" ? port : target.ports?.[port];
  return first !== undefined && (endPort === undefined ? wanted === first : wanted >= first && wanted <= endPort);
}

/** Empty lists of peers or ports stand for all of them. */
function admits(rule: V1NetworkPolicyIngressRule, flow: PolicyFlow): boolean {
  const { _from: from = [], ports = [] } = rule;
  const isFrom = from.length === 0 || from.some((peer) => isPeer(peer, flow.source, flow.target.namespace));
  return isFrom && (ports.length === 0 || ports.some((port) => isPort(port, flow.port, flow.target)));
}

export interface PolicyFlow {
  readonly source: PolicyPod;
  readonly target: PolicyPod;
  readonly port: number;
}

/** Whether a TCP connection may come in: a pod that no policy selects takes all, else some policy must admit it. */
export function isIngressAllowed(policies: readonly V1NetworkPolicy[], flow: PolicyFlow): boolean {
  const { target } = flow;
  const selecting = policies.filter(({ metadata, spec }) => {
    const isForIngress = spec?.policyTypes?.includes("Ingress") ?? true;
    const isSelected = selects(spec?.podSelector ?? {}, target.labels);
    return metadata?.namespace === target.namespace && isForIngress && isSelected;
  });
  if (selecting.length === 0) return true;
  return selecting.some(({ spec }) => (spec?.ingress ?? []).some((rule) => admits(rule, flow)));
}
