import { isDeepStrictEqual } from "node:util";
import { silent } from "#base/logging.ts";
import { ApiClient } from "../../../operator/adapters/kubernetes/api-client.ts";
import { ApiLease } from "../../../operator/adapters/kubernetes/api-lease.ts";
import { ApiShardObjects } from "../../../operator/adapters/kubernetes/api-shard-objects.ts";
import { ShardStore } from "../../../operator/adapters/kubernetes/shard-store.ts";
import {
  after,
  brokerLost,
  claimOf,
  comparable,
  commitOf,
  topicMade,
} from "../../../operator/adapters/kubernetes/testing/commits.ts";
import { type State, stateOf } from "../../../operator/machine/state.ts";
import type { StoreWrite } from "../../../operator/ports/metadata-store.ts";
import type { ApiServer } from "../api-server.ts";
import { faultOf } from "../judge.ts";
import type { Behaviour } from "./behaviour.ts";

const namespace = "default";

const differs = (what: string, found: unknown, wanted: unknown): string | null =>
  isDeepStrictEqual(found, wanted) ? null : `${what} is ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`;

/** Runs `use` with a client of the operator's own. */
async function withClient<T>(server: ApiServer, use: (client: ApiClient) => Promise<T>): Promise<T> {
  const client = new ApiClient(server.access());
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

/** One controller's hands on the shards of a cluster. */
class Writer {
  readonly objects: ApiShardObjects;
  readonly store: ShardStore;
  readonly #name: string;
  state: State;

  private constructor(at: { objects: ApiShardObjects; store: ShardStore; name: string; state: State }) {
    this.objects = at.objects;
    this.store = at.store;
    this.#name = at.name;
    this.state = at.state;
  }

  static async load(client: ApiClient, cluster: string, name: string): Promise<Writer> {
    const objects = new ApiShardObjects(client, { namespace, cluster });
    const labels = { "tidemark.dev/cluster": cluster };
    const store = new ShardStore({ objects, logger: silent }, { cluster, labels });
    const { state, version } = await store.load();
    return new Writer({ objects, store, name, state: stateOf(state, version, {}) });
  }

  claim = (): Promise<void> => this.#send(claimOf(this.state, this.#name));
  commit = (changes: StoreWrite["changes"]): Promise<void> => this.#send(commitOf(this.state, this.#name, changes));

  async #send(write: StoreWrite): Promise<void> {
    const outcome = await this.store.commit(write);
    if (outcome !== "committed") throw new Error(`a commit that nothing stands against ended as ${outcome}`);
    this.state = after(this.state, write);
  }
}

const manyTopics = () => Array.from({ length: 100 }, (_, number) => topicMade(number + 1, 100)).flat();

/** Something that is there: what belongs to nobody is collected at once. */
async function someOwner(server: ApiServer): Promise<object> {
  const [apiVersion, kind, name] = ["v1", "ConfigMap", "owner-of-shards"];
  const body = { apiVersion, kind, metadata: { name } };
  const made = await server.call({ method: "POST", path: `/api/v1/namespaces/${namespace}/configmaps`, body });
  const { uid } = made.body["metadata"] as { uid: string };
  return { apiVersion, kind, name, uid };
}

async function removeShard(server: ApiServer, name: string): Promise<void> {
  const path = `/apis/tidemark.dev/v1alpha1/namespaces/${namespace}/metadatashards/${name}`;
  const fault = faultOf(await server.call({ method: "DELETE", path }), undefined);
  if (fault !== null) throw new Error(`${name} ${fault}`);
}

async function judgeLease(client: ApiClient): Promise<string | null> {
  const lease = new ApiLease(client, { namespace, name: "lease", now: () => new Date() });
  const record = { holder: "a", address: "10.0.0.1:8080", durationMs: 5000, renewed: "" };
  const none = differs("a Lease nobody wrote", await lease.read(), { kind: "read", lease: null });
  const first = differs("the first write", await lease.write(record, null), { kind: "written" });
  const second = differs("a second first write", await lease.write({ ...record, holder: "b" }, null), { kind: "lost" });
  const read = await lease.read();
  if (read.kind !== "read" || read.lease === null) return "the Lease is not there";
  const { holder, address, durationMs } = read.lease.record;
  const wanted = { holder: "a", address: "10.0.0.1:8080", durationMs: 5000 };
  const held = differs("what is read", { holder, address, durationMs }, wanted);
  const given = { ...record, holder: "", address: null };
  const up = differs("giving it up", await lease.write(given, read.lease), { kind: "written" });
  const stale = differs("a write over the old one", await lease.write(record, read.lease), { kind: "lost" });
  return none ?? first ?? second ?? held ?? up ?? stale;
}

/** The operator's adapters against the API server that they are written for. */
export const adapters: readonly Behaviour[] = [
  {
    says: "metadata of 10,000 partitions is read back as it was committed, a broker's loss and a change of owner in it",
    judge: (server) =>
      withClient(server, async (client) => {
        const writer = await Writer.load(client, "many", "w1");
        await writer.claim();
        await writer.commit(manyTopics());
        await writer.commit(brokerLost(writer.state));
        const owned = await writer.objects.setOwner(await someOwner(server));
        const freed = await writer.objects.setOwner(null);
        if (!owned || !freed) return `the owner was ${owned ? "" : "not "}set and ${freed ? "" : "not "}taken away`;
        await writer.commit(brokerLost(writer.state));
        const reader = await Writer.load(client, "many", "w2");
        const rows = [...reader.state.partitions.values()].flat().length;
        if (rows !== 10_000) return `${rows} partitions were read back, not 10000`;
        return isDeepStrictEqual(comparable(reader.state), comparable(writer.state))
          ? null
          : "what is read is not what was committed";
      }),
  },
  {
    says: "a controller that another has replaced commits nothing",
    judge: (server) =>
      withClient(server, async (client) => {
        const first = await Writer.load(client, "claimed", "w1");
        await first.claim();
        await first.commit(topicMade(1, 3));
        const second = await Writer.load(client, "claimed", "w2");
        await second.claim();
        const outcome = await first.store.commit(commitOf(first.state, "w1", brokerLost(first.state)));
        const { writer } = await first.store.newest();
        return differs("its commit", outcome, "conflict") ?? differs("the newest writer", writer, "w2");
      }),
  },
  {
    says: "metadata that has lost a shard is refused, not read as if the partitions had never been",
    judge: (server) =>
      withClient(server, async (client) => {
        const writer = await Writer.load(client, "torn", "w1");
        await writer.claim();
        await writer.commit(manyTopics());
        await removeShard(server, "torn-3");
        const failed = await Writer.load(client, "torn", "w2").then(
          () => "nothing",
          (error: { code?: string }) => error.code,
        );
        return differs("what reading it throws", failed, "STORE_LOST");
      }),
  },
  { says: "a Lease is written by compare-and-swap", judge: (server) => withClient(server, judgeLease) },
];
