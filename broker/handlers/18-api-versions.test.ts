import { describe, expect, test } from "@jest/globals";
import { settle } from "../base/testing/fake-clock.ts";
import { CLUSTER, TestBroker } from "../testing/test-broker.ts";
import type { TestClient } from "../testing/test-client.ts";
import { apiVersions } from "../wire/apis/18-api-versions.ts";
import { handlers } from "./table.ts";

const ask = (
  client: TestClient,
  version: number,
  request: { name?: string; software?: string; clusterId?: string | null; nodeId?: number } = {},
) =>
  client.request(apiVersions, version, {
    clientSoftwareName: request.name ?? "client",
    clientSoftwareVersion: request.software ?? "1.2.3",
    clusterId: request.clusterId ?? null,
    nodeId: request.nodeId ?? -1,
  });

describe("ApiVersions", () => {
  test.each([0, 1, 2, 3, 4, 5])("tells every key that is served, in version %i", async (version) => {
    const answer = await ask(new TestBroker().connect(), version);
    expect(answer.errorCode).toBe(0);
    expect(answer.apiKeys.map(({ apiKey }) => apiKey)).toEqual([
      0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 21, 22, 23, 32, 33, 35, 37, 42, 43, 44, 45, 46, 47, 60,
      74, 75,
    ]);
    expect(answer.apiKeys[0]).toEqual({ apiKey: 0, minVersion: 0, maxVersion: 11 });
    if (version >= 3) expect(answer.finalizedFeaturesEpoch).toBe(0);
  });

  test("tells nothing that is not declared, and serves all that it tells but the oldest Produce", () => {
    for (const { api, advertised, served } of handlers) {
      expect([api.name, served.min >= api.versions.min, served.max <= api.versions.max]).toEqual([
        api.name,
        true,
        true,
      ]);
      expect(advertised.max).toBe(served.max);
      if (api.key !== 0) expect(advertised.min).toBe(served.min);
    }
  });

  test("answers a version from the future in version 0, header and body, with its own range alone", async () => {
    const client = new TestBroker().connect();
    // Version 6 of a header and a body that nobody can read.
    client.stream.write(Buffer.from("0000000e0012000600000007ffffdeadbeef", "hex"));
    await settle();
    const [size, correlation, error, count, range] = ["00000010", "00000007", "0023", "00000001", "001200000005"];
    expect(client.received.toString("hex")).toBe([size, correlation, error, count, range].join(""));
    expect((await ask(client, 3)).errorCode).toBe(0);
  });

  test("refuses names that are none with INVALID_REQUEST", async () => {
    const client = new TestBroker().connect();
    for (const name of ["", "a b", "-a", "a-", "ä"]) expect((await ask(client, 3, { name })).errorCode).toBe(42);
    expect((await ask(client, 3, { software: "" })).errorCode).toBe(42);
    expect((await ask(client, 3, { name: "apache-kafka-java", software: "4.0.0" })).errorCode).toBe(0);
  });

  test("sends a client that means another cluster or broker to find its own anew", async () => {
    const client = new TestBroker().connect();
    expect((await ask(client, 5, { clusterId: "another" })).errorCode).toBe(129);
    expect((await ask(client, 5, { nodeId: 2 })).errorCode).toBe(129);
    expect((await ask(client, 5, { clusterId: CLUSTER, nodeId: 1 })).errorCode).toBe(0);
  });
});
