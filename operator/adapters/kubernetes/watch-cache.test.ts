import { beforeEach, describe, expect, test } from "@jest/globals";
import { silent } from "#base/logging.ts";
import { FakeClock } from "../../../broker/base/testing/fake-clock.ts";
import type { KubernetesObject } from "../../ports/kubernetes.ts";
import type { ApiAnswer, ApiStream } from "./api-client.ts";
import { WatchCache, type WatchClient } from "./watch-cache.ts";

const pod = (name: string, version: number, namespace = "apps"): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace, resourceVersion: String(version) },
});

interface Opened {
  readonly path: string;
  say(type: string, object: object): void;
  end(why: string): void;
  isClosed: boolean;
}

/** An API server that lists what it is given and says on its watches what the test says. */
class FakeServer implements WatchClient {
  objects: KubernetesObject[] = [];
  version = 1;
  failing: ApiAnswer | null = null;
  readonly listed: string[] = [];
  readonly watches: Opened[] = [];

  request({ path }: { path: string }): Promise<ApiAnswer> {
    this.listed.push(path);
    if (this.failing !== null) return Promise.resolve(this.failing);
    const items = this.objects.map(({ kind: _, apiVersion: __, ...rest }) => rest);
    return Promise.resolve({
      status: 200,
      message: "",
      body: { metadata: { resourceVersion: String(this.version) }, items },
    });
  }

  stream(path: string, { onLine }: { onLine: (line: unknown) => void }): ApiStream {
    const { promise: done, resolve } = Promise.withResolvers<string>();
    const watch: Opened = {
      path,
      isClosed: false,
      say: (type, object) => onLine({ type, object }),
      end: resolve,
    };
    this.watches.push(watch);
    return {
      done,
      close() {
        watch.isClosed = true;
        resolve("closed");
      },
    };
  }

  get last(): Opened {
    return this.watches.at(-1)!;
  }
}

let clock: FakeClock;
let server: FakeServer;
let changed: string[];

beforeEach(() => {
  clock = new FakeClock();
  server = new FakeServer();
  changed = [];
});

async function cacheOf(namespaces: readonly string[] = []): Promise<WatchCache> {
  const cache = new WatchCache(
    { clock, random: { next: () => 0, id: () => "" }, logger: silent, client: server },
    {
      kind: "Pod",
      apiVersion: "v1",
      namespaces,
      labels: { app: "x" },
      onChange: ({ metadata }) => void changed.push(metadata.name),
    },
  );
  await clock.advance(1);
  return cache;
}

const names = (cache: WatchCache): string[] => cache.list().map(({ metadata }) => metadata.name);

describe("a cache", () => {
  test("is synced once everything was read, and reads kind and version into what lists leave out", async () => {
    server.objects = [pod("a", 1)];
    const cache = await cacheOf();
    expect(cache.isSynced).toBe(true);
    expect(cache.get({ namespace: "apps", name: "a" })).toEqual(pod("a", 1));
    expect(server.listed[0]).toBe("/api/v1/pods?limit=500&labelSelector=app%3Dx");
  });

  test("follows what its watch says", async () => {
    server.objects = [pod("a", 1)];
    const cache = await cacheOf();
    server.last.say("ADDED", pod("b", 2));
    server.last.say("DELETED", pod("a", 3));
    expect(names(cache)).toEqual(["b"]);
    expect(changed).toEqual(["a", "b", "a"]);
  });

  test("is not synced while it cannot read, and tries again", async () => {
    server.failing = { status: 403, message: "forbidden", body: null };
    const cache = await cacheOf();
    await clock.advance(30_000);
    expect(cache.isSynced).toBe(false);
    expect(server.listed.length).toBeGreaterThan(3);
    expect(server.listed.length).toBeLessThan(15);
    server.failing = null;
    await clock.advance(10_000);
    expect(cache.isSynced).toBe(true);
  });

  test("asks every namespace that is served, and no other", async () => {
    const cache = await cacheOf(["a", "b"]);
    expect(server.listed.map((path) => path.split("?")[0])).toEqual([
      "/api/v1/namespaces/a/pods",
      "/api/v1/namespaces/b/pods",
    ]);
    expect(cache.isSynced).toBe(true);
  });
});

describe("a watch", () => {
  test("that ends is opened again where it stood, without a new list", async () => {
    await cacheOf();
    await clock.advance(240_000);
    server.last.say("BOOKMARK", pod("", 41));
    server.last.end("the API server ended the stream");
    await clock.advance(1);
    expect(server.listed).toHaveLength(1);
    expect(server.watches).toHaveLength(2);
    expect(server.last.path).toContain("resourceVersion=41");
    expect(server.last.path).toContain("allowWatchBookmarks=true");
  });

  test("whose version expired begins with a new list, and tells of what was missed", async () => {
    server.objects = [pod("a", 1), pod("b", 1), pod("same", 1)];
    const cache = await cacheOf();
    changed = [];
    server.objects = [pod("b", 2), pod("c", 2), pod("same", 1)];
    server.last.say("ERROR", { code: 410, metadata: {} });
    await clock.advance(1);
    expect(names(cache).sort((a, b) => (a < b ? -1 : 1))).toEqual(["b", "c", "same"]);
    expect(new Set(changed)).toEqual(new Set(["a", "b", "c"]));
  });

  test("that is refused with 410 begins with a new list too", async () => {
    await cacheOf();
    server.last.end("410: too old resource version");
    await clock.advance(1);
    expect(server.listed).toHaveLength(2);
  });

  test("that breaks again and again is opened ever more rarely, and what was read stays", async () => {
    server.objects = [pod("a", 1)];
    const cache = await cacheOf();
    for (let step = 0; step < 60; step++) {
      server.last.end("ECONNRESET");
      await clock.advance(1000);
    }
    expect(server.watches.length).toBeLessThan(20);
    expect(names(cache)).toEqual(["a"]);
    expect(cache.isSynced).toBe(true);
  });

  test("that says nothing shows in the staleness, until it is heard again", async () => {
    const cache = await cacheOf();
    await clock.advance(50_000);
    expect(cache.stalenessMs()).toBeGreaterThanOrEqual(50_000);
    server.last.say("BOOKMARK", pod("", 9));
    expect(cache.stalenessMs()).toBe(0);
  });

  test("that fell silent is opened again", async () => {
    await cacheOf();
    await clock.advance(90_000);
    server.last.end("the stream fell silent");
    await clock.advance(1);
    expect(server.watches).toHaveLength(2);
  });

  test("does not keep everything from being read anew now and then", async () => {
    await cacheOf();
    await clock.advance(601_000);
    expect(server.watches[0]?.isClosed).toBe(true);
    expect(server.listed).toHaveLength(2);
  });

  test("ends with its cache", async () => {
    const cache = await cacheOf();
    cache.stop();
    await clock.advance(60_000);
    expect(server.watches).toHaveLength(1);
    expect(server.watches[0]?.isClosed).toBe(true);
  });
});
