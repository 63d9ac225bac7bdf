import type { Clock } from "#base/clock.ts";
import type { Failed, Kubernetes } from "../ports/kubernetes.ts";
import type { BrokerPod } from "./pods.ts";

/** Labels of nodes hardly ever change. */
const KEPT_MS = 300_000;
/** What was refused is asked for again before long: somebody may have given the right meanwhile. */
const RETRY_MS = 15_000;

/** On which racks the brokers of a Cluster are. */
export interface Racks {
  /** By broker; null where the node has no such label. Brokers whose node is not known yet are left out. */
  readonly byBroker: ReadonlyMap<number, string | null>;
  /** Why nodes could not be looked at; null when they could. */
  readonly failure: Failed | null;
}

export const NO_RACKS: Racks = { byBroker: new Map(), failure: null };

type Labels = Readonly<Record<string, string>>;
type Known = { readonly labels: Labels | Failed; readonly atMs: number };

const isFailed = (labels: Labels | Failed): labels is Failed => typeof labels["status"] === "number";

/** Labels of the nodes that brokers run on. Each is asked for by name: to get nodes is all the right it takes. */
export class NodeRacks {
  readonly #kubernetes: Kubernetes;
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();

  constructor({ kubernetes, clock }: { readonly kubernetes: Kubernetes; readonly clock: Clock }) {
    this.#kubernetes = kubernetes;
    this.#clock = clock;
  }

  async of(topologyKey: string, pods: readonly BrokerPod[]): Promise<Racks> {
    const byBroker = new Map<number, string | null>();
    let failure: Failed | null = null;
    for (const { broker, node } of pods) {
      if (node === "") continue;
      const labels = await this.#labels(node);
      if (isFailed(labels)) failure = labels;
      else byBroker.set(broker, labels[topologyKey] ?? null);
    }
    return { byBroker, failure };
  }

  async #labels(node: string): Promise<Labels | Failed> {
    const nowMs = this.#clock.monotonic();
    const known = this.#known.get(node);
    if (known !== undefined && nowMs - known.atMs < (isFailed(known.labels) ? RETRY_MS : KEPT_MS)) return known.labels;
    const outcome = await this.#kubernetes.get({ kind: "Node", namespace: "", name: node });
    const labels = outcome.kind === "done" ? (outcome.value.metadata.labels ?? {}) : outcome;
    // Nodes come and go: of those that nobody asks about nothing is kept.
    for (const [name, { atMs }] of this.#known) if (nowMs - atMs >= KEPT_MS) this.#known.delete(name);
    this.#known.set(node, { labels, atMs: nowMs });
    return labels;
  }
}
