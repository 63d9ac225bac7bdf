import type { Consumption, Latencies, Load, Window } from "./load.ts";
import { measureConsumption, measureEndToEnd, measureLatency, measureLoad, measureSteadyEndToEnd } from "./load.ts";
import { nodeEndToEnd, nodeLatency, nodeLoad } from "./node-load.ts";
import type { Running } from "./system.ts";
import { measureTail, type TailLoad, type TailWindow } from "./tail.ts";

export interface WindowTimes {
  /** Left out; 0: the window begins with the client. */
  readonly warmUpMs: number;
  readonly windowMs: number;
  /** Counts what the brokers' processes have used since they were started, not only in the window. */
  readonly countsStart?: boolean;
}

export interface SteadyLoad {
  readonly topic: string;
  readonly recordBytes: number;
  readonly rate: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

/** The programs that load the brokers: the same for both systems. */
export interface Client {
  readonly name: string;
  load(running: Running, load: Load, times: WindowTimes): Promise<Window>;
  latency(running: Running, load: SteadyLoad): Promise<Latencies>;
  /** As a consumer group; null where there is no such client. */
  readonly consume: ((running: Running, load: { topic: string; records: number }) => Promise<Consumption>) | null;
  endToEnd(running: Running, load: { topic: string; recordBytes: number; records: number }): Promise<Latencies>;
  /** From the call that produces a record to the poll that returns it; null where there is no such client. */
  readonly steadyEndToEnd: ((running: Running, load: SteadyLoad) => Promise<Latencies>) | null;
  /** Consumers at the tail of a steady produce; null where there is no such client. */
  readonly tail: ((running: Running, load: TailLoad) => Promise<TailWindow>) | null;
}

/** Kafka's own programs. */
export const javaClient = (jars: string): Client => ({
  name: "Kafka's ProducerPerformance, ConsumerPerformance and EndToEndLatency",
  load: (running, load, times) => measureLoad(jars, running, load, times),
  latency: (running, load) => measureLatency(jars, running, load),
  consume: (running, load) => measureConsumption(jars, running, load),
  endToEnd: (running, load) => measureEndToEnd(jars, running, load),
  steadyEndToEnd: (running, load) => measureSteadyEndToEnd(jars, running, load),
  tail: (running, load) => measureTail(jars, running, load),
});

/** A producer in this process, for machines without Java. */
export const nodeClient: Client = {
  name: "a small producer in Node (there is no Java here)",
  load: nodeLoad,
  latency: nodeLatency,
  consume: null,
  endToEnd: nodeEndToEnd,
  steadyEndToEnd: null,
  tail: null,
};
