import { Command, InvalidArgumentError, Option } from "commander";
import { outputs } from "./table.ts";

/** Codecs that `produce` can write, by Kafka's names. */
export const codecNames = ["none", "gzip", "snappy", "lz4", "zstd"] as const;
export type CodecName = (typeof codecNames)[number];

const DATA_DEFAULT = "tidemark-data";

/** For options that may be given several times. */
export const collect = (value: string, before: readonly string[]): string[] => [...before, value];

export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    const isGood = /^[0-9]+$/.test(text) && value >= least && value <= most;
    if (!isGood) throw new InvalidArgumentError(`it must be a whole number from ${least} to ${most}.`);
    return value;
  };
}

/** Reads `1,2,3`: ids of brokers, each once. */
export function brokerIds(text: string): number[] {
  const ids = text.split(",").map((id) => (/^[0-9]{1,10}$/.test(id) ? Number(id) : Number.NaN));
  if (ids.some((id) => !(id < 2 ** 31))) throw new InvalidArgumentError("it must be brokers' ids, as 0,1,2.");
  if (new Set(ids).size < ids.length) throw new InvalidArgumentError("it names a broker twice.");
  return ids;
}

export const dataOption = (): Option =>
  new Option("--data <folder>", "data folder of the cluster").default(DATA_DEFAULT);

export const bootstrapOption = (): Option =>
  new Option("--bootstrap <host:port,…>", "brokers to ask first (default: those of --data, else 127.0.0.1:9092)");

/** A command that asks brokers as any Kafka client does. */
export const clientCommand = (name: string, summary: string): Command =>
  new Command(name)
    .summary(summary)
    .addOption(dataOption())
    .addOption(bootstrapOption())
    .addOption(
      new Option("--cluster <name>", "NAMESPACE/NAME, or NAME, of a Cluster on Kubernetes").conflicts("bootstrap"),
    )
    .option("--kubeconfig <file>", "where --cluster is found (default: as kubectl finds it)")
    .option("--context <name>", "of the kubeconfig (default: the current one)");

/** The same, with an answer for people or programs. */
export const adminCommand = (name: string, summary: string): Command =>
  clientCommand(name, summary).addOption(outputOption());

export const partitionOption = (): Option =>
  new Option("--partition <n>", "this partition only").argParser(wholeNumber(0, 2 ** 31 - 1));

export const outputOption = (): Option =>
  new Option("--output <form>", "a table for people, or json for programs").choices(outputs).default("table");
