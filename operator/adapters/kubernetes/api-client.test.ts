import { afterEach, expect, test } from "@jest/globals";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { ApiClient } from "./api-client.ts";
import { ApiShardObjects } from "./api-shard-objects.ts";
import { podAccess } from "./credentials.ts";

let server: Server | null = null;
let client: ApiClient | null = null;

afterEach(async () => {
  client?.close();
  server?.closeAllConnections();
  await new Promise<void>((resolve) => (server === null ? resolve() : server.close(() => resolve())));
  [server, client] = [null, null];
});

/** A client of an API server that answers so. */
async function clientOf(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<ApiClient> {
  const listening = createServer(answer);
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  const address = listening.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const access = { server: new URL(`http://127.0.0.1:${port}`), tls: {}, headers: async () => ({}) };
  client = new ApiClient(access);
  return client;
}

const answering = (status: number, body: unknown) => (_: IncomingMessage, response: ServerResponse) => {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
};

const objectsOf = async (...answer: Parameters<typeof answering>): Promise<ApiShardObjects> =>
  new ApiShardObjects(await clientOf(answering(...answer)), { namespace: "n", cluster: "c" });

test("a request is answered however many watches stand", async () => {
  let watches = 0;
  const api = await clientOf((request, response) => {
    if (request.url === "/watch") {
      response.writeHead(200);
      response.write(`{"watch":${++watches}}\n`);
    } else answering(200, { watches })(request, response);
  });
  const heard: unknown[] = [];
  const standing = new Promise<void>((resolve) => {
    for (let count = 0; count < 64; count++) {
      api.stream("/watch", { silenceMsMax: 60_000, onLine: (line) => heard.push(line) === 64 && resolve() });
    }
  });
  await standing;
  const answer = await api.request({ method: "GET", path: "/lease", timeoutMs: 10_000 });
  expect(answer).toMatchObject({ status: 200, body: { watches: 64 } });
});

const object = {
  metadata: { name: "c-0" },
  spec: { kind: "Rows", controllerEpoch: 1, sequence: 1, writer: "w", data: "" },
} as const;

test("a pod shows the token that its file has now", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "tidemark-account-"));
  writeFileSync(path.join(folder, "ca.crt"), "certificate");
  writeFileSync(path.join(folder, "token"), "one\n");
  const access = await podAccess(folder, { host: "fd00::1", port: "443" });
  expect(access.server.href).toBe("https://[fd00::1]/");
  expect(String(access.tls.ca)).toBe("certificate");
  expect(await access.headers()).toEqual({ authorization: "Bearer one" });
  rmSync(folder, { recursive: true });
});

test.each([
  [
    "a shard that is not there is missing",
    404,
    { details: { kind: "metadatashards" }, message: "not found" },
    "missing",
  ],
  ["a server that does not know our kind (yet) says nothing of a shard", 404, "404 page not found", "refused"],
  ["another version is a conflict", 409, { message: "the object has been modified" }, "conflict"],
  ["a server that starts tells nothing", 503, { message: "starting" }, "unknown"],
  ["a server that is overloaded tells nothing", 429, { message: "too many" }, "unknown"],
  ["missing rights are refused in the server's words", 403, { message: "cannot update" }, "refused"],
])("%s", async (_, status, body, kind) => {
  const objects = await objectsOf(status, body);
  expect((await objects.replace(object)).kind).toBe(kind);
});

test("an answer that does not come in time is unknown", async () => {
  const never = await clientOf(() => {});
  const answer = await never.request({ method: "GET", path: "/x", timeoutMs: 20 });
  expect(answer).toEqual({ status: 0, body: null, message: "no answer in 20 ms" });
});

test("a stream hands over whole lines, and says why it ended", async () => {
  const lines: unknown[] = [];
  const streaming = await clientOf((_, response) => {
    response.write('{"type":"ADDED"}\n{"ty');
    setImmediate(() => response.end('pe":"BOOKMARK"}\n'));
  });
  const stream = streaming.stream("/watch", { silenceMsMax: 1000, onLine: (line) => lines.push(line) });
  expect(await stream.done).toContain("ended");
  expect(lines).toEqual([{ type: "ADDED" }, { type: "BOOKMARK" }]);
});

test("a stream of which a line is no JSON ends with what came before it", async () => {
  const lines: unknown[] = [];
  const streaming = await clientOf((_, response) => response.write('{"n":1}\n<html>\n{"n":2}\n'));
  const stream = streaming.stream("/watch", { silenceMsMax: 60_000, onLine: (line) => lines.push(line) });
  expect(await stream.done).toBe("a line came that is no JSON: <html>");
  expect(lines).toEqual([{ n: 1 }]);
});

test("a stream that is refused, or falls silent, ends", async () => {
  const refusing = await clientOf(answering(410, { message: "too old resource version" }));
  expect(await refusing.stream("/watch", { silenceMsMax: 1000, onLine: () => {} }).done).toBe(
    "410: too old resource version",
  );
  server?.removeAllListeners("request");
  server?.on("request", (_, response: ServerResponse) => response.write(""));
  expect(await refusing.stream("/watch", { silenceMsMax: 30, onLine: () => {} }).done).toContain("silent");
});
