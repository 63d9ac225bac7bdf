import { expect, test } from "@jest/globals";
import { silent } from "#base/logging.ts";
import { ApiClient } from "../../../operator/adapters/kubernetes/api-client.ts";
import { ApiLease } from "../../../operator/adapters/kubernetes/api-lease.ts";
import { ApiShardObjects } from "../../../operator/adapters/kubernetes/api-shard-objects.ts";
import { apiAccess } from "../../../operator/adapters/kubernetes/credentials.ts";
import { ShardStore } from "../../../operator/adapters/kubernetes/shard-store.ts";
import {
  after,
  brokerLost,
  claimOf,
  comparable,
  commitOf,
  topicMade,
} from "../../../operator/adapters/kubernetes/testing/commits.ts";
import { stateOf } from "../../../operator/machine/state.ts";

/** Namespace of a cluster that KUBECONFIG names, with our definitions in it: what is there of these names goes. */
const namespace = process.env["TIDEMARK_TEST_NAMESPACE"] ?? "";
// Without a real API server there is nothing to show.
const onApiServer = namespace === "" ? test.skip : test;
const cluster = "store-test";
const labels = { "tidemark.dev/cluster": cluster };

const clientOf = async (): Promise<ApiClient> => new ApiClient(await apiAccess(process.env));

async function remove(client: ApiClient): Promise<void> {
  const path = `/apis/tidemark.dev/v1alpha1/namespaces/${namespace}/metadatashards`;
  const selector = `labelSelector=${encodeURIComponent(`tidemark.dev/cluster=${cluster}`)}`;
  await client.request({ method: "DELETE", path: `${path}?${selector}`, timeoutMs: 10_000 });
}

async function loaded(client: ApiClient) {
  const objects = new ApiShardObjects(client, { namespace, cluster });
  const store = new ShardStore({ objects, logger: silent }, { cluster, labels });
  const { state, version } = await store.load();
  return { store, objects, state: stateOf(state, version, {}) };
}

/** Something that is there: what belongs to nobody is collected at once. */
async function someOwner(client: ApiClient) {
  const name = "kube-root-ca.crt";
  const path = `/api/v1/namespaces/${namespace}/configmaps/${name}`;
  const { body } = await client.request({ method: "GET", path, timeoutMs: 5000 });
  return { apiVersion: "v1", kind: "ConfigMap", name, uid: (body as { metadata: { uid: string } }).metadata.uid };
}

onApiServer(
  "in a real API server: 10,000 partitions, a broker's loss, a foreign label, an owner, a claim, a shard deleted",
  async () => {
    const client = await clientOf();
    await remove(client);
    const first = await loaded(client);
    let { state } = first;
    const send = async (write: ReturnType<typeof claimOf>): Promise<void> => {
      expect(await first.store.commit(write)).toBe("committed");
      state = after(state, write);
    };
    await send(claimOf(state, "w1"));
    const topics = Array.from({ length: 100 }, (_, number) => topicMade(number + 1, 100)).flat();
    await send(commitOf(state, "w1", topics));
    const startMs = performance.now();
    await send(commitOf(state, "w1", brokerLost(state)));
    const tookMs = performance.now() - startMs;
    expect(tookMs).toBeLessThan(5000);
    process.stdout.write(`metadata store: a broker of 10,000 partitions lost in ${tookMs.toFixed(0)} ms\n`);
    const owner = await someOwner(client);
    expect(await first.objects.setOwner(owner)).toBe(true);
    expect(await first.objects.setOwner(null)).toBe(true);
    await send(commitOf(state, "w1", brokerLost(state)));
    const second = await loaded(client);
    expect(comparable(second.state)).toEqual(comparable(state));
    expect(await second.store.commit(claimOf(second.state, "w2"))).toBe("committed");
    expect(await first.store.commit(commitOf(state, "w1", brokerLost(state)))).toBe("conflict");
    expect((await first.store.newest()).writer).toBe("w2");
    const path = `/apis/tidemark.dev/v1alpha1/namespaces/${namespace}/metadatashards/${cluster}-3`;
    await client.request({ method: "DELETE", path, timeoutMs: 5000 });
    await expect(loaded(client)).rejects.toMatchObject({ code: "STORE_LOST" });
    await remove(client);
    expect((await loaded(client)).state.version.controllerEpoch).toBe(0);
    client.close();
  },
  60_000,
);

onApiServer("a Lease in a real API server is written by compare-and-swap", async () => {
  const client = await clientOf();
  const name = "tidemark-lease-test";
  const leases = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  await client.request({ method: "DELETE", path: `${leases}/${name}`, timeoutMs: 5000 });
  const lease = new ApiLease(client, { namespace, name, now: () => new Date() });
  expect(await lease.read()).toEqual({ kind: "read", lease: null });
  const record = { holder: "a", address: "10.0.0.1:8080", durationMs: 5000, renewed: "" };
  expect(await lease.write(record, null)).toEqual({ kind: "written" });
  expect(await lease.write({ ...record, holder: "b" }, null)).toEqual({ kind: "lost" });
  const read = await lease.read();
  if (read.kind !== "read" || read.lease === null) throw new Error("the Lease is there");
  expect(read.lease.record).toMatchObject({ holder: "a", address: "10.0.0.1:8080", durationMs: 5000 });
  expect(await lease.write({ ...record, holder: "", address: null }, read.lease)).toEqual({ kind: "written" });
  expect(await lease.write(record, read.lease)).toEqual({ kind: "lost" });
  await client.request({ method: "DELETE", path: `${leases}/${name}`, timeoutMs: 5000 });
  client.close();
});
