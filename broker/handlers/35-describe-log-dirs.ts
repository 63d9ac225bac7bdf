import {
  describeLogDirs,
  type DescribeLogDirsRequest,
  type DescribeLogDirsResponse,
} from "../wire/apis/35-describe-log-dirs.ts";
import type { BrokerContext } from "./context.ts";
import { handler } from "./handler.ts";

/*
 * DescribeLogDirs: 1–5, of the broker that is asked.
 *
 * Behaviour: a broker has one data folder, which it calls "data" whatever its path. What it hosts is told with its size
 * in bytes; the size of the disk is not. What it does not host is left out.
 */

type Topics = DescribeLogDirsResponse["results"][number]["topics"];

function describe(request: DescribeLogDirsRequest, broker: BrokerContext): DescribeLogDirsResponse {
  const { image } = broker;
  const asked = request.topics?.map(({ topic, partitions }) => ({ name: topic, partitions }));
  const all = (): { name: string; partitions: readonly number[] }[] =>
    image.topics().map(({ name, topicId }) => {
      return { name, partitions: image.partitions(topicId).map(({ partition }) => partition) };
    });
  const topics: Topics[number][] = [];
  for (const { name, partitions } of asked ?? all()) {
    const hosted = partitions.flatMap((partition) => sizeOf(broker, name, partition));
    if (hosted.length > 0) topics.push({ name, partitions: hosted });
  }
  return { throttleTimeMs: 0, errorCode: 0, results: [{ errorCode: 0, logDir: "data", topics }] };
}

function sizeOf(broker: BrokerContext, topic: string, partition: number): Topics[number]["partitions"][number][] {
  const replica = broker.replicas.getByName(topic, partition);
  if (replica === undefined) return [];
  const { log, highWatermark } = replica;
  return [
    {
      partitionIndex: partition as Topics[number]["partitions"][number]["partitionIndex"],
      partitionSize: log.sizeBytes,
      offsetLag: Math.max(0, highWatermark - log.logEnd),
      isFutureKey: false,
    },
  ];
}

export const describeLogDirsHandler = handler(
  describeLogDirs,
  { served: { min: 1, max: 5 } },
  (request, call, broker) => call.answer(describe(request, broker)),
);
