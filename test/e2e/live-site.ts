import { controllerOf } from "../../operator/cli/running.ts";
import { expect } from "@jest/globals";
import {
  type ControllerStatus,
  controllerStatus,
  type PartitionStatus,
} from "../../operator/adapters/process/controller-client.ts";
import { type Run, Site, type Told } from "../../operator/cli/stand-ins/site.ts";

/** Keyed lines for `produce`: fifty keys in turn. */
export const linesOf = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, n) => `key-${n % 50}:value ${n + from}`);

/** The lines of each key, in the order given. */
export function byKey(lines: readonly string[]): Record<string, string[]> {
  const groups: Record<string, string[]> = {};
  for (const line of lines) (groups[line.slice(0, line.indexOf(":"))] ??= []).push(line);
  return groups;
}

/** A cluster of real processes, used through the command as people use it. */
export class LiveSite extends Site {
  async started(...args: string[]): Promise<Run> {
    const run = this.up(...args);
    await run.says("ready in ");
    return run;
  }

  /** What a command says of this site. */
  told(...args: string[]): Promise<Told> {
    return this.run([...args, "--data", this.folder]).told();
  }

  /** What a command that must go well prints for programs. */
  async json<T>(...args: string[]): Promise<T> {
    const { code, out, err } = await this.told(...args, "--output", "json");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    return JSON.parse(out) as T;
  }

  /** Writes keyed lines; resolves once every one is acknowledged. */
  async produce(topic: string, lines: readonly string[], ...more: string[]): Promise<void> {
    const args = ["produce", topic, "--data", this.folder, "--key-separator", ":", ...more];
    const run = this.run(args, `${lines.join("\n")}\n`);
    expect({ code: await run.exit(), err: run.err }).toEqual({ code: 0, err: "" });
  }

  /** Every line that consumers see of a topic, in the order of reading. */
  async consume(topic: string): Promise<string[]> {
    const run = this.run(["consume", topic, "--data", this.folder, "--format", "%k:%v\\n"]);
    expect({ code: await run.exit(), err: run.err }).toEqual({ code: 0, err: "" });
    return run.out.split("\n").slice(0, -1);
  }

  /** Null while the controller does not answer. */
  status(): Promise<ControllerStatus | null> {
    return controllerStatus(controllerOf(this.folder));
  }

  async partition(topic: string, partition = 0): Promise<PartitionStatus | null> {
    const now = await this.status();
    const topicId = now?.topics.find(({ name }) => name === topic)?.topicId;
    return now?.partitions.find((row) => row.topicId === topicId && row.partition === partition) ?? null;
  }

  /** −1 without one. */
  async leaderOf(topic: string, partition = 0): Promise<number> {
    return (await this.partition(topic, partition))?.leader ?? -1;
  }

  /** Every partition has a leader and all its replicas in sync. */
  async isWhole(): Promise<boolean> {
    const now = await this.status();
    return now?.partitions.every(({ leader, isr, replicas }) => leader >= 0 && isr.length === replicas.length) ?? false;
  }

  killBroker(id: number): void {
    process.kill(this.clusterFile().brokers[id]?.pid ?? 0, "SIGKILL");
  }
}
