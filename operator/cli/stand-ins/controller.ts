// A controller that only knows who registered and which topics were asked for: enough to watch over processes.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AdminRequest } from "#contract/control.ts";

const options = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as {
  clusterId: string;
  http: { host: string; port: number };
};
const incarnation = `c${process.pid}-${Math.random()}`;
const brokers = new Map<number, { id: number; incarnation: string; isFenced: boolean; isShuttingDown: boolean }>();
const topics: { topicId: string; name: string; partitionCount: number; config: Record<string, string> }[] = [];

function admin(request: AdminRequest): unknown {
  if (request.kind !== "createTopics") return { kind: "failed", errorCode: 42, errorMessage: "not known here" };
  const answers = request.topics.map((topic) => {
    if (topic.name === "refused") return { ...topic, errorCode: 44, errorMessage: "a policy forbids it" };
    topics.push({
      topicId: topic.name,
      name: topic.name,
      partitionCount: topic.partitionCount,
      config: { ...topic.config },
    });
    return { ...topic, errorCode: 0, errorMessage: null };
  });
  return { kind: "createTopics", topics: answers };
}

function answer(path: string, body: unknown): unknown {
  switch (path) {
    case "/v1/incarnation":
      return { incarnation };
    case "/v1/status":
      return {
        clusterId: options.clusterId,
        condition: "active",
        reason: null,
        brokers: [...brokers.values()],
        topics,
        partitions: [],
        reassignments: [],
      };
    case "/v1/admin":
      return admin(body as AdminRequest);
    case "/register": {
      const broker = body as { id: number; incarnation: string };
      brokers.set(broker.id, { ...broker, isFenced: false, isShuttingDown: false });
      return {};
    }
    default:
      return null;
  }
}

const server = createServer((request, response) => {
  let text = "";
  request.on("data", (chunk: Buffer) => (text += chunk.toString()));
  request.on("end", () =>
    response.end(JSON.stringify(answer(request.url ?? "", text === "" ? null : JSON.parse(text)))),
  );
});
server.listen(options.http.port, options.http.host);
process.on("SIGTERM", () => process.exit(0));
