import { silent } from "#base/logging.ts";
import { FakeClock } from "../../../broker/base/testing/fake-clock.ts";
import type { KubernetesObject } from "../../ports/kubernetes.ts";
import type { ClusterSpec } from "../../resources/cluster.ts";
import type { Condition } from "../../resources/conditions.ts";
import type { TopicSpec } from "../../resources/topic.ts";
import { hashOf } from "../../specs/hash.ts";
import type { ReconcileMeter } from "../ports.ts";
import { type Reconcilers, startReconcilers } from "../start.ts";
import { timestamp } from "../timestamp.ts";
import { brokerWith, type FakeControl, FakeControls } from "./fake-controls.ts";
import { FakeKubernetes } from "./fake-kubernetes.ts";

export const clusterObject = (
  spec: Partial<ClusterSpec> = {},
  annotations: Record<string, string> = {},
): KubernetesObject => ({
  apiVersion: "tidemark.dev/v1alpha1",
  kind: "Cluster",
  metadata: { name: "shop", namespace: "apps", annotations },
  spec: { replicas: 3, storage: { size: "1Gi" }, ...spec },
});

export const topicObject = (
  spec: Partial<TopicSpec> = {},
  metadata: Partial<KubernetesObject["metadata"]> = {},
): KubernetesObject => ({
  apiVersion: "tidemark.dev/v1alpha1",
  kind: "Topic",
  metadata: { name: "orders", namespace: "apps", ...metadata },
  spec: { clusterRef: { name: "shop" }, ...spec },
});

interface StatefulSetSpec {
  readonly replicas: number;
  readonly template: { readonly metadata: object; readonly spec: { readonly containers: readonly object[] } };
}

/** An API server, a StatefulSet controller with kubelets, clusters' controllers and reconcilers, on one clock. */
export class World {
  readonly clock = new FakeClock();
  readonly kubernetes = new FakeKubernetes();
  readonly controls = new FakeControls();
  /** Reconciles by queue and result. */
  readonly reconciles = new Map<string, number>();
  readonly reconcilers: Reconcilers;
  /** Of the operator; its default image may change under it, as if another one came. */
  readonly version = "1.2.3";
  readonly settings = { brokerImage: "tidemark:1", namespace: "system", version: this.version };
  /** What becomes of a new pod: ready, starting, or Kubernetes' word for why it does not run. */
  podFate: (pod: string, template: object) => string = () => "ready";
  /** Whether load balancers get addresses. */
  hasBalancers = true;
  #pods = 0;
  #addresses = 0;

  constructor(namespaces: readonly string[] = [], alsoTold?: ReconcileMeter) {
    const { clock, kubernetes, controls, reconciles } = this;
    const meter: ReconcileMeter = {
      reconciled(controller, outcome) {
        const key = `${controller} ${outcome.result}`;
        reconciles.set(key, (reconciles.get(key) ?? 0) + 1);
        alsoTold?.reconciled(controller, outcome);
      },
    };
    const random = { next: () => 0.5, id: () => "f".repeat(32) };
    this.reconcilers = startReconcilers(
      { clock, kubernetes, controls, meter, random, logger: silent },
      { namespaces, settings: this.settings },
    );
  }

  /** The controller of the cluster that most tests have. */
  get control(): FakeControl {
    const control = this.controls.get({ namespace: "apps", name: "shop" });
    if (control === null) throw new Error("the cluster has no controller yet");
    return control;
  }

  /** Moves on in small steps; Kubernetes' own controllers act in between. */
  async pass(ms = 3000): Promise<void> {
    let passedMs = 0;
    while (passedMs < ms) {
      // Whatever is to happen begins soon; the rest of a long time is only waited for.
      const stepMs = passedMs < 5000 ? 250 : 1000;
      await this.clock.advance(stepMs);
      this.runKubernetes();
      passedMs += stepMs;
    }
    await this.clock.advance(1);
  }

  /** Makes the cluster and lets its three brokers register. */
  async start(spec: Partial<ClusterSpec> = {}, name = "shop"): Promise<void> {
    const cluster = clusterObject(spec);
    this.kubernetes.put({ ...cluster, metadata: { ...cluster.metadata, name } });
    await this.pass();
    const replicas = spec.replicas ?? 3;
    this.controls.get({ namespace: "apps", name })?.set({
      condition: "active",
      brokers: Array.from({ length: replicas }, (_, id) => brokerWith(id)),
    });
    await this.pass();
  }

  /** Changes the Cluster's spec, as a person would. */
  edit(spec: Partial<ClusterSpec>, annotations?: Record<string, string>, name = "shop"): void {
    const cluster = this.kubernetes.see("Cluster", name)!;
    this.kubernetes.put({
      ...cluster,
      metadata: { ...cluster.metadata, ...(annotations === undefined ? {} : { annotations }) },
      spec: { ...(cluster["spec"] as ClusterSpec), ...spec },
    });
  }

  condition(type: string, kind: "Cluster" | "Topic" = "Cluster", name = "shop"): Condition | undefined {
    const status = this.kubernetes.see(kind, name)?.["status"] as { conditions?: readonly Condition[] } | undefined;
    return status?.conditions?.find((condition) => condition.type === type);
  }

  /** Changes the Cluster's spec to this and nothing else. */
  replaceSpec(spec: ClusterSpec): void {
    this.kubernetes.put({ ...this.kubernetes.see("Cluster", "shop")!, spec });
  }

  /** What a StatefulSet controller, kubelets, the API server and a cloud would do. */
  runKubernetes(): void {
    for (const statefulSet of this.kubernetes.all("StatefulSet")) this.#runStatefulSet(statefulSet);
    for (const service of this.kubernetes.all("Service")) this.#runService(service);
  }

  #runService(service: KubernetesObject): void {
    const spec = service["spec"] as { type?: string; ports: { nodePort?: number }[] };
    const [port] = spec.ports;
    if (spec.type === "NodePort" && port !== undefined && port.nodePort === undefined) {
      const ports = [{ ...port, nodePort: 30_000 + this.#addresses++ }];
      this.kubernetes.put({ ...service, spec: { ...spec, ports } });
    }
    if (spec.type === "LoadBalancer" && service["status"] === undefined && this.hasBalancers) {
      const ingress = [{ ip: `192.0.2.${++this.#addresses}` }];
      this.kubernetes.put({ ...service, status: { loadBalancer: { ingress } } });
    }
  }

  #runStatefulSet(statefulSet: KubernetesObject): void {
    const { replicas, template } = statefulSet["spec"] as StatefulSetSpec;
    const { name, namespace = "", generation = 0 } = statefulSet.metadata;
    const updateRevision = `${name}-${hashOf(template).slice(0, 8)}`;
    const status = statefulSet["status"] as { observedGeneration?: number } | undefined;
    if (status?.observedGeneration !== generation) {
      this.kubernetes.put({ ...statefulSet, status: { observedGeneration: generation, updateRevision } });
    }
    for (let ordinal = 0; ordinal < replicas; ordinal++) {
      const pod = `${name}-${ordinal}`;
      if (this.kubernetes.see("Pod", pod, namespace) === null)
        this.#makePod(pod, { namespace, template, updateRevision });
      if (this.kubernetes.see("PersistentVolumeClaim", `data-${pod}`, namespace) === null) {
        this.#makeClaim(statefulSet, `data-${pod}`);
      }
    }
    for (const pod of this.kubernetes.all("Pod")) {
      const ordinal = Number(/-(\d+)$/.exec(pod.metadata.name)?.[1]);
      if (pod.metadata.name.startsWith(name) && ordinal >= replicas) {
        this.kubernetes.remove({ kind: "Pod", namespace, name: pod.metadata.name });
      }
    }
  }

  #makePod(
    name: string,
    {
      namespace,
      template,
      updateRevision,
    }: { namespace: string; template: StatefulSetSpec["template"]; updateRevision: string },
  ): void {
    const { labels, annotations } = template.metadata as KubernetesObject["metadata"];
    const metadata = {
      name,
      namespace,
      uid: `pod-${++this.#pods}`,
      creationTimestamp: timestamp(this.clock.now()),
      labels: { ...labels, "controller-revision-hash": updateRevision },
      annotations: annotations ?? {},
    };
    const fate = this.podFate(name, template);
    const spec = { nodeName: "n1", containers: template.spec.containers };
    this.kubernetes.put({ apiVersion: "v1", kind: "Pod", metadata, spec, status: this.#podStatus(name, fate) });
  }

  setPod(name: string, fate: string): void {
    const pod = this.kubernetes.see("Pod", name)!;
    this.kubernetes.put({ ...pod, status: this.#podStatus(name, fate) });
  }

  #podStatus(pod: string, fate: string): object {
    const isReady = fate === "ready";
    const lastTransitionTime = timestamp(this.clock.now());
    const conditions = [{ type: "Ready", status: isReady ? "True" : "False", lastTransitionTime }];
    const isRunning = isReady || fate === "starting";
    const state = isRunning ? { running: {} } : { waiting: { reason: fate, message: "as the test wants" } };
    const hostIP = `10.1.0.${Number(pod.at(-1)) + 1}`;
    return { phase: "Running", hostIP, conditions, containerStatuses: [{ name: "broker", state }] };
  }

  #makeClaim(statefulSet: KubernetesObject, name: string): void {
    const { volumeClaimTemplates = [] } = statefulSet["spec"] as {
      volumeClaimTemplates?: { metadata: { labels: object }; spec: { resources: { requests: { storage: string } } } }[];
    };
    const [claim] = volumeClaimTemplates;
    if (claim === undefined) return;
    const capacity = { storage: claim.spec.resources.requests.storage };
    this.kubernetes.put({
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name, namespace: statefulSet.metadata.namespace ?? "", labels: { ...claim.metadata.labels } },
      spec: claim.spec,
      status: { phase: "Bound", capacity },
    });
  }
}
